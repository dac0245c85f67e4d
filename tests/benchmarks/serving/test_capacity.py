from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from benchmarks.serving import capacity
from benchmarks.serving.capacity import Rule, fit
from benchmarks.serving.growth import HELD_OUT, Case, Growth, cases
from benchmarks.serving.load import Load
from benchmarks.serving.plot import WIDTH, growth_svg

SVG = "{http://www.w3.org/2000/svg}"
TRUE = Rule(fixed=200, row=0.5, cell=0.125)


def loads(rule: Rule) -> dict[Case, list[Load]]:
    """Return three rounds in which each request takes what the rule says, and 100 were answered in a second."""
    micros = np.full(100, 1000)
    return {
        case: [
            # Texts cost more than the rule says.
            Load(1, np.full(100, 200), micros, 0.1, rule.cpu(case) * (factor + 4 * case.texts) * 100 / 1e6)
            for factor in (0.9, 1, 1.1)
        ]
        for case in cases(2)
    }


@pytest.mark.parametrize("rule", [TRUE, Rule(fixed=300, row=0, cell=0.25), Rule(fixed=100, row=2, cell=0)])
def test_the_rule_is_found_again(rule: Rule) -> None:
    found = fit(Growth(loads(rule), 100, 120))
    assert (found.fixed, found.row, found.cell) == pytest.approx((rule.fixed, rule.row, rule.cell), abs=1e-6)


def test_no_term_takes_time_away() -> None:
    measured = loads(TRUE)
    for case in measured:
        if case.series == "columns" and case.columns == 400:
            measured[case] = [Load(1, np.full(100, 200), np.full(100, 1000), 0.1, 0.001)]
    found = fit(Growth(measured, 100, 120))
    assert min(found.fixed, found.row, found.cell) >= 0


def test_the_page_compares_the_rule_with_what_it_was_not_fitted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    # That asks the server's environment, which need not be there.
    monkeypatch.setattr(capacity, "machine", lambda: [("cores", "2")])
    measured = loads(TRUE)
    measured[HELD_OUT] = [
        Load(1, np.full(100, 200), np.full(100, 1000), 0.1, 2 * TRUE.cpu(HELD_OUT) / 1e4) for _ in range(3)
    ]
    said = capacity.document(Growth(measured, 100, 120))
    assert "200 µs + 0.50 µs × rows + 0.125 µs × values" in said
    assert "the rule says 1,100 µs, measured were 2,200 µs (2.00 times the rule)" in said
    assert "| 10,000 | 4 " in said
    assert "400, half of them texts" in said


def test_a_panel_has_a_point_for_each_case_within_the_picture() -> None:
    root = ET.fromstring(growth_svg(Growth(loads(TRUE), 100, 120)))
    assert len(root.findall(f"{SVG}polyline")) == 3
    circles = root.findall(f"{SVG}circle")
    assert len(circles) == 5 + 3 + 5
    height = float(root.attrib["viewBox"].split()[3])
    assert all(
        0 < float(each.attrib["cx"]) < WIDTH and 0 < float(each.attrib["cy"]) < height for each in circles
    )


def test_cases_go_as_far_as_the_cores() -> None:
    assert max(case.model_processes for case in cases(1)) == 1
    assert max(case.rest_processes for case in cases(8)) == 4
    assert len(set(cases(2))) == len(cases(2))
