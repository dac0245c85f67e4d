"""The measurements as pictures, in SVG that fits a light and a dark page: bars of requests/s, and lines of how they grow."""

from __future__ import annotations

import math
from collections.abc import Callable
from xml.sax.saxutils import escape

from benchmarks.serving import plan
from benchmarks.serving.growth import Case, Growth
from benchmarks.serving.rounds import Round
from benchmarks.serving.scenario import LARGE, SMALL, Scenario
from benchmarks.serving.table import median

WIDTH, LABELS, FIGURES = 760, 240, 150
BAR, GAP, TITLE, MARGIN = 22, 8, 40, 16
# Lines are drawn in a box of this height, with the least figure so far above its lower edge.
BOX, LOWEST = 150, 24
_STYLE = """\
  <style>
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600 }
    .bar { fill: #8c959f }
    .own { fill: #0969da }
    .line { fill: none; stroke: #0969da; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .bar { fill: #6e7681 }
      .own { fill: #58a6ff }
      .line { stroke: #58a6ff }
    }
  </style>"""


def svg(rounds: list[Round]) -> str:
    """Return a picture with a panel of bars for the small and for the large requests."""
    parts, top = list[str](), MARGIN
    for scenario in (SMALL, LARGE):
        panel, top = _panel(rounds, scenario, top)
        parts += panel
    return _picture(f"Requests/s with {SMALL.name} and with {LARGE.name}", parts, top + MARGIN)


def growth_svg(growth: Growth) -> str:
    """Return a picture with a panel of a line for each of rows, columns and connections, both axes logarithmic."""
    lines: list[tuple[str, list[Case], Callable[[Case], int], Callable[[Case], float]]] = [
        ("CPU µs a request, by rows of 4 numbers", _series(growth, "rows"), lambda it: it.rows, growth.cpu),
        (
            "CPU µs a request of 100 rows, by columns of numbers",
            _series(growth, "columns"),
            lambda it: it.columns,
            growth.cpu,
        ),
        (
            "Requests/s of 2 rows, by connections",
            _series(growth, "connections"),
            lambda it: it.connections,
            growth.rate,
        ),
    ]
    parts, top = list[str](), MARGIN
    for title, cases, across, figure in lines:
        points = [(across(case), figure(case)) for case in cases]
        parts += _line(title, points, top)
        top += TITLE + BOX + MARGIN
    return _picture("; ".join(title for title, *_ in lines), parts, top)


def _series(growth: Growth, name: str) -> list[Case]:
    return [case for case in growth.loads if case.series == name and not case.texts]


def _line(title: str, points: list[tuple[int, float]], top: int) -> list[str]:
    """Return a panel: a line with what is measured above each point, and below it what of."""
    across, up = ([math.log(point[axis]) for point in points] for axis in (0, 1))
    width, left = WIDTH - 2 * LABELS / 3 - FIGURES / 3, LABELS / 3
    bottom = top + TITLE + BOX - LOWEST
    places = [
        (
            left + width * (x - across[0]) / ((across[-1] - across[0]) or 1),
            bottom - (BOX - 2 * LOWEST) * (y - min(up)) / ((max(up) - min(up)) or 1),
        )
        for x, y in zip(across, up, strict=True)
    ]
    parts = [f'  <text class="title" x="{MARGIN}" y="{top + 14}">{escape(title)}</text>']
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts.append(f'  <polyline class="line" points="{path}"/>')
    for (x, y), (number, figure) in zip(places, points, strict=True):
        parts += [
            f'  <circle class="own" cx="{x:.1f}" cy="{y:.1f}" r="4"/>',
            f'  <text x="{x:.1f}" y="{y - 10:.1f}" text-anchor="middle">{figure:,.0f}</text>',
            f'  <text x="{x:.1f}" y="{bottom + LOWEST:.1f}" text-anchor="middle">{number:,}</text>',
        ]
    return parts


def _picture(label: str, parts: list[str], height: int) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">',
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
