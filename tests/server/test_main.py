"""What `python -m server` says of a command line or an environment variable that cannot be right."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from server import __main__ as server
from server import __version__
from server.image_interface import interface
from tests.server.environment import making


def said(*arguments: object, **environ: str) -> tuple[int, str]:
    """Return the exit code of a verb, and what it logs without the time."""
    process = making.verb(*arguments, **environ)
    _, text = process.communicate()
    return process.returncode, text.partition(" ERROR ")[2] or text


@pytest.mark.parametrize(
    ("output", "why"),
    [("none/requirements.lock", "there is no folder {}/none"), ("model", "that is a folder")],
)
def test_lock_to_where_no_file_can_be(tmp_path: Path, output: str, why: str) -> None:
    # The model's requirements do not resolve: the output is looked at before them.
    model = making.model(tmp_path / "model", "no-such-package-anywhere\n")
    assert said("lock", model, "-o", tmp_path / output, UV_OFFLINE="1") == (
        2,
        f"lock: --output '{tmp_path / output}': must be a file that can be written, and {why.format(tmp_path)}; "
        "make the folder or name another file\n",
    )


def test_log_level_that_is_none(tmp_path: Path) -> None:
    assert said("inspect", making.model(tmp_path, "six\n"), LOG_LEVEL="foo") == (
        2,
        "inspect: LOG_LEVEL='foo': must be one of CRITICAL, FATAL, ERROR, WARN, WARNING, INFO, DEBUG, NOTSET\n",
    )


def test_log_level(tmp_path: Path) -> None:
    model = making.model(tmp_path / "model", "six\n")
    assert "INFO fetch: " in said("fetch", model.as_uri(), tmp_path / "one", LOG_LEVEL="info")[1]
    assert said("fetch", model.as_uri(), tmp_path / "two", LOG_LEVEL="error") == (0, "")


VERBS = [pytest.param(name, id=name) for name in server.EXAMPLES]


def helped(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        server.main([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_help_says_how_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    said = helped(capsys)
    assert "exit codes: 0; 2: a setting or an argument is wrong; 10 to 17: the model's files; " in said
    for verb in interface()["verbs"]:
        assert f"python -m server {verb} " in said


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_teaches_by_examples(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    lines = helped(capsys, verb).partition("\nexamples:\n")[2].splitlines()
    shown = [line.strip().removeprefix("python -m server ") for line in lines if not line.startswith("  # ")]
    assert shown
    for example in shown:
        assert server.parser().parse_args(shlex.split(example)).verb == verb


def test_a_typo_is_told_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        server.main(["sevre"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(
        "error: VERB 'sevre': there is no such verb; did you mean serve?\n"
    )


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        server.main(["--version"])
    assert capsys.readouterr().out == f"seldon-mlflow-server {__version__}\n"
