"""The contract of a model (contract.json), which the verb ``inspect`` prints: digest, signature, requirements, flavours, read without loading it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from server import mlmodel
from server.artifact import digest, local
from server.artifact.digest import UNCOUNTED, model_digest
from server.artifact.local import LocalFolder
from server.artifact.progress import Progress, size
from server.artifact.source import shown
from server.artifact.source import source as source_of
from server.artifact.store_client import strip_environment
from server.environment import specification
from server.environment.uv import redacted
from server.errors import BadSignature
from server.mlmodel.estimator import estimator, methods
from server.mlmodel.load_plan import input_type
from server.mlmodel.signature import Schema
from server.settings import FetchSettings


def contract(folder: Path, uri: str, key: str) -> dict[str, Any]:
    """Return what the bytes of the model in ``folder``, from ``uri``, say, as JSON.

    ``argument`` is what the model's method gets with xtype auto. ``signed`` is ``no``, ``not checked`` (no ``key`` is given), ``yes``, or ``refused`` with the reason.

    Raises:
        ServerError: the folder is no model, or its requirements cannot be read.
    """
    model = mlmodel.read(folder)
    requested = specification.read(model)
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in UNCOUNTED]
    return {
        "digest": model_digest(folder),
        "size": sum(path.stat().st_size for path in files),
        "files": len(files),
        "flavors": {name: _version(flavor) for name, flavor in sorted(model.flavors.items())},
        "estimator": estimator(model),
        "methods": methods(model),
        "signature": {
            "inputs": _schema(model.inputs),
            "outputs": _schema(model.outputs),
            "params": model.params,
        },
        "argument": input_type(model, "auto").shown,
        "python": requested.python.text if requested.python else None,
        "conda_packages": [package.text for package in requested.conda_packages],
        "requirements": [redacted(entry.text) for entry in requested.requirements.entries],
        "mlflow": {"version": model.mlflow_version, "run": model.run_id, "model": model.model_uuid},
        "signed": _signed(folder, uri, key),
    }


def text(content: dict[str, Any]) -> str:
    """Return the contract ``content`` as people read it."""
    flavors = (f"{name} {version or ''}".strip() for name, version in content["flavors"].items())
    lines = [
        ("digest", content["digest"]),
        ("size", f"{size(content['size'])} in {content['files']} files"),
        ("flavours", ", ".join(flavors)),
        ("estimator", content["estimator"] or "not recorded"),
        ("methods", f"{', '.join(content['methods'])} (likely)"),
        *((side, _columns(content["signature"][side])) for side in ("inputs", "outputs", "params")),
        ("argument", f"{content['argument']} (xtype auto)"),
        ("python", content["python"] or "not recorded"),
        *((("conda packages", ", ".join(content["conda_packages"])),) if content["conda_packages"] else ()),
        ("requirements", "\n".join(content["requirements"]) or "none"),
        ("mlflow", content["mlflow"]["version"] or "not recorded"),
        ("run", content["mlflow"]["run"] or "not recorded"),
        ("signed", content["signed"]),
    ]
    width = max(len(label) for label, _ in lines) + 2
    return "\n".join(f"{label:{width}}{value}".replace("\n", "\n" + " " * width) for label, value in lines)


def _signed(folder: Path, uri: str, key: str) -> str:
    if not key:
        return "not checked" if (folder / digest.SIGNATURE_FILE).is_file() else "no"
    try:
        digest.verify_signature(folder, uri, key)
    except BadSignature as error:
        return f"refused: {error}"
    return "yes"


def _version(flavor: dict[str, Any]) -> str | None:
    """Return the version of the flavour's library: MLflow writes it as sklearn_version and the like."""
    found = (
        str(flavor[key]) for key in sorted(flavor) if key.endswith("_version") and key != "python_version"
    )
    return next(found, None)


def _schema(schema: Schema | None) -> list[dict[str, Any]] | None:
    if schema is None:
        return None
    return [
        {"name": entry.name, "type": entry.type, "required": entry.required} for entry in schema.columns
    ] + [
        {"name": entry.name, "type": "tensor", "dtype": entry.dtype, "shape": list(entry.shape)}
        for entry in schema.tensors
    ]


def _columns(entries: list[dict[str, Any]] | None) -> str:
    if not entries:
        return "none"
    return "\n".join(_column(entry) for entry in entries)


def _column(entry: dict[str, Any]) -> str:
    name = entry.get("name") or "(unnamed)"
    if entry["type"] == "tensor" and "dtype" in entry:
        return f"{name}: {entry['dtype']} {entry['shape']}"
    kind = entry["type"] if isinstance(entry["type"], str) else entry["type"]["type"]
    return f"{name}: {kind}" + ("" if entry.get("required", True) else ", optional")


def inspect(source: str, settings: FetchSettings, *, as_json: bool) -> str:
    """Return what the model at ``source``, a URI as for ``fetch`` or a folder, is: as text or as JSON.

    The JSON depends on the model's bytes and on FETCH_SIGNATURE_KEY only, so that it can be kept in git.

    Raises:
        ServerError: see server.errors, from SourceNotFound to BadArtifact.
    """
    strip_environment()
    folder = _folder(source)
    if folder is not None:
        LocalFolder(source, folder, settings).check()
        return _shown(folder, source, settings, as_json=as_json)
    found = source_of(source, settings)
    with tempfile.TemporaryDirectory(prefix="inspect-") as scratch:
        content = Path(scratch) / "aside" / "content"
        content.mkdir(parents=True)
        with Progress(shown(source)) as progress:
            found.copy(content, progress)
        return _shown(content, shown(source), settings, as_json=as_json)


def _folder(source: str) -> Path | None:
    if "://" not in source and not source.startswith(("models:", "runs:")):
        return Path(source)
    return local.path(source) if source.startswith("file:") else None


def _shown(folder: Path, uri: str, settings: FetchSettings, *, as_json: bool) -> str:
    content = contract(folder, uri, settings.signature_key)
    return json.dumps(content, indent=2, ensure_ascii=False) if as_json else text(content)
