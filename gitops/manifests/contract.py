"""An overlay's contract.json, as `python -m server inspect --json` wrote it, read from either side."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import BadManifest
from gitops.manifests.unstructured import Unstructured

FILE = "contract.json"


@dataclass(frozen=True)
class Column:
    """A column, tensor or parameter of a signature. ``type`` is text, ``default`` that of a parameter.

    ``label`` is its name or, where the signature names none, its place, counted from 1; ``named`` says which.
    """

    label: str
    type: str
    required: bool
    default: str = ""
    named: bool = True


@dataclass(frozen=True)
class Contract:
    """What a model is, as far as it can be known without loading it.

    ``inputs`` and ``outputs`` are None where it has no signature for that side; ``methods`` are those that it likely
    has, None where nothing says.
    """

    digest: str
    size: int
    flavors: dict[str, str]
    estimator: str
    methods: tuple[str, ...] | None
    inputs: tuple[Column, ...] | None
    outputs: tuple[Column, ...] | None
    params: tuple[Column, ...]
    python: str
    requirements: tuple[str, ...]
    conda_packages: tuple[str, ...]
    run: str
    signed: str


def read(folder: Path) -> Contract | None:
    """Return the contract in ``folder``, or None where there is none.

    Raises:
        BadManifest: ``inspect`` did not write it.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadManifest(f"{file}: is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise BadManifest(f"{file}: must be an object, as `python -m server inspect --json` writes it")
    root = Unstructured(str(file), "", content)
    signature = root.part("signature")
    return Contract(
        digest=root.text("digest"),
        size=root.number("size", 0),
        flavors={name: root.part("flavors").text(name, "") for name in root.part("flavors").raw},
        estimator=root.text("estimator", ""),
        methods=None if root.raw.get("methods") is None else root.texts("methods"),
        inputs=_columns(signature, "inputs"),
        outputs=_columns(signature, "outputs"),
        params=_columns(signature, "params") or (),
        python=root.text("python", ""),
        requirements=root.texts("requirements"),
        conda_packages=root.texts("conda_packages"),
        run=root.part("mlflow").text("run", ""),
        signed=root.text("signed", ""),
    )


def _columns(signature: Unstructured, side: str) -> tuple[Column, ...] | None:
    if signature.raw.get(side) is None:
        return None
    entries = signature.parts(side)
    names = [entry.text("name", "") for entry in entries]
    return tuple(
        # A name that stands for two columns stands for neither.
        _column(
            entry, f"{name or 'unnamed'} ({place})" if names.count(name) > 1 or not name else name, bool(name)
        )
        for place, (entry, name) in enumerate(zip(entries, names, strict=True), 1)
    )


def _column(entry: Unstructured, label: str, named: bool) -> Column:
    default = json.dumps(entry.raw["default"], ensure_ascii=False) if "default" in entry.raw else ""
    return Column(label, _type(entry), entry.flag("required", True), default, named)


def _type(entry: Unstructured) -> str:
    """Return a type as text: MLflow's name of it, dtype and shape of a tensor, or JSON for what is nested."""
    written: Any = entry.raw.get("type")
    if written == "tensor" and "dtype" in entry.raw:
        return f"tensor of {entry.text('dtype')} {json.dumps(entry.raw.get('shape'))}"
    if isinstance(written, str):
        return written if not entry.raw.get("shape") else f"{written} {json.dumps(entry.raw['shape'])}"
    if isinstance(written, dict):
        # Its name and whether it is required stand in it once more.
        inner = {key: value for key, value in written.items() if key not in ("name", "required", "optional")}
        return json.dumps(inner, sort_keys=True, ensure_ascii=False)
    raise BadManifest(f"{entry.owner}: {entry.path}.type is {written!r}: must be a string or an object")
