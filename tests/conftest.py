"""Fixtures of all tests: real parts, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gitops.local import ports
from gitops.local.store import Store
from tests import step_summary

# No test asserts a time: a busy machine must not make one fail. A pull request is judged by the same examples
# as main was; `make fuzz` looks for new ones.
settings.register_profile(
    "project", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("fuzz", settings.get_profile("project"), derandomize=False, max_examples=500)
settings.load_profile("project")

pytest_plugins = ["tests.groups", "tests.shards"]

START_SECONDS = 180


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Say in the job's summary how many passed, why some were skipped, and what failed."""
    stats = terminalreporter.stats
    failed = [*stats.get("failed", []), *stats.get("error", [])]
    skipped = Counter(
        report.longrepr[2] for report in stats.get("skipped", []) if isinstance(report.longrepr, tuple)
    )
    title = f"{len(stats.get('passed', []))} passed, {len(failed)} failed, {sum(skipped.values())} skipped"
    step_summary.write(
        title,
        [
            *(f"`{report.nodeid}`" for report in failed),
            *(f"{count} × {why}" for why, count in skipped.items()),
        ],
        "\n\n".join(report.longreprtext for report in failed),
    )


@pytest.fixture(scope="session", autouse=True)
def _nobodys_git_and_no_workflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leave out what the user or the machine tells git, a hook whose repository is another, and a workflow's variables.

    The checkout may be another user's, so git is told that it may read it. Programs speak English.
    """
    config = tmp_path_factory.mktemp("git") / "config"
    config.write_text("[safe]\n\tdirectory = *\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("GIT_", "GITHUB_")) and not name.startswith("GIT_SSL_"):
                patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", str(config))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("LANGUAGE", "en")
        yield


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A running S3 server without buckets; a test takes a bucket of its own."""
    with Store(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture(scope="session")
def mlflow_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with all of MLflow: its server is not in the client that the image has."""
    folder = tmp_path_factory.mktemp("mlflow") / "venv"
    uv = Path(sys.executable).with_name("uv")
    python = folder / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    wanted = f"mlflow=={version('mlflow-skinny')}"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, wanted], check=True)
    return python


@pytest.fixture(scope="session")
def tracking_server(mlflow_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a default `mlflow server`, which hands out artifacts itself."""
    folder = tmp_path_factory.mktemp("tracking")
    (port,) = ports.free(1)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                mlflow_python,
                "-m",
                "mlflow",
                "server",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--workers",
                "1",
            ],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES": "hdfs",
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + START_SECONDS
        while not _listens(port):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
