"""What `python -m server` says of a command line or an environment variable that cannot be right."""

from __future__ import annotations

from pathlib import Path

import pytest

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
