"""Metrics as text: families by their kind, in Prometheus's format, or OpenMetrics where the scraper takes that, which has exemplars."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import Any, NamedTuple

from prometheus_client import exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from server.telemetry.shared_cells import Exemplar

OPENMETRICS = "application/openmetrics-text"
# The end of a text of OpenMetrics.
_EOF = "# EOF\n"
_NONE: Mapping[int, Exemplar] = MappingProxyType({})
# After so long the others have a turn, for as long as a timer of the loop's resolution takes. Most scrapes take less; a model
# with thousands of series of its own takes many turns. (Shorter ones cost more: after each rest the caches are cold.)
TURN_SECONDS, REST_SECONDS = 0.0005, 0.001
# The cells of a histogram (server.telemetry.shared_cells).
Cells = Sequence[float]
Labels = tuple[str, ...]


class Family(NamedTuple):
    """A metric and the values of its series.

    Args:
        name: of the metric.
        series: which series it has: as long as that is equal, ``make`` would make the same.
        make: makes the family as prometheus_client has it; the values of its samples are not looked at.
        values: of its samples, in their order.
        exemplars: of its samples, by their place in that order.
    """

    name: str
    series: Hashable
    make: Callable[[], Metric]
    values: Sequence[float]
    exemplars: Mapping[int, Exemplar] = _NONE


@dataclass(slots=True)
class _Written:
    """A family as text: with ``%s`` for each value (printf-style formatting), and with the values that it had last."""

    series: Hashable
    template: str
    values: Sequence[object] = ()
    text: str = ""


class _One(Collector):
    """A collector of a single family."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


class Exposition:
    """Writes families as text."""

    def __init__(self) -> None:
        # By name, as Prometheus's text and as OpenMetrics.
        self._written: tuple[dict[str, _Written], dict[str, _Written]] = ({}, {})

    async def text(self, families: Iterable[Family], accept: str) -> tuple[bytes, str]:
        """Return the text of families and its content type, for a request's Accept header; others go on meanwhile."""
        parts, is_open = list[str](), takes_openmetrics(accept)
        began = time.perf_counter()
        for family in families:
            parts.append(self._text(family, is_open=is_open))
            if time.perf_counter() - began > TURN_SECONDS:
                await asyncio.sleep(REST_SECONDS)
                began = time.perf_counter()
        if is_open:
            return "".join((*parts, _EOF)).encode(), openmetrics.CONTENT_TYPE_LATEST
        return "".join(parts).encode(), exposition.CONTENT_TYPE_PLAIN_0_0_4

    def _text(self, family: Family, *, is_open: bool) -> str:
        known = self._written[is_open]
        written = known.get(family.name)
        if written is None or written.series != family.series:
            written = known[family.name] = _write(family, is_open=is_open)
        values: list[object] = list(family.values)
        if is_open:
            for place, each in family.exemplars.items():
                said = f'{values[place]} # {{trace_id="{each.trace_id}"}} {each.value} {each.timestamp:.3f}'
                values[place] = said
        if written.values != values or not written.text:
            written.values, written.text = values, written.template % tuple(values)
        return written.text


def _write(family: Family, *, is_open: bool) -> _Written:
    """Have prometheus_client write a family."""
    generate: Any = openmetrics.generate_latest if is_open else exposition.generate_latest
    text = generate(_One(family.make())).decode().removesuffix(_EOF).replace("%", "%%")
    # A line ends with a space and the value.
    lines = [
        line if line.startswith("#") else f"{line.rpartition(' ')[0]} %s" for line in text.split("\n")[:-1]
    ]
    return _Written(family.series, "".join(f"{line}\n" for line in lines))


def takes_openmetrics(accept: str) -> bool:
    """Return whether a scraper takes OpenMetrics, whatever else it takes."""
    return OPENMETRICS in {part.partition(";")[0].strip().lower() for part in accept.split(",")}


def gauge(name: str, meaning: str, value: float) -> Family:
    """Return a gauge without labels."""
    return Family(name, (), lambda: GaugeMetricFamily(name, meaning, value=0), [float(value)])


def gauges(name: str, meaning: str, labels: Sequence[str], values: Mapping[Labels, float]) -> Family:
    """Return a gauge with a value for each of the labels' values."""
    return _labelled(GaugeMetricFamily, name, meaning, labels, values)


def counters(name: str, meaning: str, labels: Sequence[str], values: Mapping[Labels, float]) -> Family:
    """Return a counter with a value for each of the labels' values."""
    return _labelled(CounterMetricFamily, name, meaning, labels, values)


def as_it_is(metric: Metric) -> Family:
    """Return a family as prometheus_client has it."""
    series = tuple((sample.name, tuple(sample.labels.items())) for sample in metric.samples)
    return Family(metric.name, series, lambda: metric, [sample.value for sample in metric.samples])


class Row(NamedTuple):
    """What was counted of one series of a histogram: the values of its labels, its cells, and the traces of its buckets."""

    labels: Labels
    cells: Cells
    exemplars: Mapping[int, Exemplar]


class Buckets:
    """The buckets that are shown of histograms, some of those that are counted.

    Args:
        counted: the upper bounds of those that are counted, +Inf left out.
        shown: those that are shown.
    """

    def __init__(self, counted: Sequence[float], shown: Sequence[float]) -> None:
        self._ends = [*(counted.index(bound) for bound in shown), len(counted)]
        self._names = [*map(floatToGoString, shown), "+Inf"]

    def histogram(self, name: str, meaning: str, labels: Sequence[str], rows: Iterable[Row]) -> Family:
        """Return a histogram with the rows' counts."""
        values: list[float] = []
        named: list[Labels] = []
        exemplars: dict[int, Exemplar] = {}
        for row in rows:
            # As whole numbers, which Python writes in half the time.
            below = list(accumulate(map(int, row.cells[:-1])))
            counts = [below[end] for end in self._ends]
            for bucket, exemplar in row.exemplars.items():
                place = len(values) + bisect_left(self._ends, bucket)
                if place not in exemplars or exemplars[place].timestamp < exemplar.timestamp:
                    exemplars[place] = exemplar
            # As prometheus_client has them: the buckets, the count, the sum.
            values += [*counts, counts[-1], row.cells[-1]]
            named.append(row.labels)

        def make() -> Metric:
            family = HistogramMetricFamily(name, meaning, labels=labels)
            for each in named:
                family.add_metric(each, [(bucket, 0) for bucket in self._names], 0)
            return family

        return Family(name, tuple(named), make, values, exemplars)


def _labelled(
    kind: Any, name: str, meaning: str, labels: Sequence[str], values: Mapping[Labels, float]
) -> Family:
    def make() -> Metric:
        family = kind(name, meaning, labels=labels)
        for each in values:
            family.add_metric(each, 0)
        made: Metric = family
        return made

    return Family(name, tuple(values), make, list(values.values()))
