"""The pinned tools and modules of tools/go.mod."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitops import tools
from gitops.errors import ToolNotBuilt
from gitops.tools import MODULE, ROOT, module, tool


def test_a_tool_runs() -> None:
    done = subprocess.run([tool("kustomize"), "version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "v5.8.1"


def test_a_tool_that_is_not_pinned_is_refused() -> None:
    with pytest.raises(ToolNotBuilt, match=r"^no tool 'kubectl': tools/go\.mod has actionlint, crane, "):
        tool("kubectl")


def test_a_module_is_where_its_files_are() -> None:
    folder = module("github.com/bitnami/sealed-secrets")
    assert (folder / "helm/sealed-secrets/crds/bitnami.com_sealedsecrets.yaml").is_file()


def test_a_proxy_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_bytes((MODULE / name).read_bytes())
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "cache"))
    # The discard port: nothing listens there.
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")
    with pytest.raises(ToolNotBuilt) as caught:
        module("github.com/bitnami/sealed-secrets", tmp_path)
    message = str(caught.value)
    assert message.startswith(
        f"`go mod download github.com/bitnami/sealed-secrets` in {tmp_path} ended with 1:\n"
    )
    assert "dial tcp 127.0.0.1:9: connect: connection refused" in message


BUILD = """
import sys
from pathlib import Path
from gitops import tools

tools.CACHE = Path(sys.argv[1])
tools.tool("kustomize", announce=print)
"""


@pytest.mark.long
def test_one_of_two_processes_builds_and_neither_needs_go_or_a_compiler(tmp_path: Path) -> None:
    keep = ("GOPROXY", "GOFLAGS", "GOSUMDB", "GOMODCACHE", "GOCACHE", "SSL_CERT_FILE", "HOME")
    environ = {name: os.environ[name] for name in keep if name in os.environ} | {"PATH": ""}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BUILD, tmp_path], env=environ, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = sorted(process.communicate()[0] for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert said[0] == ""
    assert said[1].startswith(
        "building kustomize from tools/go.mod (once; takes one to two minutes)\nbuilt kustomize in "
    )
    [binary] = tmp_path.glob("*/kustomize")
    done = subprocess.run([binary, "version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "v5.8.1"


@pytest.mark.long
def test_an_environment_without_go_gets_it_by_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of a job that has the dependency group gitops alone."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(tools, "GO_ENVIRONMENT", tmp_path / "go")
    tools._goroot.cache_clear()
    try:
        assert "kustomize" in tools.names()
        assert tools._goroot().is_relative_to(tmp_path)
    finally:
        tools._goroot.cache_clear()


def test_a_go_mod_without_tools_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "go.mod").write_text("module example.org/none\n\ngo 1.26\n")
    (tmp_path / "go.sum").write_text("")
    monkeypatch.setattr(tools, "MODULE", tmp_path)
    monkeypatch.setattr(tools, "CACHE", tmp_path / "cache")
    with pytest.raises(
        ToolNotBuilt, match=r"^no tool 'kustomize': tools/go\.mod has none; add a tool line there$"
    ):
        tool("kustomize")


def test_prometheus_is_built_of_a_module_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "CACHE", tmp_path)
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")
    said: list[str] = []
    with pytest.raises(
        ToolNotBuilt, match=r"^`go build .* -tags=remove_all_sd .*/cmd/promtool` in .*/tools/prometheus "
    ):
        tool("promtool", said.append)
    assert said == ["building promtool from tools/prometheus/go.mod (once; takes two to three minutes)"]
