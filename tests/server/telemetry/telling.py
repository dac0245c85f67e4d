"""A model that prints, logs, waits and fails as its input says, and what a server logs of it."""

from __future__ import annotations

import json
from typing import Any

import grpc

from server.protocol.proto.prediction_pb2 import DefaultData, SeldonMessage, Tensor
from tests.polling import wait_for
from tests.server.running_server import Served

# A row of two values is answered without a word; with one it says so, waits that long and fails when it is negative, late when
# that is -1000.
MODEL = """
import json, logging, time
log = logging.getLogger("own")
class Model:
    def predict(self, X):
        if len(X[0]) == 1:
            value = float(X[0][0])
            print("ran", value)
            print(json.dumps({"own": value}))
            log.warning("warned of %s", value)
            if value < 0:
                time.sleep(0.6 if value == -1000 else 0)
                raise RuntimeError("as asked\\n2026-11-30 12:00:00,000 ERROR serve: all is lost")
            time.sleep(value)
        return X
"""
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


def rows(*values: list[float], puid: str = "") -> dict[str, Any]:
    message: dict[str, Any] = {"data": {"ndarray": list(values)}}
    return {**message, "meta": {"puid": puid}} if puid else message


def predict(served: Served, *values: float, **metadata: str) -> SeldonMessage:
    """Call the model by gRPC with one row; metadata's names get dashes."""
    sent = SeldonMessage(data=DefaultData(tensor=Tensor(shape=[1, len(values)], values=values)))
    named = [(name.replace("_", "-"), value) for name, value in metadata.items()]
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        method = channel.unary_unary(
            "/seldon.protos.Model/Predict",
            request_serializer=SeldonMessage.SerializeToString,
            response_deserializer=SeldonMessage.FromString,
        )
        return method(sent, metadata=named, timeout=30)


def lines(served: Served) -> list[dict[str, Any]]:
    """Return the server's own lines, which are JSON."""
    found = [json.loads(line) for line in served.log.read_text().splitlines() if line.startswith('{"time"')]
    assert all({"time", "level", "process", "logger", "message"} <= line.keys() for line in found)
    return found


def line_of(served: Served, **fields: object) -> dict[str, Any]:
    """Return the line of the access log with these fields, when it is there."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        found[:] = [
            line
            for line in lines(served)
            if line["logger"] == "access" and all(line.get(name) == value for name, value in fields.items())
        ]
        return bool(found)

    wait_for(is_there)
    (line,) = found
    return line
