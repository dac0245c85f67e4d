"""An answer, in a form that can be compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from google.protobuf import text_format
from google.protobuf.json_format import MessageToDict

from server.protocol.proto.messages import SeldonMessage

GRPC = "gRPC"


@dataclass(frozen=True)
class Reply:
    """An answer: its HTTP status or gRPC code, its content type, and its body as text that can be compared."""

    code: str
    kind: str
    body: str

    @property
    def json(self) -> Any:
        """The body parsed, that of a message as it stands in JSON."""
        if self.kind == GRPC:
            return MessageToDict(text_format.Parse(self.body, SeldonMessage()))
        return json.loads(self.body)

    @property
    def info(self) -> str:
        """What an error's body says."""
        info: str = self.json["status"]["info"]
        return info


def canonical(value: Any) -> str:
    """Return a value as JSON that is equal where the values are, 1 and 1.0 being two."""
    return json.dumps(value, sort_keys=True)
