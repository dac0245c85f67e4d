"""Draw docs/observability.svg: the panels of components/monitoring/dashboard.json with the data of a Prometheus.

For who has no Grafana at hand: `make demo MONITORING=1`, send requests, then `python docs/dashboard.py http://127.0.0.1:…` with
the address of its Prometheus. Grafana draws the same numbers with more to it.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import httpx

ROOT = Path(__file__).parents[1]
DASHBOARD = ROOT / "components/monitoring/dashboard.json"
PICTURE = ROOT / "docs/observability.svg"
MINUTES, STEP = 4, 5
COLUMN, LINE, GAP = 50, 26, 4
SERIES = 8
STYLE = """\
  <style>
    text { font: 11px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600 } .row { font-weight: 600; font-size: 14px } .big { font-size: 20px; font-weight: 600 }
    .small { font-size: 9px } .panel { fill: none; stroke: #d0d7de } .axis { stroke: #d0d7de; stroke-dasharray: 2 3 }
    polyline { fill: none; stroke-width: 1.2 }
    @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .panel, .axis { stroke: #30363d } }
  </style>"""
COLOURS = ("#0969da", "#1a7f37", "#bc4c00", "#8250df", "#bf3989", "#9a6700", "#1b7c83", "#cf222e")
THRESHOLDS = {"green": COLOURS[1], "orange": COLOURS[2], "red": COLOURS[7], "blue": COLOURS[0]}
Points = list[tuple[float, float]]
Named = list[tuple[str, Points]]


class Data:
    """What Prometheus answers to the queries of the dashboard, with everything chosen in its variables."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self.end = time.time()
        self.begin = self.end - MINUTES * 60

    def _ask(self, path: str, expr: str, **params: str) -> list[Any]:
        query = re.sub(r"\$(namespace|deployment|app)\b", ".*", expr).replace("$__rate_interval", "1m")
        answer = self._client.get(f"/api/v1/{path}", params={"query": query, **params}).raise_for_status()
        return list(answer.json()["data"]["result"])

    def series(self, target: dict[str, Any]) -> Named:
        """Return the finite points of each series of a query, with its legend."""
        times = {"start": str(self.begin), "end": str(self.end), "step": str(STEP)}
        found = []
        for each in self._ask("query_range", target["expr"], **times):
            points = [(at, number) for at, text in each["values"] if math.isfinite(number := float(text))]
            legend = re.sub(
                r"\{\{(\w+)\}\}",
                lambda match, of=each["metric"]: of.get(match[1], ""),
                target["legendFormat"],
            )
            found += [(legend, points)] if points else []
        return sorted(found, key=lambda entry: -max(value for _, value in entry[1]))

    def rows(self, targets: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows of a table, those of equal labels merged into one."""
        found: dict[str, dict[str, Any]] = {}
        for target in targets:
            column = f"Value #{target['refId']}" if len(targets) > 1 else "Value"
            for each in self._ask("query", target["expr"]):
                found.setdefault(json.dumps(each["metric"]), {**each["metric"]})[column] = float(
                    each["value"][1]
                )
        return list(found.values())


def number(value: float, unit: str) -> str:
    """Return a number as Grafana would write it with this unit."""
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s":
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    suffix = {"reqps": "/s", "bytes": "B", "Bps": "B/s"}.get(unit, "")
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size and suffix:
            return f"{value / size:.3g} {prefix}{suffix}"
    return f"{value:.3g} {suffix}".strip()


def text(x: float, y: float, words: str, kind: str = "", more: str = "") -> str:
    """Return a text whose baseline begins at a point."""
    return f'  <text x="{x:.0f}" y="{y:.0f}" class="{kind}"{more}>{escape(words)}</text>'


def graph(panel: dict[str, Any], data: Data, x: int, y: int, width: int, height: int) -> Iterator[str]:
    """Yield a graph of lines, or of areas on each other, with its legend."""
    defaults = panel["fieldConfig"]["defaults"]
    named = [entry for target in panel["targets"] for entry in data.series(target)][:SERIES]
    if "stacking" in defaults["custom"]:
        below: dict[float, float] = {}
        for _, points in named:
            for index, (at, value) in enumerate(points):
                below[at] = below.get(at, 0) + value
                points[index] = (at, below[at])
    top = max((value for _, points in named for _, value in points), default=0) or 1
    legend = 11 * len(named) + 4
    left, right, base, room = x + 54, x + width - 6, y + height - legend - 4, height - legend - 26
    for share in (0, 0.5, 1):
        line = base - share * room
        yield f'  <line class="axis" x1="{left}" x2="{right}" y1="{line:.1f}" y2="{line:.1f}"/>'
        yield text(left - 3, line + 3, number(top * share, defaults["unit"]), "small", ' text-anchor="end"')
    for index, (words, points) in enumerate(named):
        places = " ".join(
            f"{left + (at - data.begin) / (data.end - data.begin) * (right - left):.0f},{base - value / top * room:.1f}"
            for at, value in points
        )
        yield f'  <polyline points="{places}" stroke="{COLOURS[index]}"/>'
        line = base + 14 + 11 * index
        yield f'  <rect x="{x + 6}" y="{line - 6}" width="9" height="3" fill="{COLOURS[index]}"/>'
        yield text(x + 18, line, words[: width // 5], "small")


def stat(panel: dict[str, Any], data: Data, x: int, y: int, width: int, height: int) -> Iterator[str]:
    """Yield the last value of each series, in the colour of its threshold."""
    defaults = panel["fieldConfig"]["defaults"]
    found = [entry for target in panel["targets"] for entry in data.series(target)]
    for index, (words, points) in enumerate(found[:3]):
        value = points[-1][1]
        steps = defaults["thresholds"]["steps"]
        colour = [step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1]
        line = y + 46 + index * 30 if len(found) > 1 else y + height // 2 + 14
        shown = f"{words} {number(value, defaults['unit'])}".strip()
        yield text(
            x + 8, line, shown, "big" if len(found) == 1 else "title", f' style="fill: {THRESHOLDS[colour]}"'
        )


def heatmap(panel: dict[str, Any], data: Data, x: int, y: int, width: int, height: int) -> Iterator[str]:
    """Yield a cell for each bucket and time, the darker the more requests."""
    found = {
        float(words.replace("+Inf", "inf")): dict(points)
        for words, points in data.series(panel["targets"][0])
    }
    bounds = sorted(found)
    cells, before = {}, dict[float, float]()
    for row, bound in enumerate(bounds):
        cells |= {(at, row): value - before.get(at, 0) for at, value in found[bound].items()}
        before = found[bound]
    most = max(cells.values(), default=1) or 1
    wide, high = (width - 60) / (MINUTES * 60 / STEP + 1), (height - 32) / max(len(bounds), 1)
    for (at, row), value in cells.items():
        if value > 0:
            place = f'x="{x + 54 + (at - data.begin) / STEP * wide:.1f}" y="{y + height - 6 - (row + 1) * high:.1f}"'
            shade = f'fill="{COLOURS[0]}" fill-opacity="{0.15 + 0.85 * value / most:.2f}"'
            yield f'  <rect {place} width="{wide:.1f}" height="{high:.1f}" {shade}/>'
    for row in range(0, len(bounds), 4):
        yield text(
            x + 51, y + height - 6 - row * high, number(bounds[row], "s"), "small", ' text-anchor="end"'
        )


def table(panel: dict[str, Any], data: Data, x: int, y: int, width: int, height: int) -> Iterator[str]:
    """Yield a table with the columns that the panel names."""
    names = panel["transformations"][-1]["options"]["renameByName"]
    units = {
        entry["matcher"]["options"]: entry["properties"][0]["value"]
        for entry in panel["fieldConfig"]["overrides"]
    }
    wide = (width - 12) / len(names)
    for column, (name, title) in enumerate(names.items()):
        yield text(x + 8 + column * wide, y + 34, title, "title")
        for row, entry in enumerate(data.rows(panel["targets"])):
            value = entry.get(name, "")
            words = number(value, units.get(title, "none")) if isinstance(value, float) else str(value)
            yield text(x + 8 + column * wide, y + 50 + row * 14, words[: int(wide / 6)], "small")


KINDS: dict[str, Callable[..., Iterator[str]]] = {
    "timeseries": graph,
    "stat": stat,
    "heatmap": heatmap,
    "table": table,
}


def svg(data: Data) -> str:
    """Return the picture."""
    content = json.loads(DASHBOARD.read_text())
    parts = []
    for panel in content["panels"]:
        place = panel["gridPos"]
        x, y = place["x"] * COLUMN, place["y"] * LINE
        width, height = place["w"] * COLUMN - GAP, place["h"] * LINE - GAP
        if panel["type"] == "row":
            parts.append(text(x + 2, y + 19, panel["title"], "row"))
            continue
        parts.append(
            f'  <rect class="panel" x="{x + 1}" y="{y + 1}" width="{width}" height="{height}" rx="3"/>'
        )
        parts.append(text(x + 8, y + 15, panel["title"], "title"))
        parts += KINDS[panel["type"]](panel, data, x, y, width, height)
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in content["panels"]) * LINE
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * COLUMN} {bottom}" role="img"'
    return "\n".join([f'{head} aria-label="{escape(content["title"])}">', STYLE, *parts, "</svg>\n"])


if __name__ == "__main__":
    PICTURE.write_text(svg(Data(sys.argv[1])))
