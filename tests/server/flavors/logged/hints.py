# ruff: noqa: FA100, FA102
"""Python functions with type hints, which get a list of values. Their annotations are looked at, so they are no text.

python hints.py DEST REQUIREMENT…
"""

import datetime
import sys
from pathlib import Path
from typing import Any, Optional

import mlflow.pyfunc
import pydantic
from record import Record
from scoring_server import scored


class Item(pydantic.BaseModel):
    """Something with a member that has a default, of which the signature says nothing."""

    name: str
    amount: float
    tags: list[str] = []


class Visit(pydantic.BaseModel):
    """Something with what JSON has no form for, and with what may be missing."""

    at: datetime.datetime
    raw: Optional[bytes] = None
    item: Optional[Item] = None


class Texts(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[str]) -> list[int]:
        return [len(text) for text in model_input]


class Integers(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[int]) -> list[int]:
        return [2 * number for number in model_input]


class Vectors(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[list[float]]) -> list[float]:
        return [sum(vector) for vector in model_input]


class Items(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[Item]) -> list[str]:
        return [f"{item.name}:{item.amount}:{len(item.tags)}" for item in model_input]


class Maps(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[dict[str, float]]) -> list[float]:
        return [sum(each.values()) for each in model_input]


class Times(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[datetime.datetime]) -> list[str]:
        return [time.isoformat() for time in model_input]


class Bytes(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[bytes]) -> list[int]:
        return [len(each) for each in model_input]


class Visits(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[Visit]) -> list[str]:
        return [f"{visit.at.year}:{visit.raw}:{visit.item and visit.item.name}" for visit in model_input]


class Anything(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[Any]) -> list[str]:
        return [repr(each) for each in model_input]


class Weighed(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[float], params: Optional[dict[str, Any]] = None) -> list[float]:
        return [number * (params or {}).get("factor", 1.0) for number in model_input]


def upper(model_input: list[str]) -> list[str]:
    """Be a function that is logged by itself."""
    return [text.upper() for text in model_input]


ITEMS = [{"name": "x", "amount": 1.5, "tags": ["t"]}, {"name": "y", "amount": 2.0}]
VISIT = {"at": "2026-01-31T12:00:00", "raw": "AAE=", "item": ITEMS[1]}
# By model: what MLflow's scoring server takes as inputs, and as what else the same may be sent.
MODELS = {
    "texts": (Texts(), ["a", "bc"], [["a"], ["bc"]], {"columns": ["t"], "data": [["a"], ["bc"]]}),
    "integers": (Integers(), [1, 2], [[1], [2]], {"data": [[1], [2]]}),
    "vectors": (Vectors(), [[1.0, 2.0], [3.0]], [[[1.0, 2.0]], [[3]]], {"data": [[[1.0, 2.0]], [[3.0]]]}),
    "items": (
        Items(),
        ITEMS,
        [[item] for item in ITEMS],
        {"columns": ["name", "amount", "tags"], "data": [["x", 1.5, ["t"]], ["y", 2, []]]},
    ),
    "maps": (
        Maps(),
        [{"a": 1.5}, {"a": 2.0}],
        [[{"a": 1.5}], [{"a": 2}]],
        {"columns": ["a"], "data": [[1.5], [2]]},
    ),
    "times": (Times(), ["2026-01-31T12:00:00"], [["2026-01-31T12:00:00"]], {"data": [["2026-01-31 12:00"]]}),
    "bytes": (Bytes(), ["AAE=", ""], [["AAE="], [""]], {"data": [["AAE="], [""]]}),
    "anything": (
        Anything(),
        [1, "a", [1, 2], {"x": None}],
        None,
        {"data": [[1], ["a"], [[1, 2]], [{"x": None}]]},
    ),
    "upper": (upper, ["a", "b"], [["a"], ["b"]], {"data": [["a"], ["b"]]}),
}
REFUSED = {
    "texts": ([1], "row 0: 1 must be a string, the model's signature says string"),
    "integers": ([1, 2.5], "row 1: 2.5 must be a whole number, the model's signature says long"),
    "vectors": ([[1.0], ["x"]], 'row 1, at [0]: "x" must be a number, the model\'s signature says double'),
    "items": ([{"name": "x"}], "Field required"),
    "maps": ([{"a": "x"}], 'row 0, at .a: "x" must be a number, the model\'s signature says double'),
    "times": (
        ["soon"],
        'row 0: "soon" must be a time such as 2026-01-31T12:00:00 or 2026-01-31T12:00:00+01:00',
    ),
    "bytes": (["A"], 'row 0: "A" must be base64, the model\'s signature says binary'),
    "upper": ([None], "Expected type str, but got NoneType"),
}


def main(dest: Path, requirements: list[str]) -> None:
    """Log a model for each type."""
    for name, (model, values, cells, split) in MODELS.items():
        record = save(dest / name, model, requirements)
        answer = scored(dest / name, {"inputs": values})
        record.add({"ndarray": values}, answer)
        record.add({"jsonData": {"inputs": values}}, answer, xtype="auto")
        record.add({"jsonData": {"instances": values}}, answer, xtype="auto")
        record.add({"jsonData": values}, answer, xtype="DataFrame")
        if cells is not None:
            record.add({"ndarray": cells}, answer)
        record.add({"jsonData": {"dataframe_split": split}}, answer)
        if name in REFUSED:
            wrong, words = REFUSED[name]
            record.refuse({"ndarray": wrong}, words)
            record.refuse({"jsonData": {"inputs": wrong}}, words)
        if name == "texts":
            record.add({"strData": "hello"}, [5])
        if name == "integers":
            record.add({"tensor": {"shape": [2, 1], "values": values}}, answer)
        if name == "items":
            record.add({"jsonData": ITEMS[0]}, ["x:1.5:1"])
            record.add({"jsonData": {"dataframe_records": ITEMS}}, answer)
        if name == "times":
            zoned = ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.500000-01:30"]
            answer = scored(dest / name, {"inputs": [zone.replace("Z", "+00:00") for zone in zoned]})
            record.add({"ndarray": zoned}, answer)
    folder = dest / "weighed"
    record = save(folder, Weighed(), requirements, input_example=([1.5], {"factor": 2.0}))
    record.add({"ndarray": [1.5, 2]}, [3.0, 4.0])
    body = {"inputs": [1.5, 2.5], "params": {"factor": 3.0}}
    record.add({"jsonData": body}, scored(folder, body))
    # MLflow's scoring server reads no time inside an object.
    record = save(dest / "visits", Visits(), requirements)
    record.add(
        {"ndarray": [VISIT, {"at": VISIT["at"], "item": None}]}, [r"2026:b'\x00\x01':y", "2026:None:None"]
    )
    record.refuse({"ndarray": [{"at": 5}]}, "row 0, at .at: 5 must be a time such as 2026-01-31T12:00:00")


def save(folder: Path, model: Any, requirements: list[str], **more: Any) -> Record:
    """Log a model: its signature is that of its type hints."""
    mlflow.pyfunc.save_model(str(folder), python_model=model, pip_requirements=requirements, **more)
    return Record(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
