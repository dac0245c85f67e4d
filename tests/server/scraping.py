"""Metrics as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
P = "seldon_mlflow_server"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def families(address: str, accept: str = "") -> list[Metric]:
    """Return what an address answers, parsed strictly."""
    answer = httpx.get(address, headers={"accept": accept}, timeout=30)
    assert answer.status_code == 200
    if answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0"):
        assert accept
        return list(openmetrics.text_string_to_metric_families(answer.text))
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4; charset=utf-8")
    return list(text_string_to_metric_families(answer.text))


def samples(found: Iterable[Metric]) -> Samples:
    """Return the samples by name and labels, of which there are no two alike."""
    listed = [
        ((each.name, frozenset(each.labels.items())), each.value) for one in found for each in one.samples
    ]
    assert len(dict(listed)) == len(listed)
    return dict(listed)


def scrape(served: Any, accept: str = "", path: str = "/metrics") -> Samples:
    """Return the samples of a server's own port."""
    return samples(families(f"http://127.0.0.1:{served.health_port}{path}", accept))


def calls_waiting(served: Any) -> float:
    """Return how many calls have no answer yet, in the queue or with the model."""
    return value(scrape(served), "seldon_mlflow_server_calls_waiting")


def value(found: Samples, name: str, **labels: str) -> float:
    """Return the value of a series, 0 where it is not there."""
    return found.get((name, frozenset(labels.items())), 0.0)
