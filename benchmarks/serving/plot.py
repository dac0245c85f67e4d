"""The measurement as a picture: bars of requests/s, in SVG that fits a light and a dark page."""

from __future__ import annotations

from xml.sax.saxutils import escape

from benchmarks.serving import plan
from benchmarks.serving.rounds import Round
from benchmarks.serving.scenario import LARGE, SMALL, Scenario
from benchmarks.serving.table import median

WIDTH, LABELS, FIGURES = 760, 240, 150
BAR, GAP, TITLE, MARGIN = 22, 8, 40, 16
_STYLE = """\
  <style>
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600 }
    .bar { fill: #8c959f }
    .own { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .bar { fill: #6e7681 }
      .own { fill: #58a6ff }
    }
  </style>"""


def svg(rounds: list[Round]) -> str:
    """Return a picture with a panel of bars for the small and for the large requests."""
    parts, top = list[str](), MARGIN
    for scenario in (SMALL, LARGE):
        panel, top = _panel(rounds, scenario, top)
        parts += panel
    height = top + MARGIN
    said = escape(f"Requests/s with {SMALL.name} and with {LARGE.name}")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{said}">',
            _STYLE,
            *parts,
            "</svg>\n",
        ]
    )


def _panel(rounds: list[Round], scenario: Scenario, top: int) -> tuple[list[str], int]:
    """Return the panel, the fastest server first, and where the next one begins."""
    rates = {
        server: median([each.loads[server, name] for each in rounds], lambda load: load.rate)
        for server, name in rounds[0].loads
        if name == scenario.name
    }
    limit = rates[plan.LIMIT_2]
    parts = [f'  <text class="title" x="{MARGIN}" y="{top + 14}">{escape(scenario.name)}, requests/s</text>']
    top += TITLE - 12
    for server, rate in sorted(rates.items(), key=lambda item: -item[1]):
        width = (WIDTH - LABELS - FIGURES) * rate / max(rates.values())
        own = " own" if server.startswith(plan.SERVER) else ""
        line = top + BAR - 6
        parts += [
            f'  <text x="{LABELS - GAP}" y="{line}" text-anchor="end">{escape(server)}</text>',
            f'  <rect class="bar{own}" x="{LABELS}" y="{top}" width="{width:.1f}" height="{BAR}" rx="3"/>',
            f'  <text x="{LABELS + width + GAP:.1f}" y="{line}">{rate:,.0f} ({rate / limit:.2f} × limit)</text>',
        ]
        top += BAR + GAP
    return parts, top + MARGIN
