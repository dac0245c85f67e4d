"""A fork from its adoption to models of its own alone: after each step, what its CI runs over its manifests is green."""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

import pytest

from gitops import examples
from gitops.adopt import Names, adopt
from gitops.check import check
from gitops.diff.command import diff
from gitops.local.commands import run_smoke
from gitops.local.store import Store
from gitops.promote.new_overlay import new_overlay
from gitops.promote.promotion import promote
from gitops.release.pin import pin
from gitops.seal.command import seal
from tests import project
from tests.gitops.diff.repository import Repository
from tests.gitops.promote.test_registry import run

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("variables")]

REGISTER = """
import sys
import mlflow

uri, place, served = sys.argv[1:]
mlflow.set_tracking_uri(uri)
client = mlflow.MlflowClient()
with mlflow.start_run() as run:
    mlflow.log_artifacts(served, "model")
for name in ("fork-churn", "fork-sums"):
    client.create_registered_model(name)
client.create_model_version("fork-churn", place)
client.create_model_version("fork-sums", f"runs:/{run.info.run_id}/model", run.info.run_id)
for name in ("fork-churn", "fork-sums"):
    client.set_registered_model_alias(name, "champion", "1")
"""
# Those that go together, with the secrets as they are.
COMPONENTS = ("environment-cache", "gateway", "high-availability", "network-policy")


class Fork(Repository):
    """A clone of the project in the hands of someone else."""

    def checked(self) -> None:
        """Run what ci.yml runs over the manifests of main."""
        out = io.StringIO()
        assert check(self.root, out) == 0, out.getvalue()

    def reviewed(self) -> str:
        """Commit all there is, run what ci.yml runs over the manifests of a pull request, and return what a reviewer reads."""
        self.commit()
        self.checked()
        out = io.StringIO()
        assert diff(self.root, "HEAD^", out, check=True) == 0, out.getvalue()
        return out.getvalue()


def test_a_fork_s_ci_is_green_whatever_it_deploys(
    tmp_path: Path,
    store: Store,
    logged: Path,
    tracking_server: str,
    mlflow_python: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in ("texts", "unlike", "words"):
        store.upload(logged / name, "acme-models", name)
    fork = Fork(tmp_path / "fork")
    root = fork.root
    project.copy(root)
    fork.git("init", "--quiet", "--initial-branch=main")
    fork.commit()

    assert list(adopt(root, Names("acme", "models", "acme-models")))
    fork.reviewed()
    assert list(pin(root, f"sha256:{'a' * 64}"))
    assert "sha256:aaaa" in fork.reviewed()

    # Models of a registry: one whose files are in the store, and one that the tracking server hands out.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_server)
    run(mlflow_python, REGISTER, tracking_server, "s3://acme-models/texts", str(logged / "counted"))
    assert new_overlay(root, "churn", "MODEL", "models:/fork-churn@champion", sys.stdout) == 0
    assert "### `overlays/churn`: new" in fork.reviewed()
    assert new_overlay(root, "sums", "MODEL", "models:/fork-sums@champion", sys.stdout) == 0
    # Pods have to ask the tracking server too.
    values = {"REGISTRY_USERNAME": "me", "REGISTRY_TOKEN": "x", "USE_SSL": "false", **os.environ}
    assert seal([], root=root, environ=values, lines=None, ask=None, out=io.StringIO()) == 0
    assert "### `overlays/sums`: new" in fork.reviewed()
    assert promote(root, "churn", "s3://acme-models/unlike", sys.stdout) == 0
    assert "### `overlays/churn`: changed" in fork.reviewed()
    assert new_overlay(root, "lengths", "MODEL", "s3://acme-models/words", sys.stdout, example="none") == 0
    assert "### `overlays/lengths`: new" in fork.reviewed()

    for component in COMPONENTS:
        for overlay in ("churn", "model"):
            fork.edit(
                f"overlays/{overlay}/kustomization.yaml",
                "  - ../../base/node\n",
                f"  - ../../base/node\n  - ../../components/{component}\n",
            )
        fork.checked()
    assert "### `overlays/churn`: changed" in fork.reviewed()

    shutil.rmtree(root / "overlays/lengths")
    assert "| `overlays/lengths` | gone" in fork.reviewed()
    assert list(examples.remove(root))
    assert "| `overlays/model` | gone" in fork.reviewed()

    capfd.readouterr()
    # By its own server's code, from what the promotion kept.
    assert run_smoke([], root=root, state=tmp_path / "state") == 0, capfd.readouterr().out
    assert "2 of 2 overlays ok" in capfd.readouterr().out
