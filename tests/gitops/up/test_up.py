"""From a fresh clone to a request, by one command: a real git remote, store, kubeseal and kustomize; stand-ins for gh and kubectl."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitops import __main__ as command
from gitops.local.store import Store
from gitops.manifests.image import digest_in
from gitops.tools import tool
from gitops.up import deployment
from tests import project
from tests.gitops.github import gh
from tests.gitops.seal.keys import KeyPair
from tests.gitops.up import controller, kubectl
from tests.programs import program

pytestmark = pytest.mark.long

IMAGE = f"ghcr.io/upstream/seldon-mlflow-server@sha256:{'a' * 64}"
BUCKET = "up-models"
NAMES = ("--owner", "acme", "--repo", "models", "--bucket", BUCKET)
GIVEN = (*NAMES, "--image", IMAGE, "--unsigned", "1")
VALUES = {"REGISTRY_USERNAME": "me", "REGISTRY_TOKEN": "hunter2", "USE_SSL": "false"}


@dataclass
class Place:
    """A clone below ``root`` of the bare repository ``origin``, and what stands for GitHub and the cluster."""

    root: Path
    origin: Path
    github: Path
    cluster: Path
    capsys: pytest.CaptureFixture[str]

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        done = subprocess.run(
            ["git", "-C", folder or self.root, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def up(self, *options: str, status: int = 0) -> list[str]:
        """Run the command, and return what it says."""
        code = command.main(["up", *options])
        said = self.capsys.readouterr()
        assert code == status, said.out + said.err
        assert "hunter2" not in said.out + said.err
        return (said.out + said.err).splitlines()

    def steps(self, said: list[str]) -> dict[str, str]:
        """Return what became of each step."""
        lines = [line.split(maxsplit=1) for line in said if line.startswith(("  d", "  w", "  s"))]
        return {rest.partition(":")[0]: word for word, rest in lines}

    def state(self) -> tuple[Any, ...]:
        """What a command that changes nothing leaves alone."""
        return (
            self.git("rev-parse", "HEAD"),
            self.git("status", "--porcelain"),
            self.git("rev-parse", "main", folder=self.origin),
            json.loads(self.github.read_text()),
            json.loads(self.cluster.read_text())["writes"],
        )

    def edit_github(self, **values: Any) -> None:
        self.github.write_text(json.dumps({**json.loads(self.github.read_text()), **values}))

    def edit_cluster(self, **values: Any) -> None:
        self.cluster.write_text(json.dumps({**json.loads(self.cluster.read_text()), **values}))


@pytest.fixture
def place(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Place]:
    programs, root, origin = tmp_path / "programs", tmp_path / "fork", tmp_path / "origin.git"
    for folder in (programs, root):
        folder.mkdir()
    made = Place(root, origin, tmp_path / "github.json", tmp_path / "cluster.json", capsys)
    project.copy(root)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "tester@example.org")
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", origin], check=True)
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "Begin")
    made.git("remote", "add", "origin", str(origin))
    made.git("push", "--quiet", "origin", "main")
    for name, stand_in in (("gh", gh), ("kubectl", kubectl)):
        program(programs / name, f'exec {sys.executable} -S {stand_in.__file__} "$@"')
    made.github.write_text(json.dumps(gh.fresh()))
    made.cluster.write_text(json.dumps(kubectl.fresh(str(origin))))
    shutil.rmtree(store.folder / "data" / BUCKET, ignore_errors=True)
    (store.folder / "data" / BUCKET).mkdir()
    variables = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "GH_STATE": str(made.github),
        "KUBECTL_STATE": str(made.cluster),
        "KUSTOMIZE": str(tool("kustomize")),
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_ENDPOINT_URL": store.endpoint,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for name in (*VALUES, "MLFLOW_TRACKING_URI", "IMAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(command, "ROOT", root)
    monkeypatch.setattr(deployment, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with controller.serving(KeyPair(tmp_path), tmp_path / "kubeconfig"):
        yield made


def test_a_fresh_clone_is_served_and_a_run_goes_on_from_where_the_last_stopped(
    place: Place, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.edit_cluster(operators=[])
    before = place.state()
    said = place.up(*GIVEN, "--dry-run", "1")
    assert place.state() == before
    assert f"  would  adopt: name acme/models and s3://{BUCKET} in " in "\n".join(said)
    assert "  missing  Seldon Core: no Deployment labelled control-plane=seldon-controller-manager has an available replica; " in "\n".join(said)  # fmt: skip

    # Somebody's own file is nobody else's business.
    (place.root / "notes.txt").write_text("hunter2")
    said = place.up(*GIVEN, status=1)
    assert place.steps(said) == {"adopt": "did", "examples": "did", "certificate": "did"}
    assert "secrets: no value for REGISTRY_USERNAME, REGISTRY_TOKEN, USE_SSL" in said[-2]
    assert said[-1] == "  mend that, and run `make up` again: it goes on from here"
    uploaded = {path.name for path in (store.folder / "data" / BUCKET / "artifacts").iterdir()}
    assert uploaded == {"iris_svm_model", "iris_preprocessor_model", "iris_postprocessor_model"}

    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    # What it was told before, the tree has by now.
    said = place.up("--owner", "acme", "--repo", "models", "--unsigned", "1", status=1)
    assert place.steps(said) == {
        **dict.fromkeys(("adopt", "examples", "certificate"), "done"),
        **dict.fromkeys(("secrets", "commit and push", "GitHub"), "did"),
        "image": "done",
        "Argo CD": "did",
    }
    assert "USE_SSL of the environment: pods get those" in "\n".join(said)
    assert "Applications: needs what is missing: Seldon Core: install 1.17.1" in said[-2]
    pushed = place.git("ls-tree", "-r", "--name-only", "main", folder=place.origin).split()
    assert "notes.txt" not in pushed
    assert "base/interface.json" in pushed
    assert digest_in(place.git("show", "main:base/kustomization.yaml", folder=place.origin)) == IMAGE[-71:]

    # The API server is away for two looks.
    place.edit_cluster(operators=[kubectl.operator()], refused=2)
    said = place.up("--owner", "acme", "--repo", "models", "--unsigned", "1")
    assert {name for name, word in place.steps(said).items() if word != "done"} == {"Applications"}
    (refused,) = (line for line in said if line.endswith("; asked again"))
    assert "Unable to connect to the server: connect: connection refused" in refused
    assert "         graph-iris-model: is not there yet" in said
    assert "         graph-iris-model: Synced, Healthy" in said
    assert [line for line in said if "port-forward" in line] == [
        "  kubectl --namespace seldon port-forward service/graph-iris-model-model 9000 &"
    ]

    # When all is done, nothing changes.
    after = place.state()
    said = place.up("--owner", "acme", "--repo", "models", "--unsigned", "1")
    assert set(place.steps(said).values()) == {"done"}
    assert place.state() == after


def test_without_the_examples_nothing_of_them_is_left(
    place: Place, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    place.up(*GIVEN, "--examples", "no", "--minutes", "0", status=1)
    assert list((store.folder / "data" / BUCKET).iterdir()) == []
    pushed = place.git("ls-tree", "-r", "--name-only", "main", folder=place.origin).split()
    assert [name for name in pushed if name.startswith(("overlays/", "examples/iris/"))] == []


def test_a_fork_whose_actions_are_off(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    place.edit_github(permissions={"enabled": False})
    before = place.git("rev-parse", "main", folder=place.origin)
    # The push would start no release, and none would come later.
    said = "\n".join(place.up(*NAMES, status=1))
    assert (
        "  missing  GitHub Actions: no workflow runs: Actions are off in this repository; switch it on at "
        "https://github.com/acme/models/actions, where GitHub asks once in a fork\n"
    ) in said
    assert "commit and push: needs what is missing: GitHub Actions: switch it on at https://" in said
    assert place.git("rev-parse", "main", folder=place.origin) == before
    release = {"path": ".github/workflows/release.yml", "state": "disabled_manually"}
    place.edit_github(permissions={"enabled": True}, workflows=[release])
    said = "\n".join(place.up(*GIVEN, "--dry-run", "1"))
    assert "release.yml, which builds the image, is off: `gh workflow enable release.yml`" in said
    # Who builds no image needs none of it.
    assert "  would  commit and push: " in said
    weekly = {"path": ".github/workflows/weekly.yml", "state": "disabled_fork"}
    place.edit_github(workflows=[{**release, "state": "active"}, weekly])
    said = "\n".join(place.up(*GIVEN, "--dry-run", "1"))
    assert "  ok       GitHub Actions: on, but for weekly.yml (`gh workflow enable …`)\n" in said


def test_an_argo_cd_that_is_too_old(place: Place) -> None:
    definitions = {
        **kubectl.fresh("")["definitions"],
        "appprojects.argoproj.io": kubectl.definition("group", "kind"),
    }
    place.edit_cluster(definitions=definitions)
    said = "\n".join(place.up(*GIVEN, "--dry-run", "1"))
    assert (
        "  missing  Argo CD: is older than 3.3: AppProject has no spec.clusterResourceWhitelist[].name, and drops it without a "
        "word; install 3.3 or newer (docs/install.md, Install the operators)"
    ) in said
    assert "  stops  Argo CD: needs what is missing: Argo CD: install 3.3 or newer" in said


def test_an_overlay_that_git_does_not_have_stops_it(place: Place) -> None:
    (place.root / "overlays/churn").mkdir()
    shutil.copyfile(place.root / "overlays/model/node.yaml", place.root / "overlays/churn/node.yaml")
    said = "\n".join(place.up(*GIVEN, "--dry-run", "1"))
    assert (
        "  stops  commit and push: git does not have all of overlays/churn, and only what is in git is deployed: "
        "`git add overlays/churn`, or remove what is new there\n"
    ) in said


def test_an_image_that_nobody_signed_stops_it(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    program(tmp_path / "programs/cosign", "echo Error: no signatures found >&2; exit 10")
    said = "\n".join(place.up(*NAMES, "--image", IMAGE, status=1))
    assert "image: ghcr.io/upstream/seldon-mlflow-server@sha256:aaaa" in said
    assert "is not signed by upstream/seldon-mlflow-gitops/.github/workflows/release.yml" in said
    assert "or say UNSIGNED=1, and nobody looks who built" in said
    assert json.loads(place.cluster.read_text())["writes"] == []


def test_what_nobody_says(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["up", "--owner", "acme", "--repo", "models"]) == 2
    assert "BUCKET '': nothing says where the models are to be" in capsys.readouterr().err
    assert command.main(["up", "--bucket", BUCKET]) == 2
    assert (
        f"the remote origin is {place.origin}, and names no OWNER/REPO on github.com"
        in capsys.readouterr().err
    )
    assert command.main(["up", *NAMES, "--examples", "none"]) == 2
    assert (
        "EXAMPLES 'none': must be 1, yes, true to switch it on, or 0, no, false to switch it off"
        in capsys.readouterr().err
    )
