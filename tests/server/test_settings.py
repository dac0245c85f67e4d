"""Settings: where a value comes from, and what is said about a bad one."""

from __future__ import annotations

import json

import pytest

from server.errors import BadSetting
from server.settings import ServeSettings
from server.settings_loader import load, unknown


def parameters(**values):
    listed = [{"name": name, "value": value, "type": "STRING"} for name, value in values.items()]
    return {"PREDICTIVE_UNIT_PARAMETERS": json.dumps(listed)}


def test_defaults():
    assert load(ServeSettings, {}) == ServeSettings()


def test_graph_parameters_and_the_operators_variables():
    got = load(
        ServeSettings,
        {
            **parameters(model_uri="/m", xtype="DataFrame", predict_method="predict_proba"),
            "PREDICTIVE_UNIT_ID": "model",
            "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": "9001",
            "PREDICTIVE_UNIT_SERVICE_PORT": "9002",
            "SERVICE_TYPE": "OUTPUT_TRANSFORMER",
        },
    )
    assert (got.model_uri, got.xtype, got.predict_method) == ("/m", "DataFrame", "predict_proba")
    assert (got.node, got.http_port, got.service_type) == ("model", 9001, "OUTPUT_TRANSFORMER")


def test_an_annotation_counts_where_no_variable_is_set():
    annotations = {"seldon.io/grpc-max-message-size": "1000", "other": "x"}
    assert load(ServeSettings, {}, annotations).grpc_max_message_bytes == 1000
    environ = {"SERVER_GRPC_MAX_MESSAGE_BYTES": "2000"}
    assert load(ServeSettings, environ, annotations).grpc_max_message_bytes == 2000
    queue = {"seldon.io/executor-logger-queue-size": "5"}
    assert load(ServeSettings, {}, queue).payload_log_events == 5
    with pytest.raises(
        BadSetting, match=r"^annotation seldon\.io/grpc-max-message-size='a': must be a whole"
    ):
        load(ServeSettings, {}, {"seldon.io/grpc-max-message-size": "a"})


BAD = {
    "choice": (
        parameters(xtype="dataframe"),
        "parameter xtype='dataframe': must be one of auto, ndarray, DataFrame",
    ),
    "type": (
        {"SERVICE_TYPE": "ROUTER"},
        "SERVICE_TYPE='ROUTER': must be one of MODEL, TRANSFORMER, OUTPUT_TRANSFORMER",
    ),
    "number": (
        {"PREDICTIVE_UNIT_HTTP_SERVICE_PORT": "http"},
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT='http': must be a whole number",
    ),
    "minimum": ({"SERVER_MAX_BODY_BYTES": "0"}, "SERVER_MAX_BODY_BYTES='0': must be 1 or more"),
    "parameters": (
        {"PREDICTIVE_UNIT_PARAMETERS": "{"},
        "PREDICTIVE_UNIT_PARAMETERS='{': must be a JSON list of objects with name, value and type, "
        "as the Seldon operator writes it",
    ),
}


@pytest.mark.parametrize(("environ", "message"), BAD.values(), ids=BAD)
def test_a_bad_value_is_refused_with_its_origin_and_rule(environ, message):
    with pytest.raises(BadSetting) as caught:
        load(ServeSettings, environ)
    assert str(caught.value) == message


def test_a_variable_that_looks_like_a_setting_and_is_none_is_found_with_the_nearest_one():
    environ = {
        "SERVER_QUEUE_CALL": "5",
        "SERVER_METRICS": "false",
        "SERVER_XYZ": "1",
        "MLSERVER_HTTP_PORT": "8080",
        "PATH": "/bin",
    }
    assert unknown(ServeSettings, environ, "SERVER_") == {
        "SERVER_QUEUE_CALL": "SERVER_QUEUE_CALLS",
        "SERVER_XYZ": "",
    }


def test_the_variables_of_services_are_no_settings():
    links = {}
    for name in ("SERVER", "SERVER_GRPC"):
        links |= {
            f"{name}_SERVICE_HOST": "10.0.0.1",
            f"{name}_SERVICE_PORT": "80",
            f"{name}_SERVICE_PORT_HTTP": "80",
            f"{name}_PORT": "tcp://10.0.0.1:80",
            f"{name}_PORT_80_TCP": "tcp://10.0.0.1:80",
            f"{name}_PORT_80_TCP_ADDR": "10.0.0.1",
        }
    assert unknown(ServeSettings, links, "SERVER_") == {}
    assert unknown(ServeSettings, {"SERVER_GRPC_PORT": "5001"}, "SERVER_").keys() == {"SERVER_GRPC_PORT"}
