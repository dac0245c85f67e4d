"""What a model itself counts: ``metrics()`` of a custom Python model, as the stock wrapper takes them.

Source: metrics.py of seldon-core 1.17.1. It labels each by the process too; here all processes count as one.
"""

from __future__ import annotations

import json
import logging
import math
import re
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.utils import floatToGoString

from server.settings import ServeSettings
from server.telemetry.shared_cells import SharedTexts

# A model that makes a name or tag of what a client sends must not fill the memory, here or in Prometheus.
MOST_SERIES, MOST_CHARACTERS, MOST_TAGS = 100, 200, 10
MOST_BYTES = 512 * 1024
# Those of the wrapper: 50 of them from 1 ms to 30 s, as far from each other on a logarithmic scale.
BOUNDS = tuple(0.001 * 30_000 ** (step / 49) for step in range(50))
METHODS = {"predict": "predict", "transform_input": "inputtransform", "transform_output": "outputtransform"}
_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
# What Prometheus makes of the parts of a histogram and a counter, and this server's own names.
_TAKEN = re.compile(
    r"(seldon_mlflow_server_|seldon_api_executor_server_requests_seconds|model_info$|target_info$).*"
)
_MISSING = "NOT_IMPLEMENTED"
# A series: its type, name and tags, as JSON.
Series = str

log = logging.getLogger(__name__)


class CustomMetrics:
    """The model's own metrics, of all processes.

    Args:
        settings: how the node was configured: the labels of every series.
        texts: where each process publishes its own.
    """

    def __init__(self, settings: ServeSettings, texts: SharedTexts) -> None:
        self._texts = texts
        self._labels = labels(settings)
        # By series, what was counted, and for a gauge when: [value, time] or [sum, buckets].
        self._mine: dict[Series, list[Any]] = {}
        self._dropped = 0
        self._told = False

    def become(self, process: int) -> None:
        """Count for another process from now on: its number, 0 being the first one's."""
        self._texts.become(process)
        self._mine, self._dropped = {}, 0

    def update(self, metrics: Iterable[Mapping[str, Any]], role: str) -> None:
        """Count metrics that the model has returned: {"key", "type", "value", "tags"} each.

        Those that Prometheus could not have, and further series than MOST_SERIES, are dropped, and counted as that.
        """
        for metric in metrics:
            if not self._updated(metric, METHODS.get(role, role)):
                self._dropped += 1
        if not self._texts.write(orjson.dumps([self._dropped, self._mine])) and not self._told:
            self._told = True
            log.warning(
                "the model's own metrics stay as they are from now on, as this process tells of them: with their names and tags they take "
                "more than %d bytes; shorten those",
                self._texts.most,
            )

    def _updated(self, metric: Mapping[str, Any], method: str) -> bool:
        kind, name, value = metric["type"], metric["key"], float(metric["value"])
        if kind == "COUNTER":
            name = name.removesuffix("_total")
        tags = {**metric.get("tags", {}), "method": method}
        if not _fits(name, tags) or not math.isfinite(value) or (kind != "GAUGE" and value < 0):
            return False
        series = json.dumps([kind, name, sorted(tags.items())])
        if series not in self._mine and (len(self._mine) >= MOST_SERIES or not self._agrees(name, kind)):
            return False
        if kind == "COUNTER":
            self._mine.setdefault(series, [0.0])[0] += value
        elif kind == "GAUGE":
            self._mine[series] = [value, time.time()]
        else:
            seconds = value / 1000  # A timer is in milliseconds.
            total = self._mine.setdefault(series, [0.0, [0] * (len(BOUNDS) + 1)])
            total[0] += seconds
            total[1][bisect_left(BOUNDS, seconds)] += 1
        return True

    def _agrees(self, name: str, kind: str) -> bool:
        """Return whether no other metric has a sample of the same name."""
        others = {_split(series)[:2] for series in self._mine} - {(kind, name)}
        mine = {name + suffix for suffix in _SUFFIXES[kind]}
        return all(mine.isdisjoint(other + suffix for suffix in _SUFFIXES[its]) for its, other in others)

    def collect(self) -> tuple[int, list[Metric]]:
        """Return how many updates were dropped, and the families, those of all processes added up."""
        dropped, found = 0, dict[Series, list[Any]]()
        for text in self._texts.read():
            if not text:
                continue
            more, mine = orjson.loads(text)
            dropped += more
            for series, value in mine.items():
                found[series] = _together(series, found.get(series), value)
        families: dict[str, Metric] = {}
        for series, value in sorted(found.items())[:MOST_SERIES]:
            kind, name, tags = _split(series)
            if name not in families:
                families[name] = _FAMILIES[kind](name, "Of the model itself.")
            if families[name].type == _TYPES[kind]:
                _add(families[name], {**tags, **self._labels}, kind, value)
        return dropped, list(families.values())


