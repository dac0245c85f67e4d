"""The layers of gitops/: what each part may import, and that no import leads back."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Beside its own modules and these, a part imports the parts in LAYERS. A part is a package, or a module of gitops/ itself.
BASE = {"command", "errors", "progress", "switch", "terminal"}
TOOLS = {"commands", "files", "git", "kubectl", "markdown", "tools"}
LAYERS: dict[str, set[str]] = {
    **{part: set() for part in (*BASE, *TOOLS)},
    "manifests": {"files", "git", "tools"},
    "redaction": set(),
    "schemas": {"tools"},
    "seal": {"files", "manifests", "tools"},
    # What finds violations, and what compares: libraries of the commands below.
    "policies": {"manifests", "redaction", "schemas", "seal"},
    "diff": {"git", "manifests", "markdown", "policies", "redaction", "tools"},
    "local": {"manifests", "seal", "tools"},
    "promote": {"diff", "files", "local", "manifests", "markdown", "policies"},
    "github": {"git", "manifests", "markdown", "tools"},
    "release": {"files", "git", "github", "manifests", "tools"},
    "examples": {"files", "git", "manifests"},
    "adopt": {"examples", "files", "git", "manifests", "release"},
    "check": {"git", "manifests", "policies"},
    "scan": {"git"},
    "doctor": {
        *("adopt", "examples", "files", "git", "github", "kubectl", "local", "manifests", "seal", "tools"),
    },
    "up": {
        *("adopt", "doctor", "examples", "files", "git", "github", "kubectl", "manifests", "policies"),
        *("release", "scan", "seal"),
    },
    "version": {"git"},
    "__main__": {"commands", "version"},
}


def imports(file: Path) -> Iterator[str]:
    """Yield the modules of gitops that ``file`` imports, in functions too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "gitops":
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if path(name).exists() else str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "gitops")


def path(module: str) -> Path:
    folder = ROOT / module.replace(".", "/")
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def modules() -> dict[str, set[str]]:
    """Return what each module of gitops imports of it."""
    return {module(file): set(imports(file)) for file in FILES}


FILES = sorted((ROOT / "gitops").rglob("*.py"))
PARTS = sorted({name.split(".")[1] for name in map(module, FILES) if "." in name})


def test_every_part_has_its_layer() -> None:
    assert sorted(LAYERS) == PARTS


@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_only_the_parts_below_it(part: str) -> None:
    allowed = LAYERS[part] | BASE | {part}
    upward = [
        f"{name} imports {other}"
        for name, found in modules().items()
        for other in found
        if name.split(".")[1:2] == [part] and "." in other and other.split(".")[1] not in allowed
    ]
    assert upward == []


def test_no_import_leads_back() -> None:
    try:
        TopologicalSorter(modules()).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(error.args[1]))


def test_check_and_diff_need_only_what_a_review_installs() -> None:
    """The job that renders a pull request's difference has the dependency group gitops alone."""
    program = """
import sys


class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"numpy", "pandas", "orjson", "obstore", "grpc", "pydantic"}:
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Missing())
import gitops.check, gitops.diff.command, gitops.github.comment
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
