"""A repository of a person who promotes, and the store that the models are in."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitops.local.store import Store
from gitops.promote.promotion import promote
from tests.project import MANIFESTS, MODELS, ROOT
from tests.server.flavors.matrix import locked

BUCKET = "promotion"
REQUIREMENTS = locked("mlflow-skinny", "pydantic", "numpy", "pandas", "cloudpickle")


@dataclass
class Work:
    """A work tree below ``root``."""

    root: Path

    def promote(self, overlay: str, model: str, *, example: str = "", force: bool = False) -> str:
        """Return what is written on the way."""
        out = io.StringIO()
        assert promote(self.root, overlay, model, out, example=example, force=force) == 0
        return out.getvalue()

    def runs(self) -> None:
        """Lead to what a local run needs beside the manifests."""
        (self.root / "examples").symlink_to(MANIFESTS / "examples")
        (self.root / "server").symlink_to(ROOT / "server")

    def files(self) -> dict[str, bytes]:
        """The files that git looks at."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file() and ".cache" not in path.relative_to(self.root).parts
        }

    def changed(self, before: dict[str, bytes]) -> set[str]:
        after = self.files()
        return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.fixture(scope="session")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the models of logged.py, by their names."""
    folder = tmp_path_factory.mktemp("logged")
    script = Path(__file__).with_name("logged.py")
    # Elsewhere: MLflow would take this repository's uv.lock for the models'.
    subprocess.run(
        [sys.executable, script, folder, *REQUIREMENTS],
        cwd=folder,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Work:
    root = tmp_path / "work"
    for name in ("base", "overlays", "components", "site"):
        shutil.copytree(MANIFESTS / name, root / name)
    return Work(root)


@pytest.fixture(scope="session")
def models(store: Store) -> str:
    """The URI of the folder in the store that the example models are in."""
    for model in MODELS.iterdir():
        store.upload(model, BUCKET, model.name)
    return f"s3://{BUCKET}"


@pytest.fixture
def variables(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a person who may read the store."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", store.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", store.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.endpoint)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def changed_model(store: Store, tmp_path: Path) -> Callable[..., str]:
    """Upload a copy of an example model, changed by a function of its folder, and return its URI."""

    def upload(model: str, change: Callable[[Path], None]) -> str:
        folder = tmp_path / "model"
        shutil.copytree(MODELS / model, folder)
        change(folder)
        store.upload(folder, BUCKET, f"{tmp_path.name}/{model}")
        return f"s3://{BUCKET}/{tmp_path.name}/{model}"

    return upload
