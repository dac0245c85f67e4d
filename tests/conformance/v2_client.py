"""Ask a server by tritonclient, over HTTP with JSON and with raw bytes, and over gRPC; run by the environment of MLServer.

Reads a JSON object from standard input: the address of each interface, the model's name, and messages as REST has them. Writes what each
answered: a list of objects by their way.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http
from tritonclient.utils import InferenceServerException, triton_to_np_dtype


def inputs(module, message, **options):
    found = []
    for tensor in message["inputs"]:
        kind = triton_to_np_dtype(tensor["datatype"])
        array = np.array(tensor["data"], dtype=kind).reshape(tensor["shape"])
        entry = module.InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
        entry.set_data_from_numpy(array, **options)
        found.append(entry)
    return found


def asked(client, names, model, tensors, outputs=None):
    try:
        answer = client.infer(model, tensors, outputs=outputs)
    except InferenceServerException as error:
        return {"error": error.message()}
    found = {}
    for name in names(answer.get_response()):
        array = answer.as_numpy(name)
        values = [value.decode() if isinstance(value, bytes) else value for value in array.ravel().tolist()]
        found[name] = {"dtype": str(array.dtype), "shape": list(array.shape), "data": values}
    return found


def in_dicts(response):
    return [output["name"] for output in response["outputs"]]


def in_messages(response):
    return [output.name for output in response.outputs]


def main():
    wanted = json.load(sys.stdin)
    model, answers = wanted["model"], []
    http, grpc = (
        over_http.InferenceServerClient(wanted["http"]),
        over_grpc.InferenceServerClient(wanted["grpc"]),
    )
    assert http.is_server_live()
    assert http.is_server_ready()
    assert http.is_model_ready(model)
    assert grpc.is_server_live()
    assert grpc.is_server_ready()
    assert grpc.is_model_ready(model)
    metadata = grpc.get_model_metadata(model, as_json=True)
    assert [entry["name"] for entry in http.get_model_metadata(model).get("inputs", [])] == [
        entry["name"] for entry in metadata.get("inputs", [])
    ]

    for message in wanted["messages"]:
        # tritonclient asks for raw bytes where it names no outputs.
        outputs = [over_http.InferRequestedOutput(name, binary_data=False) for name in message["outputs"]]
        as_json = inputs(over_http, message, binary_data=False)
        answers.append(
            {
                "json": asked(http, in_dicts, model, as_json, outputs),
                "raw bytes": asked(http, in_dicts, model, inputs(over_http, message, binary_data=True)),
                "grpc": asked(grpc, in_messages, model, inputs(over_grpc, message)),
            }
        )
    json.dump(answers, sys.stdout)


main()
