"""A fork from its adoption to models of its own alone: after each step, what its CI runs over its manifests is green."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pytest

from gitops.adopt import adopt
from gitops.check import check
from gitops.diff.command import diff
from gitops.local.commands import run_smoke
from gitops.local.store import Store
from gitops.promote.new_overlay import new_overlay
from gitops.promote.promotion import promote
from gitops.release.proposal import pin
from tests import project
from tests.gitops.diff.repository import Repository

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("variables")]

EXAMPLES = ("model", "preprocessor", "postprocessor", "pipeline")
COMPONENTS = sorted(folder.name for folder in (project.MANIFESTS / "components").iterdir())


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
    tmp_path: Path, store: Store, logged: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("texts", "unlike", "words"):
        store.upload(logged / name, "acme-models", name)
    fork = Fork(tmp_path / "fork")
    root = fork.root
    project.copy(root)
    fork.git("init", "--quiet", "--initial-branch=main")
    fork.commit()

    assert list(adopt(root, "acme", "models", "acme-models"))
    fork.reviewed()
    assert list(pin(root, f"sha256:{'a' * 64}"))
    assert "sha256:aaaa" in fork.reviewed()

    assert new_overlay(root, "churn", "MODEL", "s3://acme-models/texts", sys.stdout) == 0
    assert "### `overlays/churn`: new" in fork.reviewed()
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
    for overlay in EXAMPLES:
        shutil.rmtree(root / "overlays" / overlay)
    shutil.rmtree(root / "examples/iris")
    assert "| `overlays/model` | gone" in fork.reviewed()

    capfd.readouterr()
    # By its own server's code, from what the promotion kept.
    assert run_smoke([], root=root, state=tmp_path / "state") == 0, capfd.readouterr().out
    assert "1 of 1 overlays ok" in capfd.readouterr().out
