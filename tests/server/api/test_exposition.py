"""Metrics as text: what was written before is written again only where nothing has changed."""

from __future__ import annotations

import asyncio
import math

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from server.api.exposition import Buckets, Exposition, Row, counters, gauge
from server.telemetry.shared_cells import Exemplar
from tests.server.scraping import OPENMETRICS, samples, value

TRACE = "0af7651916cd43dd8448eb211c80319c"


def read(exposition, families, accept=""):
    text, _ = asyncio.run(exposition.text(families, accept))
    parse = openmetrics.text_string_to_metric_families if accept else text_string_to_metric_families
    return list(parse(text.decode()))


def calls(values):
    return counters("calls", "Calls, 100 % of them.", ["path"], values)


def test_what_changes_between_two_scrapes_is_told():
    exposition = Exposition()
    for accept in ("", OPENMETRICS):
        for values in (
            {("/50%s",): 1.0, ('"\n',): 2.0},
            {("/50%s",): 1.0, ('"\n',): 2.0},
            {("/50%s",): 1.0, ('"\n',): 3e15},
            {("/50%s",): 4.0, ("new",): 0.5},
            {},
        ):
            found = samples(read(exposition, [calls(values), gauge("held", "Held.", math.inf)], accept))
            assert value(found, "held") == math.inf
            del found["held", frozenset()]
            assert found == {
                ("calls_total", frozenset({"path": path}.items())): number
                for (path,), number in values.items()
            }


def test_an_exemplar_is_told_when_it_is_there_and_not_any_more():
    exposition, buckets = Exposition(), Buckets([0.1, 1.0, 2.0], [0.1, 2.0])
    for trace in (TRACE, TRACE[::-1], ""):
        exemplars = {1: Exemplar(trace, 0.7, 1000.5)} if trace else {}
        family = buckets.histogram("took", "Took.", ["a"], [Row(("b",), [1, 2, 0, 3, 9.5], exemplars)])
        (found,) = read(exposition, [family], OPENMETRICS)
        assert [each.value for each in found.samples] == [1, 3, 6, 6, 9.5]
        told = [each for each in found.samples if each.exemplar]
        assert [(each.labels["le"], each.exemplar.labels["trace_id"]) for each in told] == (
            [("2.0", trace)] if trace else []
        )
        (plain,) = read(exposition, [family])
        assert not any(each.exemplar for each in plain.samples)
