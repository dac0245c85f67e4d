"""Families of metrics by their kind, with the names of this server."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.utils import floatToGoString

from server.api.exposition import Family
from server.telemetry.exemplars import Exemplar

# The cells of a histogram (server.telemetry.histograms).
Cells = Sequence[float]
Labels = tuple[str, ...]


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
