from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.e2e.kind.commands import KIND
from tests.programs import program
from tests.project import ROOT


def e2e_cluster(path: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it where there is no program but what ``path`` holds."""
    return subprocess.run(
        [sys.executable, "-m", "tests.e2e.kind", *arguments],
        cwd=ROOT,
        env={"PATH": str(path), "HOME": str(Path.home()), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_image_that_is_not_there_is_told_before_a_cluster_is_made(tmp_path: Path) -> None:
    program(tmp_path / "docker", 'echo "No such image: $3" >&2; exit 1')
    done = e2e_cluster(tmp_path, IMAGE="seldon-mlflow-server:dev")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "e2e-cluster: image seldon-mlflow-server:dev: No such image: seldon-mlflow-server:dev; "
        "`make image IMAGE=seldon-mlflow-server:dev` builds it\n"
    )


def test_a_digest_is_told_since_the_node_would_not_know_it(tmp_path: Path) -> None:
    image = f"seldon-mlflow-server@sha256:{'1' * 64}"
    done = e2e_cluster(tmp_path, IMAGE=image)
    assert done.returncode == 1
    assert done.stderr == f"e2e-cluster: image {image}: kind loads an image by its tag only: name it so\n"


def test_a_machine_without_docker_is_told(tmp_path: Path) -> None:
    done = e2e_cluster(tmp_path, IMAGE="seldon-mlflow-server:dev")
    assert (done.returncode, done.stderr) == (1, "e2e-cluster: there is no docker on PATH: install it\n")


def test_a_step_that_fails_is_told_with_how_to_begin_again(tmp_path: Path) -> None:
    # No proxy answers, so kind cannot be built.
    done = e2e_cluster(tmp_path, GOPROXY="off", GOMODCACHE=str(tmp_path / "modules"))
    assert done.returncode == 1
    assert done.stderr.endswith(f" ended with 1; to begin again: {KIND} delete cluster --name e2e\n")


def test_logs_go_to_a_folder(tmp_path: Path) -> None:
    done = e2e_cluster(tmp_path, "logs", "")
    assert done.returncode == 2
    assert done.stderr == "e2e-logs: OUTPUT must be a folder to write to, as in `make e2e-logs OUTPUT=logs`\n"
