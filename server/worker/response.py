"""What a custom Python model says beside its answer, as Seldon's components do: ``metrics()``, ``tags()``, a SeldonResponse.

Source: client_custom_metrics, client_custom_tags and SeldonResponse in user_model.py of seldon-core 1.17.1.
"""

from __future__ import annotations

import json
import math
from typing import Any, Dict, NamedTuple

from ..ipc.jsonable import dumps

# What a frame's header has of it: {"metrics": […], "tags": {…}}.
Beside = Dict[str, Any]
TYPES = ("COUNTER", "GAUGE", "TIMER")


class Response(NamedTuple):
    """A model's answer, and what it says beside it, if anything."""

    value: Any
    beside: Beside | None = None


def response(value: Any, component: Any = None) -> Response:
    """Return what a model's method has returned, and what ``component``, a custom Python model, says of that call.

    Raises:
        TypeError: its metrics or tags are of another form than Seldon's.
    """
    metrics, tags = _said(component, "metrics"), _said(component, "tags")
    if type(value).__name__ == "SeldonResponse":
        metrics, tags = [*_list(metrics), *_list(value.metrics)], {**_object(tags), **_object(value.tags)}
        value = value.data
    beside: Beside = {}
    if metrics:
        beside["metrics"] = [_metric(each) for each in _list(metrics)]
    if tags:
        beside["tags"] = json.loads(dumps(_object(tags)))
    return Response(value, beside or None)


def _said(component: Any, name: str) -> Any:
    """Return what a method of the component says; one that the component's class leaves to Seldon says nothing."""
    method = getattr(component, name, None)
    if not callable(method):
        return None
    try:
        return method()
    except NotImplementedError:
        return None
    except Exception as error:
        if type(error).__name__ == "SeldonNotImplementedError":
            return None
        raise


def _list(metrics: Any) -> Any:
    if metrics is None:
        return []
    if not isinstance(metrics, (list, tuple)):
        raise TypeError(f"the model's metrics are a {type(metrics).__name__}: they must be a list")
    return metrics


def _object(tags: Any) -> Any:
    if tags is None:
        return {}
    if not isinstance(tags, dict) or not all(isinstance(key, str) for key in tags):
        raise TypeError(f"the model's tags are {tags!r:.200}: they must be a dict whose keys are strings")
    return tags


def _metric(metric: Any) -> Any:
    """Return a metric of the model in plain types."""
    rule = "it must have a key (a string), a type (COUNTER, GAUGE or TIMER), a value (a number), and may have tags (strings)"
    try:
        key, kind, value = metric["key"], metric["type"], float(metric["value"])
        tags = metric.get("tags") or {}
        fits = isinstance(key, str) and kind in TYPES and math.isfinite(value)
        fits = fits and all(isinstance(text, str) for pair in tags.items() for text in pair)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TypeError(f"the model's metric is {metric!r:.200}: {rule}") from error
    if not fits:
        raise TypeError(f"the model's metric is {metric!r:.200}: {rule}")
    return {"key": key, "type": kind, "value": value, **({"tags": dict(tags)} if tags else {})}
