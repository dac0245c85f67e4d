"""The commands of the quick start and of a model of one's own, as a person types them in a clone."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitops.local import ports
from gitops.local.store import Store
from tests import project

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SHELL, PYTHON = "sh", "python"
# What runs a file of each language, by the file's name.
CLIENTS = {
    PYTHON: ["python", "ask.py"],
    "go": ["go", "run", "ask.go"],
    "java": ["java", "Ask.java"],
}


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a page of docs/ in this language."""
    text = (ROOT / "docs" / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@dataclass
class Person:
    """Someone with a clone in ``folder``, whose demo is at ``port``."""

    folder: Path
    environ: Mapping[str, str]
    port: int

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a command of a page in a session of its own, at this person's port in place of the page's."""
        return subprocess.Popen(
            ["bash", "-ec", command.replace("8080", str(self.port))],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def runs(self, language: str, command: Sequence[str], page: str) -> str:
        """Return what the program of a page in this language prints; the command's last word is its file's name."""
        (program,) = blocks(page, language)
        (self.folder / command[-1]).write_text(program.replace("8080", str(self.port)))
        return self.types(f'PATH="$PWD/.venv/bin:$PATH" {shlex.join(command)}')

    def types(self, command: str) -> str:
        """Return what the command prints; it must succeed."""
        process = self.start(command)
        out, _ = process.communicate()
        assert process.returncode == 0, f"{command}\n{out}"
        return out


@pytest.fixture
def person(tmp_path: Path, store: Store) -> Person:
    folder = tmp_path / "clone"
    project.copy(folder)
    # What a clone makes in minutes: the environment and the tools.
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / ".cache").mkdir()
    (folder / ".cache/tools").symlink_to(ROOT / ".cache/tools")
    (port,) = ports.free(1)
    environ = {
        **{name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")},
        "PORT": str(port),
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_ENDPOINT_URL": store.endpoint,
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.com",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    person = Person(folder, environ, port)
    person.types("git init --quiet --initial-branch=main && printf '.venv\\n' >> .git/info/exclude")
    person.types("git add --all && git commit --quiet --message 'A clone'")
    return person


def test_the_quick_start_shows_what_it_says(person: Person) -> None:
    demo, predict, scoring, refused, metadata, smoke = blocks("quickstart.md", SHELL)
    running = person.start(demo)
    try:
        assert running.stdout is not None
        printed = ""
        for line in running.stdout:
            printed += line
            if "until Ctrl-C" in line:
                break
        assert f"Serving at http://127.0.0.1:{person.port} until Ctrl-C" in printed
        answer = json.loads(person.types(predict))
        assert answer["data"]["names"] == ["Class_0", "Class_1", "Class_2"]
        (row,) = answer["data"]["ndarray"]
        # The same numbers as MLflow's protocol has them.
        (same,) = json.loads(person.types(scoring))["predictions"]
        assert row == (list(same.values()) if isinstance(same, dict) else same)
        failure, status = person.types(refused).splitlines()
        assert status == "400"
        assert "sepal width (cm)" in json.loads(failure)["status"]["info"]
        assert json.loads(person.types(metadata))["versions"][0].startswith("sha256:")
        for language, command in CLIENTS.items():
            if shutil.which(command[0], path=f"{ROOT}/.venv/bin:{os.environ['PATH']}"):
                assert person.runs(language, command, "clients.md").count("Class_0") == 1 + (
                    language == PYTHON
                )
    finally:
        os.killpg(running.pid, signal.SIGINT)
        running.communicate()
    assert re.search(r"^4 of 4 overlays ok in ", person.types(smoke), re.MULTILINE)


def test_a_model_of_one_s_own_comes_from_a_bucket_to_a_pull_request(
    person: Person, store: Store, tmp_path: Path
) -> None:
    (script,) = blocks("own-model.md", PYTHON)
    logged = tmp_path / "logged"
    logged.mkdir()
    subprocess.run(
        [sys.executable, "-c", script], cwd=logged, env=person.environ, check=True, capture_output=True
    )
    store.upload(logged / "churn", "models", "churn/8")
    add, smoke, *review, again = blocks("own-model.md", SHELL)

    assert (
        "modelDigest: sha256:"
        in (person.types(add), (person.folder / "overlays/churn/node.yaml").read_text())[1]
    )
    written = {path.name for path in (person.folder / "overlays/churn").iterdir()}
    assert {
        "node.yaml",
        "contract.json",
        "requirements.lock",
        "expected.json",
        "kustomization.yaml",
    } <= written
    assert "    ok  churn: numbers" in person.types(smoke)
    (proposal,) = review
    report = person.types(proposal)
    assert "### `overlays/churn`: new" in report
    assert person.types(again)
    changed: Any = person.types("git status --porcelain").split()[1::2]
    assert changed == []
