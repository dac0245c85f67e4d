from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gitops.local import operator
from gitops.local.operator import Ports
from gitops.local.overlay import LocalOverlay, load
from gitops.manifests.pod import EnvVar
from tests.project import MANIFESTS

PORTS = Ports(http=9000, grpc=9500, metrics=6000)


@pytest.fixture(scope="module")
def overlay() -> LocalOverlay:
    return load(MANIFESTS / "overlays" / "model")


def test_a_container_gets_what_the_operator_gives(overlay: LocalOverlay) -> None:
    (container,) = overlay.predictor.containers
    given = operator.variables(
        overlay.deployment, overlay.predictor, container, PORTS, {"/mnt/models": Path("/state/models")}
    )
    parameters = json.loads(given.pop("PREDICTIVE_UNIT_PARAMETERS"))
    assert given == {
        "PREDICTIVE_UNIT_ID": "model",
        "PREDICTIVE_UNIT_IMAGE": container.image,
        "PREDICTIVE_UNIT_SERVICE_PORT": "9000",
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": "9000",
        "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": "9500",
        "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": "6000",
        "PREDICTIVE_UNIT_METRICS_ENDPOINT": "/prometheus",
        "PREDICTOR_ID": "model",
        "PREDICTOR_LABELS": "{}",
        "SELDON_DEPLOYMENT_ID": "graph-iris-model",
        "SELDON_EXECUTOR_ENABLED": "true",
        "MLSERVER_HTTP_PORT": "9000",
        "MLSERVER_GRPC_PORT": "9500",
    }
    assert parameters == [
        {"name": "model_uri", "value": "/state/models", "type": "STRING"},
        {"name": "xtype", "value": "DataFrame", "type": "STRING"},
        {"name": "predict_method", "value": "decision_function", "type": "STRING"},
    ]


def test_ports_that_the_manifest_sets_are_kept_and_names_are_not(overlay: LocalOverlay) -> None:
    (container,) = overlay.predictor.containers
    own = [
        EnvVar("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", "1", {}, ""),
        EnvVar("PREDICTIVE_UNIT_ID", "mine", {}, ""),
    ]
    given = operator.variables(
        overlay.deployment, overlay.predictor, replace(container, env=(*container.env, *own)), PORTS, {}
    )
    assert "PREDICTIVE_UNIT_HTTP_SERVICE_PORT" not in given
    assert given["PREDICTIVE_UNIT_ID"] == "model"


def test_a_container_beside_the_graph_has_no_parameters(overlay: LocalOverlay) -> None:
    (container,) = overlay.predictor.containers
    given = operator.variables(
        overlay.deployment, overlay.predictor, replace(container, name="beside"), PORTS, {}
    )
    assert "PREDICTIVE_UNIT_PARAMETERS" not in given
