"""Call Seldon/Predict over gRPC and print the answer as JSON; runs in a pod, by the packages of the image.

python -I -c CODE HOST:PORT MESSAGE METADATA, the last two as JSON; the message has less than 64 KiB. What is not there
yet is waited for, for a minute.
"""

import json
import socket
import sys
import time
import urllib.parse
from collections.abc import Iterator

from google.protobuf.json_format import MessageToJson, Parse
from hpack import Decoder, Encoder

from server.edges.grpc.messages import framed
from server.edges.grpc.status import Code
from server.edges.h2.codes import (
    ACK,
    CONTINUATION,
    DATA,
    DEFAULT_FRAME_SIZE,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    PADDED,
    PING,
    PREFACE,
    PRIORITISED,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
)
from server.edges.h2.frames import frame, settings
from server.protocol.proto.prediction_pb2 import SeldonMessage

SECONDS = 60
MOST = 2**30  # A window that no answer of a test fills.
PREFIX_BYTES, HEAD_BYTES = 5, 9


class NotThere(Exception):
    """Nobody answers, yet."""


def call(target: str, message: bytes, metadata: dict[str, str]) -> tuple[dict[str, str], bytes]:
    """Return the header fields of an answer, the trailers' among them, and its body."""
    host, _, port = target.rpartition(":")
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/seldon.protos.Seldon/Predict",
        ":authority": target,
        "content-type": "application/grpc",
        "te": "trailers",
        **metadata,
    }
    body = framed(message)
    with socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS) as sock:
        sent = [
            PREFACE,
            settings({INITIAL_WINDOW_SIZE: MOST}),
            frame(WINDOW_UPDATE, 0, 0, MOST.to_bytes(4, "big")),
        ]
        sent.append(frame(HEADERS, END_HEADERS, 1, Encoder().encode(list(fields.items()))))
        sent += [
            frame(DATA, 0, 1, body[at : at + DEFAULT_FRAME_SIZE])
            for at in range(0, len(body), DEFAULT_FRAME_SIZE)
        ]
        sock.sendall(b"".join(sent) + frame(DATA, END_STREAM, 1))
        return answer(sock)


def answer(sock: socket.socket) -> tuple[dict[str, str], bytes]:
    decoder, found, body, block, ended = Decoder(), dict[str, str](), b"", b"", False
    for kind, flags, payload in frames(sock):
        if kind in (DATA, HEADERS) and flags & PADDED:
            payload = payload[1 : len(payload) - payload[0]]
        if kind == HEADERS and flags & PRIORITISED:
            payload = payload[5:]
        if kind == DATA:
            body += payload
        if kind in (HEADERS, CONTINUATION):
            block += payload
            if flags & END_HEADERS:
                found |= decoder.decode(block)
                block = b""
        if kind in (DATA, HEADERS):
            ended = ended or bool(flags & END_STREAM)
        if kind in (SETTINGS, PING) and not flags & ACK:
            sock.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
        if ended and not block:
            return found, body
        if kind in (RST_STREAM, GOAWAY):
            raise NotThere(f"the connection ends with {payload!r}")
    raise NotThere("the connection ends")


def frames(sock: socket.socket) -> Iterator[tuple[int, int, bytes]]:
    got = b""
    while part := sock.recv(2**16):
        got += part
        while len(got) >= HEAD_BYTES and len(got) >= (end := HEAD_BYTES + int.from_bytes(got[:3], "big")):
            yield got[3], got[4], got[HEAD_BYTES:end]
            got = got[end:]


def main() -> None:
    target, message = sys.argv[1], Parse(sys.argv[2], SeldonMessage()).SerializeToString()
    end = time.monotonic() + SECONDS
    while True:
        try:
            fields, body = call(target, message, json.loads(sys.argv[3]))
        except (OSError, NotThere) as error:
            status, said = Code.UNAVAILABLE, str(error)
        else:
            # A proxy that answers by itself may know nothing of gRPC.
            status = Code(int(fields.get("grpc-status", Code.UNKNOWN)))
            said = urllib.parse.unquote(fields.get("grpc-message", f"{fields}"))
        if status is Code.OK:
            sys.stdout.write(MessageToJson(SeldonMessage.FromString(body[PREFIX_BYTES:])))
            return
        if status is not Code.UNAVAILABLE or time.monotonic() > end:
            sys.exit(f"{target} answers {status.name}: {said}")
        time.sleep(1)


main()
