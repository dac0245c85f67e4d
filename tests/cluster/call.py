"""Call Seldon/Predict over gRPC and print the answer as JSON; runs in a pod, by the packages of the image.

python -I -c CODE HOST:PORT MESSAGE METADATA, the last two as JSON. What is not there yet is waited for, for a minute.
"""

import json
import sys
import time

import grpc
from google.protobuf.json_format import MessageToJson, Parse

from server.protocol.proto.prediction_pb2 import SeldonMessage

SECONDS = 60


def main() -> None:
    target, message = sys.argv[1], Parse(sys.argv[2], SeldonMessage()).SerializeToString()
    metadata = tuple(json.loads(sys.argv[3]).items())
    end = time.monotonic() + SECONDS
    with grpc.insecure_channel(target, [("grpc.enable_http_proxy", 0)]) as channel:
        predict = channel.unary_unary("/seldon.protos.Seldon/Predict")
        while True:
            try:
                answer = predict(message, timeout=SECONDS, metadata=metadata)
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > end:
                    sys.exit(f"{target} answers {error.code().name}: {error.details()}")
                time.sleep(1)
            else:
                sys.stdout.write(MessageToJson(SeldonMessage.FromString(answer)))
                return


main()
