"""What Seldon's operator adds to a container: environment variables and named ports.

Source: the operator of Seldon Core 1.17.1 (operator/controllers/seldondeployment_controller.go).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitops.local import ports
from gitops.local.volumes import translate
from gitops.manifests.pod import Container
from gitops.manifests.seldondeployment import Predictor, SeldonDeployment

METRICS_ENDPOINT = "/prometheus"
# What the manifest sets itself is kept for these; the others are always the operator's.
_KEPT = {
    "PREDICTIVE_UNIT_SERVICE_PORT",
    "PREDICTIVE_UNIT_HTTP_SERVICE_PORT",
    "PREDICTIVE_UNIT_GRPC_SERVICE_PORT",
    "PREDICTIVE_UNIT_METRICS_SERVICE_PORT",
    "PREDICTIVE_UNIT_PARAMETERS",
    "MLSERVER_HTTP_PORT",
    "MLSERVER_GRPC_PORT",
}


@dataclass(frozen=True)
class Ports:
    """The ports that a container gets, by the names that a probe can call them by.

    In a cluster they are 9000, 9500 and 6000 and following; here they are free ones.
    """

    http: int
    grpc: int
    metrics: int

    @classmethod
    def free(cls) -> Ports:
        """Return three ports on which nothing listens."""
        return cls(*ports.free(3))


def variables(
    deployment: SeldonDeployment,
    predictor: Predictor,
    container: Container,
    given: Ports,
    mounts: Mapping[str, Path],
) -> dict[str, str]:
    """Return the environment variables that the operator gives ``container``.

    Graph parameters whose value is a path at or below a mount path name the mount's folder.
    """
    node = next((entry for entry in predictor.graph.walk() if entry.name == container.name), None)
    result = {
        "PREDICTIVE_UNIT_ID": container.name,
        "PREDICTIVE_UNIT_IMAGE": container.image,
        "PREDICTIVE_UNIT_SERVICE_PORT": str(given.http),
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(given.http),
        "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": str(given.grpc),
        "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(given.metrics),
        "PREDICTIVE_UNIT_METRICS_ENDPOINT": METRICS_ENDPOINT,
        "PREDICTOR_ID": predictor.name,
        "PREDICTOR_LABELS": json.dumps(predictor.raw.get("labels") or {}),
        "SELDON_DEPLOYMENT_ID": deployment.name,
        "SELDON_EXECUTOR_ENABLED": "true",
        "MLSERVER_HTTP_PORT": str(given.http),
        "MLSERVER_GRPC_PORT": str(given.grpc),
    }
    if node is not None and node.parameters:
        result["PREDICTIVE_UNIT_PARAMETERS"] = json.dumps(
            [
                {"name": entry.name, "value": translate(entry.value, mounts), "type": entry.type}
                for entry in node.parameters
            ]
        )
    own = {entry.name for entry in container.env}
    return {name: value for name, value in result.items() if name not in _KEPT & own}
