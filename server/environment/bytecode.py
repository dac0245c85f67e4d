"""Byte code of an environment: every module but those of tests is compiled, and none twice on a machine.

Compiled modules are kept in a store by the hash of their source, so that another environment with the same
packages links them. Source: https://peps.python.org/pep-0552/; the byte code is of the unchecked kind, since an
environment's sources never change.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server import operating_system
from server.errors import BadDestination

# Run by the environment's interpreter, with a source and its byte code on each line. A source that it cannot
# compile, as some packages have for other Pythons, is left out: nothing could import it.
_COMPILE = """
import py_compile, sys
for line in sys.stdin:
    source, target = line.rstrip("\\n").split("\\0")
    py_compile.compile(source, target, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""
_TESTS = {"test", "tests"}


def compile_modules(environment: Path, tag: str, store: Path | None) -> None:
    """Compile the modules in the folder ``environment``, whose Python names its byte code by ``tag``.

    ``store`` is the folder where byte code is looked for first and kept; None for none.

    Raises:
        BadDestination: byte code cannot be written.
    """
    missing: list[tuple[Path, Path, Path | None]] = []
    for source in _sources(environment):
        target = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
        target.parent.mkdir(exist_ok=True)
        kept = _kept(source, tag, store)
        if kept is None or not _link(kept, target):
            missing.append((source, target, kept))
    _compile(environment / "bin" / "python", [(source, target) for source, target, _ in missing])
    for _, target, kept in missing:
        if kept is not None and target.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            _link(target, kept)


def _sources(environment: Path) -> list[Path]:
    """Return the modules of the installed packages without their tests."""
    found: list[Path] = []
    for root in environment.glob("lib/python*/site-packages"):
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name not in _TESTS and name != "__pycache__"]
            found += [Path(folder, name) for name in files if name.endswith(".py") and "\n" not in name]
    return found


def _kept(source: Path, tag: str, store: Path | None) -> Path | None:
    """Return where the store has, or is to have, the byte code of ``source``."""
    if store is None:
        return None
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    return store / tag / digest[:2] / f"{digest}.pyc"


def _link(origin: Path, copy: Path) -> bool:
    """Give ``origin`` the second name ``copy``, or copy it to another volume; return whether there is an origin.

    A file that is there already stays: it is the same.
    """
    try:
        os.link(origin, copy)
    except FileNotFoundError:
        return False
    except FileExistsError:
        return True
    except OSError:
        aside = copy.with_name(f".{copy.name}.{os.getpid()}")
        shutil.copyfile(origin, aside)
        aside.replace(copy)
    return True


def _compile(python: Path, modules: list[tuple[Path, Path]]) -> None:
    """Compile each source to its target, on all processors that this process may use."""
    count = operating_system.cpus()
    shares = [share for share in (modules[start::count] for start in range(count)) if share]

    def run(share: list[tuple[Path, Path]]) -> None:
        # Without site, so that no .pth file of a package runs code.
        command = [str(python), "-I", "-S", "-W", "ignore", "-c", _COMPILE]
        lines = "".join(f"{source}\0{target}\n" for source, target in share)
        done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            why = (done.stderr.splitlines() or [f"{python} ended with {done.returncode}"])[-1]
            raise BadDestination(
                f"the environment's modules cannot be compiled ({why}); give its volume more room, or the "
                "container more memory"
            )

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(run, shares))
