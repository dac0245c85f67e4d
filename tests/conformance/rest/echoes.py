"""Messages to a model without a signature, and whatever it may return."""

from __future__ import annotations

import base64

from tests.conformance.rest.case import post, table

ECHOES = [
    *(
        post(f"echo of {name}", "echo", message)
        for name, message in {
            "numbers": {"data": {"ndarray": [[1, 2], [3, 4]]}},
            "doubles": {"data": {"ndarray": [[1.5, 2], [3, 4]]}},
            "booleans": {"data": {"ndarray": [[True, False]]}},
            "strings": {"data": {"ndarray": [["a", "b"], ["c", ""]]}},
            "nulls": {"data": {"ndarray": [[1, None], [2.5, 3]]}},
            "three dimensions": {"data": {"ndarray": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]}},
            "a tensor": {"data": {"tensor": {"shape": [2, 2], "values": [1, 2, 3, 4.5]}}},
            "a tensor of three dimensions": {
                "data": {"tensor": {"shape": [2, 1, 2], "values": [1, 2, 3, 4.5]}}
            },
            "text": {"strData": "text"},
            "empty text": {"strData": ""},
            "text of many letters": {"strData": 'äöü €  𝄞 \u2028 "\\/\n\t'},
            "bytes": {"binData": base64.b64encode(bytes(range(256))).decode()},
            "no bytes": {"binData": ""},
            "an object": {"jsonData": {"a": [1, 2.5, None, True, "b", {"c": []}]}},
            "an empty object": {"jsonData": {}},
            "a list of numbers": {"jsonData": [1, 2, 3]},
            "a list of lists": {"jsonData": [[1, 2], [3, 4]]},
            "a JSON string": {"jsonData": "text"},
            "one row": {"data": {"ndarray": [1, 2, 3]}},
            "one row of strings": {"data": {"ndarray": ["a", "b"]}},
            "names": {"data": {"names": ["a", "b"], "ndarray": [[1, 2]]}},
            "null names": {"data": {"names": None, "ndarray": [[1, 2]]}},
            "large whole numbers": {"data": {"ndarray": [[2**63 - 1, -(2**63)]]}},
        }.items()
    ),
    post("echo of mixed cells", "echo", {"data": {"ndarray": [[1, "a"], [2.5, "b"]]}}, "mixed-rows"),
    post("echo of a string that ends with U+0000", "echo", {"data": {"ndarray": [["a\0"]]}}, "mixed-rows"),
    post("echo of booleans and numbers", "echo", {"data": {"ndarray": [[1, True]]}}),
    post("echo of a JSON number", "echo", {"jsonData": 1}, "model-result"),
    post("echo of a JSON null", "echo", {"jsonData": None}, "model-result"),
    post("echo of a number beyond 64 bits", "echo", {"jsonData": {"a": 2**64 + 1}}, "integers"),
    post("bytes that are no base64", "echo", {"binData": "%%%"}, "base64"),
    post("bytes with one letter too many", "echo", {"binData": "YWJjZ"}, "base64"),
    post("bytes as a number", "echo", {"binData": 1}, "base64"),
    post("text as a number", "echo", {"strData": 1}, "info"),
]

KINDS = {
    "big": "nan",
    "bool": None,
    "booleans-and-numbers": "types", "exact": "types", "missing-time": "dates",
    "half": None, "bytes": None, "data-frame": "model-result", "datetime": "dates", "dates": "dates", "dict": None,
    "empty": None, "empty-list": None, "float32": None, "infinite": "nan", "int8": None, "labels": None,
    "limits": None, "list": None, "list-mixed": None, "list-of-dicts": None, "list-of-lists": None,
    "none": "model-result", "objects": None, "one-dimensional": None, "raises": "model-error",
    "scalar": "model-result", "series": "model-result", "strings": None, "three-dimensional": None,
    "tuple": "model-result", "type-error": "model-error", "uint64": None, "zero-dimensional": "model-result",
}  # fmt: skip
RESULTS = [post(f"result {kind}", "echo", {"strData": kind}, row) for kind, row in KINDS.items()]

NAMES = [
    post(
        "names in a transformer's answer",
        "echo",
        table([[1, 2]], ["a", "b"]),
        None,
        "/transform-input",
    ),
    post("names of other columns", "echo", table([[1, 2]], ["a"]), None, "/transform-input"),
]
