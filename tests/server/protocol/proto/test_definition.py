"""The definition of the messages: its generated code is current, and it is the wrapper's, field by field."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from gitops import tools
from server.protocol.proto import prediction_pb2, tensor_pb2

ROOT = Path(__file__).parents[4]
PROTO = Path("server/protocol/proto")
OURS = [prediction_pb2.DESCRIPTOR, tensor_pb2.DESCRIPTOR]
# What TensorFlow's messages have and numpy does not: references to variables, float8, handles in a TensorFlow process.
LEFT_OUT = {
    "tensorflow.TensorProto.resource_handle_val",
    "tensorflow.TensorProto.variant_val",
    "tensorflow.TensorProto.float8_val",
}
LIST_SERIALIZED = """
import base64, json
from seldon_core.proto import prediction_pb2
from seldon_core.proto.tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
files = [prediction_pb2, tensor_pb2, tensor_shape_pb2, types_pb2]
print(json.dumps([base64.b64encode(file.DESCRIPTOR.serialized_pb).decode() for file in files]))
"""


def test_the_generated_code_is_current(tmp_path):
    sources = sorted(map(str, (ROOT / PROTO).glob("*.proto")))
    options = [f"--proto_path={ROOT}", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *options, *sources], check=True, cwd=ROOT)
    made = {path.name: path.read_text() for path in (tmp_path / PROTO).iterdir()}
    there = {path.name: path.read_text() for path in (ROOT / PROTO).glob("*_pb2.py*")}
    assert there == made, "run `make proto` and commit its result"


def described(file: FileDescriptorProto) -> dict[str, object]:
    """Return what makes up the wire: every field, enum value and method by its full name."""
    found: dict[str, object] = {}

    def message(prefix, entry):
        name = f"{prefix}.{entry.name}"
        found[name] = "map entry" if entry.options.map_entry else "message"
        oneofs = [oneof.name for oneof in entry.oneof_decl]
        for field in entry.field:
            packed = field.options.packed if field.options.HasField("packed") else None
            numbers = field.label == field.LABEL_REPEATED and field.type not in (
                *(field.TYPE_STRING, field.TYPE_BYTES, field.TYPE_MESSAGE),
            )
            found[f"{name}.{field.name}"] = {
                "number": field.number,
                "type": field.type,
                "of": field.type_name,
                "label": field.label,
                "oneof": oneofs[field.oneof_index] if field.HasField("oneof_index") else None,
                # proto3 packs repeated numbers unless told otherwise.
                "packed": numbers and packed is not False,
                "json": field.json_name or None,
            }
        for nested in entry.nested_type:
            message(name, nested)
        for enum in entry.enum_type:
            enumerated(name, enum)

    def enumerated(prefix, entry):
        found.update({f"{prefix}.{entry.name}.{value.name}": value.number for value in entry.value})

    for entry in file.message_type:
        message(file.package, entry)
    for enum in file.enum_type:
        enumerated(file.package, enum)
    for service in file.service:
        for method in service.method:
            streams = method.client_streaming, method.server_streaming
            name = f"{file.package}.{service.name}/{method.name}"
            found[name] = method.input_type, method.output_type, streams
    assert file.syntax == "proto3"
    return found


@pytest.mark.xdist_group("conformance")
def test_it_is_the_stock_wrappers_definition():
    done = subprocess.run(
        [tools.seldon_core_python(), "-c", LIST_SERIALIZED], capture_output=True, text=True, check=True
    )
    stock: dict[str, object] = {}
    for serialized in json.loads(done.stdout):
        stock |= described(FileDescriptorProto.FromString(base64.b64decode(serialized)))
    ours: dict[str, object] = {}
    for file in OURS:
        ours |= described(FileDescriptorProto.FromString(file.serialized_pb))
    wanted = {
        name: value
        for name, value in stock.items()
        if name not in LEFT_OUT
        and not name.endswith("_REF")
        and not name.startswith(("tensorflow.VariantTensorDataProto", "tensorflow.SerializedDType"))
    }
    assert set(stock) >= LEFT_OUT
    assert ours == wanted
    assert len([name for name in ours if "/" in name]) == 17
