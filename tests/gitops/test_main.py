"""What goes wrong with a command: one message, a status that is not 0, and the work tree as it was."""

from __future__ import annotations

import io
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from gitops import __main__ as command
from gitops.manifests import site
from gitops.manifests.site import read_site
from gitops.seal.certificate import FILE
from gitops.seal.secrets import secrets
from server import __version__
from tests.gitops.seal.keys import KeyPair
from tests.gitops.seal.overlays import overlay
from tests.project import MANIFESTS

ROOT = Path(__file__).parents[2]
LINES = "AWS_ACCESS_KEY_ID=key\nAWS_SECRET_ACCESS_KEY=hunter2\nAWS_ENDPOINT_URL=http://s3.example.com\nUSE_SSL=true\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_bytes(KeyPair(tmp_path).certificate)
    overlay(tmp_path, "iris", "s3://models/iris")
    shutil.copytree(MANIFESTS / site.FOLDER, tmp_path / site.FOLDER)
    monkeypatch.setattr(command, "ROOT", tmp_path)
    for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def files(root: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    ("arguments", "lines", "status", "said"),
    [
        (
            ["seal", "seldon-init-container-secret"],
            LINES,
            1,
            "AWS_ENDPOINT_URL begins with http:// and USE_SSL is true",
        ),
        (["seal"], "", 1, "no value for REGISTRY_USERNAME, REGISTRY_TOKEN, AWS_ACCESS_KEY_ID, "),
        (["seal", "absent"], LINES, 2, "there is no secret of this name: absent"),
        (
            ["seal-cert", "--from", "http://127.0.0.1:9/v1/cert.pem"],
            "",
            1,
            "the certificate of http://127.0.0.1:9/",
        ),
        (
            ["seal-cert", "--from", str(ROOT / "README.md")],
            "",
            1,
            f"{ROOT}/README.md: is no certificate in PEM",
        ),
        (["scan"], "", 1, "git said: fatal: not a git repository"),
        (
            ["promote", "model", "s3://models/iris"],
            "",
            2,
            "overlay 'model': is not there; there are none, and ",
        ),
        (["new-overlay", "Churn"], "", 2, "overlay name 'Churn': must be 1 to 31 of "),
        (["adopt", "a/b", "models", "acme"], "", 2, "OWNER 'a/b': must be the name of an account of GitHub"),
        (["adopt", "acme", "models", "acme"], "", 1, "git said: fatal: not a git repository"),
        (["comment", "7", str(ROOT / "README.md")], "", 2, "GITHUB_TOKEN and GITHUB_REPOSITORY: must be set"),
        (
            ["pull-request", "a..b", "Pin", str(ROOT / "README.md")],
            "",
            2,
            "BRANCH 'a..b': must be the name of a ",
        ),
    ],
    ids=[
        *("values", "no values", "no secret", "nobody answers", "no certificate", "no git"),
        *("no overlay", "no name", "no owner", "no repository", "no token", "no branch"),
    ],
)
def test_one_message_and_nothing_changed(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    lines: str,
    status: int,
    said: str,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    for secret in secrets(read_site(root)):
        for value in secret.values:
            monkeypatch.delenv(value.name, raising=False)
    before = files(root)
    assert command.main(arguments) == status
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert said in error
    assert "hunter2" not in error
    assert files(root) == before


def test_a_person_is_asked_and_what_is_secret_is_not_echoed(tmp_path: Path) -> None:
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_bytes(KeyPair(tmp_path).certificate)
    overlay(tmp_path, "iris", "s3://models/iris")
    shutil.copytree(MANIFESTS / site.FOLDER, tmp_path / site.FOLDER)
    terminal, inner = pty.openpty()
    program = f"""
        from pathlib import Path
        from gitops import __main__ as command
        command.ROOT = Path({str(tmp_path)!r})
        raise SystemExit(command.main(["seal", "mrx-ghcr"]))
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    ) as process:
        os.close(inner)
        said = ""
        for question, answer in (
            ("REGISTRY_SERVER (image registry) [ghcr.io]: ", ""),
            ("REGISTRY_USERNAME (user of the image registry): ", "me"),
            ("REGISTRY_TOKEN (token that may read packages): ", "hunter2"),
        ):
            while question not in said:
                said += os.read(terminal, 1024).decode()
            os.write(terminal, f"{answer}\n".encode())
        while "sealed mrx-ghcr" not in said:
            said += os.read(terminal, 1024).decode()
        assert process.wait(30) == 0
    os.close(terminal)
    assert "hunter2" not in said
    assert (tmp_path / "base/secrets/sealedsecret-image-pull.yaml").is_file()


COMMANDS = [pytest.param(name, id=name) for name in command.COMMANDS]


def test_help_groups_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for group, commands in command.GROUPS.items():
        listed = said.partition(f"\n{group}:\n")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in listed.splitlines()] == list(commands)
    assert "exit codes: 0; 1: something was found, or could not be done" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_teaches_by_examples(capsys: pytest.CaptureFixture[str], name: str) -> None:
    with pytest.raises(SystemExit):
        command.main([name, "--help"])
    said = capsys.readouterr().out
    summary = command.COMMANDS[name].summary
    assert f"{summary[0].upper()}{summary[1:]}." in said
    lines = said.partition("\nexamples:\n")[2].splitlines()
    assert lines
    shown = [line.strip().removeprefix("python -m gitops ") for line in lines if not line.startswith("  # ")]
    for example in shown:
        # As a shell takes it.
        assert command.parser(name).parse_args(shlex.split(example)).command == name


def test_a_typo_is_told_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    for typed, meant in (
        ("promot", "did you mean promote?"),
        ("xyz", "choose one of those that --help lists"),
    ):
        with pytest.raises(SystemExit) as ended:
            command.main([typed])
        assert ended.value.code == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.endswith(f"error: COMMAND '{typed}': there is no such command; {meant}\n")


def test_the_version_says_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said() -> str:
        with pytest.raises(SystemExit):
            command.main(["--version"])
        return capsys.readouterr().out

    monkeypatch.setattr(command, "ROOT", tmp_path)
    # What is no clone, as a downloaded archive.
    assert said() == f"seldon-mlflow-gitops {__version__}\n"
    for arguments in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "--message", "Begin"]):
        subprocess.run(["git", *AUTHOR, "-C", tmp_path, *arguments], check=True)
    assert re.fullmatch(rf"seldon-mlflow-gitops {re.escape(__version__)} \(git [0-9a-f]{{7,}}\)\n", said())
    subprocess.run(["git", "-C", tmp_path, "tag", "v0.1.0"], check=True)
    assert said() == f"seldon-mlflow-gitops {__version__} (git v0.1.0)\n"


AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.com")


def test_the_version_is_that_of_the_package() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__


class Interrupted(io.StringIO):
    def __next__(self) -> str:
        raise KeyboardInterrupt

    def read(self, size: int | None = -1, /) -> str:
        raise KeyboardInterrupt


def test_ctrl_c_is_no_traceback(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Interrupted())
    before = files(root)
    assert command.main(["seal"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
    assert files(root) == before


def test_a_reader_that_goes_is_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gitops", "doctor"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait() == 141
