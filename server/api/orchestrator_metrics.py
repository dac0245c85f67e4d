"""What the orchestrator would have counted where a node goes without it: dashboards and rollouts ask for these series.

Names, labels and their values: executor/api/metric/server.go, constants.go and executor/api/rest/server.go of
Seldon Core 1.17.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import add

from server.api.metric_families import Cells, Row
from server.settings import ServeSettings

NAME = "seldon_api_executor_server_requests_seconds"
LABELS = ("deployment_name", "predictor_name", "predictor_version", "service", "method", "code")
# The orchestrator's own paths, by what it calls them and the method that they answer to.
_SERVICES = {
    "/api/v1.0/predictions": ("predictions", "post"),
    "/api/v0.1/predictions": ("predictions", "post"),
    "/api/v1.0/feedback": ("feedback", "post"),
    "/api/v0.1/feedback": ("feedback", "post"),
    "/api/v1.0/metadata": ("metadata", "get"),
}
_GRPC = "/seldon.protos.Seldon/"
# How Go writes the codes of gRPC: google.golang.org/grpc/codes.
_CODES = {"OK": "OK", "CANCELLED": "Canceled"}


def rows(settings: ServeSettings, counted: Iterable[Row]) -> Iterator[Row]:
    """Yield what was counted by interface, method and code under the orchestrator's labels."""
    found: dict[tuple[str, str, str], Cells] = {}
    for row in counted:
        named = _named(*row.labels)
        if named is not None:
            before = found.get(named)
            found[named] = list(map(add, before, row.cells)) if before else row.cells
    for named, cells in found.items():
        yield Row((settings.deployment, settings.predictor, settings.predictor_version, *named), cells, {})


def _named(interface: str, method: str, code: str) -> tuple[str, str, str] | None:
    """Return the orchestrator's service, method and code for a call that it has, else None."""
    if interface == "grpc":
        said = _CODES.get(code) or "".join(part.capitalize() for part in code.split("_"))
        return (method, "unary", said) if method.startswith(_GRPC) else None
    if method not in _SERVICES:
        return None
    return (*_SERVICES[method], code)
