"""The labels' values are what the interfaces have."""

from __future__ import annotations

from server.api.grpc_services import GrpcServices
from server.api.node import Node
from server.api.rest import Rest
from server.errors import AccessDenied, BadData, ModelFailed, NotReady, Overloaded, TooCostly
from server.settings import ServeSettings
from server.shared_state import SharedState
from server.telemetry.labels import CODES, METHODS, REASONS
from tests.project import MODELS


def test_they_are_the_routes_and_grpc_methods():
    settings = ServeSettings(model_uri=str(MODELS / "iris_svm_model"))
    state = SharedState(settings)
    node = Node(settings, state.waiting)
    rest = Rest(node, state)
    for path in METHODS["rest"]:
        asked = path.replace("{name}", "a").replace("{version}", "1")
        assert rest._protocol(asked).find(asked)[0] == path
    for protocol in (rest._seldon, rest._v2, rest._scoring):
        assert protocol._routes.keys() <= set(METHODS["rest"])
    assert set(METHODS["grpc"]) == GrpcServices(node, state.budget, 1000).methods.keys()


def test_the_codes_and_reasons_are_those_of_the_errors():
    assert {"200", "308", "400", "404", "405", "408", "413", "431", "499", "500", "503", "504"} == set(
        CODES["rest"]
    )
    assert {"OK", "CANCELLED", "INVALID_ARGUMENT", "UNAVAILABLE"} < set(CODES["grpc"])
    assert REASONS[BadData] == "bad_data"
    assert REASONS[TooCostly] == "too_costly"
    assert REASONS[Overloaded] == "overloaded"
    assert REASONS[NotReady] == "not_ready"
    assert not {ModelFailed, AccessDenied} & REASONS.keys()