def labels(settings: ServeSettings) -> dict[str, str]:
    """Return the labels that the wrapper gives each of the model's own metrics."""
    image, _, version = (settings.image or f"{_MISSING}:{_MISSING}").rpartition(":")
    try:
        given = json.loads(settings.predictor_labels or "{}")
        predictor_version = str(given.get("version", _MISSING))
    except (ValueError, AttributeError):
        predictor_version = _MISSING
    named = {
        "deployment_name": settings.deployment or _MISSING,
        "model_name": settings.node or _MISSING,
        "model_image": image,
        "model_version": version,
        "predictor_name": settings.predictor or _MISSING,
        "predictor_version": predictor_version,
    }
    older = {"seldon_deployment_name": "deployment_name", "image_name": "model_image"}
    older["image_version"] = "model_version"
    return {**named, **{name: named[newer] for name, newer in older.items()}}


def _fits(name: str, tags: Mapping[str, str]) -> bool:
    """Return whether Prometheus takes a name and its labels."""
    return bool(
        len(name) <= MOST_CHARACTERS
        and _METRIC_NAME.fullmatch(name)
        and not _TAKEN.fullmatch(name)
        and len(tags) <= MOST_TAGS
        and all(_LABEL_NAME.fullmatch(key) and key != "le" for key in tags)
        and all(len(key) + len(value) <= MOST_CHARACTERS for key, value in tags.items())
    )


def _split(series: Series) -> tuple[str, str, dict[str, str]]:
    kind, name, tags = json.loads(series)
    return kind, name, dict(tags)


def _together(series: Series, one: list[Any] | None, other: list[Any]) -> list[Any]:
    """Return what two processes have counted: of a gauge the newer value, else the sum."""
    if one is None:
        return other
    kind = _split(series)[0]
    if kind == "GAUGE":
        return max(one, other, key=lambda each: float(each[1]))
    if kind == "COUNTER":
        return [one[0] + other[0]]
    return [one[0] + other[0], [mine + its for mine, its in zip(one[1], other[1], strict=True)]]


# What the samples of a metric are called.
_SUFFIXES = {
    "COUNTER": ("", "_total", "_created"),
    "GAUGE": ("",),
    "TIMER": ("", "_bucket", "_count", "_sum", "_created"),
}
_TYPES = {"COUNTER": "counter", "GAUGE": "gauge", "TIMER": "histogram"}
_FAMILIES: dict[str, Any] = {
    "COUNTER": CounterMetricFamily,
    "GAUGE": GaugeMetricFamily,
    "TIMER": HistogramMetricFamily,
}


def _add(family: Metric, named: dict[str, str], kind: str, value: list[Any]) -> None:
    """Add a series to its family."""
    if kind == "COUNTER":
        family.add_sample(f"{family.name}_total", named, value[0])
        return
    if kind == "GAUGE":
        family.add_sample(family.name, named, value[0])
        return
    count = 0
    for bound, more in zip((*BOUNDS, math.inf), value[1], strict=True):
        count += more
        family.add_sample(f"{family.name}_bucket", {**named, "le": floatToGoString(bound)}, count)
    family.add_sample(f"{family.name}_count", named, count)
    family.add_sample(f"{family.name}_sum", named, value[0])
