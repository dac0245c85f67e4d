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

from server.edges.grpc.status import Code
from server.protocol.proto.prediction_pb2 import SeldonMessage

SECONDS = 60
# https://www.rfc-editor.org/rfc/rfc9113: frames and their flags, and a window that no answer of a test fills.
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
ACK = END_STREAM = 1
END_HEADERS, PADDED, PRIORITISED = 4, 8, 32
MOST, LARGEST_FRAME = 2**30, 16_384
PREFIX_BYTES, HEAD_BYTES = 5, 9


class NotThere(Exception):
    """Nobody answers, yet."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


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
    body = b"\0" + len(message).to_bytes(4, "big") + message
    with socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS) as sock:
        # The window of every stream is setting 4.
        settings = frame(SETTINGS, 0, 0, (4).to_bytes(2, "big") + MOST.to_bytes(4, "big"))
        sent = [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            settings,
            frame(WINDOW_UPDATE, 0, 0, MOST.to_bytes(4, "big")),
        ]
        sent.append(frame(HEADERS, END_HEADERS, 1, Encoder().encode(list(fields.items()))))
        sent += [
            frame(DATA, 0, 1, body[at : at + LARGEST_FRAME]) for at in range(0, len(body), LARGEST_FRAME)
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
