"""What the doctor says of a machine, a fork and a cluster: a real git; stand-ins for gh and kubectl."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitops.adopt import Names, adopt
from gitops.doctor.command import doctor
from gitops.local import ports
from gitops.manifests import image
from gitops.seal.certificate import FILE
from tests import project
from tests.gitops.github import gh
from tests.gitops.seal.keys import KeyPair
from tests.gitops.up import controller, kubectl
from tests.programs import program

ROOT = Path(__file__).parents[3]
NAMES = Names("acme", "models", "acme-models")
NAMESPACE = "pod-security.kubernetes.io/enforce"


@dataclass
class Place:
    """A clone below ``root``, a folder of ``programs`` on the PATH, and the states of GitHub and of the cluster."""

    root: Path
    programs: Path
    github: Path
    cluster: Path

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", self.root, *arguments], check=True, capture_output=True)

    def says(self, *, status: int = 0, **environ: str) -> dict[str, str]:
        """Return what the doctor says of each part, by its name: state and message."""
        out = io.StringIO()
        assert doctor(self.root, {**os.environ, **environ}, out) == status, out.getvalue()
        lines = [line for line in out.getvalue().splitlines() if line.startswith("  ")]
        return {name: f"{state} {rest}" for line in lines for state, name, rest in [parts(line)]}

    def edit(self, file: Path, **values: Any) -> None:
        file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def parts(line: str) -> tuple[str, str, str]:
    state, rest = line.split(maxsplit=1)
    name, _, message = rest.partition(": ")
    return state, name, message


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    root, programs = tmp_path / "clone", tmp_path / "programs"
    for folder in (root, programs):
        folder.mkdir()
    project.copy(root)
    made = Place(root, programs, tmp_path / "github.json", tmp_path / "cluster.json")
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("add", "--all")
    for name, stand_in in (("gh", gh), ("kubectl", kubectl)):
        program(programs / name, f'exec {sys.executable} -S {stand_in.__file__} "$@"')
    made.github.write_text(json.dumps(gh.fresh()))
    made.cluster.write_text(json.dumps(kubectl.fresh("")))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GH_STATE", str(made.github))
    monkeypatch.setenv("KUBECTL_STATE", str(made.cluster))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    return made


def test_nothing_is_missing_in_a_fresh_clone_and_what_is_nobody_s_yet_is_a_warning(place: Place) -> None:
    said = place.says()
    for name in ("git", "make", "Python", "models"):
        assert said[name].startswith("ok "), said[name]
    assert said["git remote"] == (
        f"warning {place.root}: git said: error: No such remote 'origin'; make the fork on GitHub, and `git remote add origin "
        "https://github.com/OWNER/REPO`"
    )
    assert said["certificate"] == (
        f"warning {FILE} is the demo's, whose key everyone has; `make seal-cert`, then `make seal` (docs/secrets.md)"
    )
    assert said["image"].startswith("warning no image is pinned: ghcr.io/")
    assert said["GitHub"].startswith("? ")
    assert said["cluster"] == "? KUBECONFIG is not set, so none is looked at"


def test_a_fork_that_is_adopted(place: Place, tmp_path: Path) -> None:
    place.git("remote", "add", "origin", "https://me:token@github.com/acme/models.git")
    said = place.says()
    assert said["git remote"] == "ok https://github.com/acme/models.git"
    assert said["names"].startswith("warning site/site.yaml names ")
    assert said["names"].endswith(
        ", and the remote origin is acme/models; `make adopt OWNER=… REPO=… BUCKET=…` makes the fork yours"
    )
    list(adopt(place.root, NAMES))
    (place.root / FILE).write_bytes(KeyPair(tmp_path).certificate)
    pinned = place.root / image.BASE_KUSTOMIZATION
    pinned.write_text(pinned.read_text().replace(image.UNRELEASED, f"sha256:{'a' * 64}"))
    said = place.says()
    assert said["names"] == "ok all name acme/models"
    assert said["certificate"].startswith(f"ok {FILE} is valid until ")
    assert said["image"] == f"ok ghcr.io/acme/seldon-mlflow-server@sha256:{'a' * 64} is pinned"


def test_an_overlay_without_its_lock_is_missing_something(place: Place) -> None:
    (place.root / "overlays/model/requirements.lock").unlink()
    assert place.says(status=1)["models"] == (
        "missing not there: model/requirements.lock; `make promote OVERLAY=… MODEL=…` writes them"
    )


def test_what_github_has_switched_off(place: Place) -> None:
    place.git("remote", "add", "origin", "git@github.com:acme/models.git")
    place.edit(place.github, permissions={"enabled": False})
    said = place.says()
    assert said["GitHub Actions"].startswith(
        "warning no workflow runs: Actions are off in this repository; switch it on at "
    )
    assert said["settings on GitHub"].startswith("warning ")
    assert "workflow permissions: " in said["settings on GitHub"]


def test_without_gh_nothing_is_said_of_github(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.git("remote", "add", "origin", "git@github.com:acme/models.git")
    program(place.programs / "gh", "echo 'no git remotes found' >&2; exit 4")
    said = place.says()
    assert said["gh"].startswith("? gh: no git remotes found; log in with `gh auth login`")
    assert said["GitHub Actions"] == said["settings on GitHub"] == "? cannot be looked for without gh"


def test_a_gh_that_answers_otherwise_is_no_traceback(place: Place) -> None:
    place.git("remote", "add", "origin", "git@github.com:acme/models.git")
    program(place.programs / "gh", "echo []")
    said = place.says()
    assert said["gh"].startswith("? cannot be looked at (AttributeError: 'list' object ")


def test_a_port_in_use(place: Place) -> None:
    with ports.bind(0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        assert place.says(PORT=str(port))[f"port {port}"] == (
            f"warning port {port} of 127.0.0.1 is in use; choose another port, as in `make demo PORT=8081`"
        )


def test_a_program_that_is_missing_or_too_old(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    program(place.programs / "git", "echo git version 2.11.0")
    assert place.says(status=1)["git"] == (
        "missing is 2.11.0: 2.24 or newer is needed; install git by the system's packages"
    )
    monkeypatch.setenv("PATH", str(place.programs))
    assert place.says(status=1)["make"] == (
        "missing make: no such command; install GNU Make by the system's packages"
    )


def test_a_python_that_a_model_asks_for(place: Place) -> None:
    file = place.root / "overlays/model/contract.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "python": "3.99.1"}))
    said = place.says()["models' Pythons"]
    # The machine may lack what the others ask for as well.
    assert re.match(r"warning model asks for 3\.99\.1(, \S+ asks for \S+)*; here are 3\.", said)
    (installed,) = re.findall(
        r"; `\.venv/bin/uv python install ([^`]+)` downloads what is missing; any other way ", said
    )
    assert "3.99" in installed.split()


def test_what_each_python_can_serve(place: Place) -> None:
    own = ".".join(map(str, sys.version_info[:2]))
    file = place.root / "overlays/model/contract.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "python": own}))
    (place.root / "overlays/preprocessor/requirements.lock").unlink()
    said = place.says(status=1)["models' Pythons"]
    assert re.search(rf"{re.escape(own)}\.\d+: asked for by model and in the lock of postprocessor", said)


@pytest.fixture
def cluster(place: Place, tmp_path: Path) -> Callable[..., dict[str, str]]:
    key = KeyPair(tmp_path)

    def says(*, status: int = 0, **state: Any) -> dict[str, str]:
        place.edit(place.cluster, **state)
        with pytest.MonkeyPatch.context() as patch, controller.serving(key, tmp_path / "kubeconfig"):
            # kubeseal reads it too.
            patch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
            return place.says(status=status)

    return says


def test_a_cluster_that_has_all(cluster: Callable[..., dict[str, str]]) -> None:
    said = cluster()
    assert said["cluster"] == "ok context test, Kubernetes v1.34.1"
    for name in ("Sealed Secrets", "Argo CD", "Seldon Core", "Kubernetes", "Seldon Core's version"):
        assert said[name].startswith("ok "), said[name]
    assert said["CustomResourceDefinitions"] == "ok those that are there serve the versions that are used"
    assert said["Pod Security"] == "ok the namespace seldon is not there yet; the first sync makes it"


def test_a_cluster_of_other_versions(cluster: Callable[..., dict[str, str]]) -> None:
    older = json.loads(json.dumps(kubectl.operator()).replace("1.17.1", "1.15.0"))
    definition = kubectl.definition()
    definition["spec"]["versions"][0]["name"] = "v1alpha2"
    said = cluster(
        version="v1.23.4",
        operators=[older],
        namespaces={"argocd": {}, "seldon": {NAMESPACE: "privileged"}},
        definitions={**kubectl.fresh("")["definitions"], kubectl.SELDON: definition},
    )
    assert said["Kubernetes"].startswith("warning is v1.23.4: tested are 1.24 to 1.34; ")
    assert said["Seldon Core's version"].startswith(
        "warning the operator is seldonio/seldon-core-operator:1.15.0: tested is 1.17.1; "
    )
    assert said["CustomResourceDefinitions"].startswith(
        f"warning {kubectl.SELDON} serves v1alpha2, and v1 is used; "
    )
    assert said["Pod Security"].startswith(
        "warning seldon enforces privileged, and base/secrets/namespace.yaml says restricted; "
    )


def test_a_cluster_without_seldon_s_operator(cluster: Callable[..., dict[str, str]]) -> None:
    said = cluster(status=1, operators=[])
    assert said["Seldon Core"].startswith(
        "missing no Deployment labelled control-plane=seldon-controller-manager"
    )
    assert said["Seldon Core's version"] == "? cannot be looked for without Seldon Core"


def test_a_kubeconfig_that_is_not_there(place: Place) -> None:
    assert place.says(status=1, KUBECONFIG="/none")["cluster"] == (
        "missing KUBECONFIG /none: there is no such file; set it to the file that your cluster's provider wrote"
    )


def test_a_cluster_that_does_not_answer(place: Place, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").touch()
    program(place.programs / "kubectl", "echo 'The connection to the server was refused' >&2; exit 1")
    said = place.says(status=1, KUBECONFIG=str(tmp_path / "kubeconfig"))
    assert said["cluster"].startswith(
        "missing kubectl config current-context: The connection to the server was refused"
    )
    assert said["Argo CD"] == "? cannot be looked for without cluster"


def test_it_needs_nothing_that_is_not_in_python() -> None:
    """As before .venv is there: no package, no gh and no cluster."""
    environ = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
    done = subprocess.run(
        [sys.executable, "-S", "-m", "gitops", "doctor"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode in (0, 1)  # as this machine is
    assert "  ok       Python: 3." in done.stdout
    assert re.search(
        r"^  \?        fork: cannot be looked at without the Python package \w+, which `make lint` installs in \.venv$",
        done.stdout,
        re.MULTILINE,
    )


def test_a_program_reads_the_same(place: Place) -> None:
    out = io.StringIO()
    assert doctor(place.root, {}, out, as_json=True) == 0
    content = json.loads(out.getvalue())
    assert (content["command"], content["ok"]) == ("doctor", True)
    (certificate,) = (entry for entry in content["items"] if entry["id"] == "certificate")
    assert certificate == {
        "level": "warning",
        "id": "certificate",
        "place": "this fork",
        "message": f"{FILE} is the demo's, whose key everyone has",
        "fix": "`make seal-cert`, then `make seal` (docs/secrets.md)",
    }
