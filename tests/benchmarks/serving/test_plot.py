from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from benchmarks.serving import plan
from benchmarks.serving.plot import WIDTH, svg
from benchmarks.serving.rounds import Round
from benchmarks.serving.scenario import LARGE, SMALL

SVG = "{http://www.w3.org/2000/svg}"


def test_there_is_a_bar_and_a_ratio_for_each_server(rounds: list[Round]) -> None:
    for each in rounds:
        load = each.loads[plan.SERVER, SMALL.name]
        each.loads[plan.SERVER, SMALL.name] = replace(load, seconds=load.seconds / 4)
    root = ET.fromstring(svg(rounds))
    bars = root.findall(f"{SVG}rect")
    drawn = [name for _, name in rounds[0].loads if name in (SMALL.name, LARGE.name)]
    assert len(bars) == len(drawn)
    assert all(float(bar.attrib["x"]) + float(bar.attrib["width"]) < WIDTH for bar in bars)
    texts = [text.text for text in root.findall(f"{SVG}text")]
    assert texts[:3] == ["2 rows, 16 connections, requests/s", "this server", "800 (4.00 × limit)"]
    assert "prefers-color-scheme: dark" in svg(rounds)
