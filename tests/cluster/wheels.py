"""The wheels of the overlays' locks, as a package index for pods that reach no other.

They are downloaded by pip on the machine that runs the tests, with the hashes of the locks required, and lie in one
folder per package: a web server's listing of that is a simple index (PEP 503).
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename


def download(folder: Path, python: str, machine: str, root: Path) -> None:
    """Download into ``folder`` what Linux pods of this CPU (``x86_64``) with ``python`` (3.13) need of all overlays of ``root``."""
    for number, lock in enumerate(sorted(root.glob("overlays/*/requirements.lock"))):
        chosen = folder.parent / f"requirements-{number}.txt"
        chosen.write_text("".join(_for(python, lock.read_text())))
        platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in (28, 27, 17)]
        command = [
            *(Path(sys.executable).with_name("uv"), "tool", "run", "pip", "download", "--quiet", "--no-deps"),
            *("--only-binary=:all:", "--require-hashes", f"--python-version={python}", *platforms),
            *("--dest", folder, "--requirement", chosen),
        ]
        environ = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def _for(python: str, lock: str) -> Iterable[str]:
    """Yield the lines of the lock whose marker holds there, without it: pip judges markers by its own Python."""
    there = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    for line in lock.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        text, *hashes = line.split(" --hash=")
        requirement = Requirement(text.strip())
        if requirement.marker is None or requirement.marker.evaluate(there):
            requirement.marker = None
            yield " --hash=".join((str(requirement), *hashes)) + "\n"


def archive(folder: Path) -> bytes:
    """Return a tar of the index."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as files:
        for wheel in sorted(folder.glob("*.whl")):
            name = canonicalize_name(parse_wheel_filename(wheel.name)[0])
            files.add(wheel, arcname=f"{name}/{wheel.name}")
    return content.getvalue()
