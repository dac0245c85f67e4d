from __future__ import annotations

from pathlib import Path

import pytest

from server.environment import uv
from server.environment.uv import Uv, UvError


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"PIP_INDEX_URL": "https://a"}, {"UV_DEFAULT_INDEX": "https://a"}),
        ({"PIP_INDEX_URL": "https://a", "UV_DEFAULT_INDEX": "https://b"}, {"UV_DEFAULT_INDEX": "https://b"}),
        ({"PIP_INDEX_URL": "https://a", "UV_INDEX_URL": "https://b"}, {"UV_INDEX_URL": "https://b"}),
        ({"PIP_EXTRA_INDEX_URL": "https://a https://b"}, {"UV_EXTRA_INDEX_URL": "https://a https://b"}),
        ({"PIP_EXTRA_INDEX_URL": "https://a", "UV_INDEX": "https://b"}, {"UV_INDEX": "https://b"}),
        ({"PIP_CERT": "/ca.crt"}, {"SSL_CERT_FILE": "/ca.crt"}),
        ({"PIP_CERT": "/ca.crt", "SSL_CERT_FILE": "/own.crt"}, {"SSL_CERT_FILE": "/own.crt"}),
        ({"UV_INDEX": "https://a\n"}, {"UV_INDEX": "https://a"}),
        ({"UV_CACHE_DIR": "", "UV_OFFLINE": " "}, {}),
        ({"UV_PYTHON": "3.9", "VIRTUAL_ENV": "/x", "UV_NO_VERIFY_HASHES": "1", "COLUMNS": "80"}, {}),
        ({"UV_PYTHON_DOWNLOADS": "automatic", "HOME": "/root"}, {"HOME": "/root"}),
    ],
)
def test_surroundings(environ: dict[str, str], expected: dict[str, str]) -> None:
    seen = uv.surroundings(environ)
    assert seen.pop("UV_PYTHON_DOWNLOADS") == "never"
    assert {name: value for name, value in seen.items() if not name.startswith("PIP_")} == expected


def test_own_index_counts_first() -> None:
    assert uv.surroundings({}, "file:///wheels")["UV_INDEX"] == "file:///wheels"
    assert (
        uv.surroundings({"UV_INDEX": "https://a"}, "file:///wheels")["UV_INDEX"] == "file:///wheels https://a"
    )


def test_explanation_without_noise() -> None:
    said = (
        "warning: Failed to inspect Python interpreter at `/shims/python3.9`\n"
        "  cause: Querying Python failed\n\n         [stderr]\n         python3.9: command not found\n"
        "error: No solution found when resolving dependencies\n"
        "  cause: Because https://user:secret@host/simple has no six …\n\n"
        "hint: Wheels are required\n"
    )
    assert uv.explanation(said) == (
        "No solution found when resolving dependencies\n"
        "Because https://***@host/simple has no six …\n"
        "hint: Wheels are required"
    )


def test_error_has_the_explanation(tmp_path: Path) -> None:
    with pytest.raises(UvError, match=r"^unrecognized subcommand 'nonsense'"):
        Uv(tmp_path, uv.project(tmp_path, [])).run("nonsense")


def test_settings_of_the_user_count(tmp_path: Path, index: str) -> None:
    config = tmp_path / "config" / "uv" / "uv.toml"
    config.parent.mkdir(parents=True)
    config.write_text("no-index = true\n")
    (tmp_path / "list.txt").write_text("alpha\n")
    project = tmp_path / "project"
    project.mkdir()
    caller = Uv(tmp_path, uv.project(project, []))
    assert "alpha==2.0" in caller.run("pip", "compile", "list.txt")
    caller = Uv(tmp_path, project, environ={**caller.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")})
    with pytest.raises(UvError, match="alpha was not found in the provided package locations"):
        caller.run("pip", "compile", "list.txt")
