"""What the released image is made of, as one digest: equal inputs make equal images.

The files that the Dockerfile copies for its target ``server``, the Dockerfile itself, and the packages that it
installs. Another linter in uv.lock, or another lock of the stock wrapper, is no other image.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import uv

from gitops.errors import ReleaseFailed
from gitops.git import git

FILES = ("server", "Dockerfile", ".dockerignore", "tools/bootstrap.txt")
LOCKS = ("pyproject.toml", "uv.lock")


def inputs(root: Path) -> str:
    """Return the digest (sha256, 64 hexadecimal digits) of the inputs in the work tree ``root``.

    Raises:
        ReleaseFailed: git cannot list the files, or uv cannot read the lock.
    """
    content = "\n".join([*_files(root), *_packages(root)])
    return hashlib.sha256(content.encode()).hexdigest()


def unclean(root: Path) -> str:
    """Return what git says of inputs that differ from the commit, empty where none does.

    Raises:
        ReleaseFailed: git cannot say.
    """
    paths = (*FILES, *LOCKS)
    return git(root, "status", "--porcelain", "--", *paths, fail=ReleaseFailed).strip()


def _files(root: Path) -> Iterator[str]:
    """Yield digest, mode and name of each tracked file; of its mode the Dockerfile keeps whether it can be run."""
    for name in sorted(
        filter(None, git(root, "ls-files", "-z", "--", *FILES, fail=ReleaseFailed).split("\0"))
    ):
        file = root / name
        if file.is_symlink():
            mode, content = "link", os.fsencode(file.readlink())
        elif file.is_file():
            mode, content = "run" if file.stat().st_mode & 0o111 else "file", file.read_bytes()
        else:
            continue  # Removed, and not committed yet.
        yield f"{hashlib.sha256(content).hexdigest()} {mode} {name}"


def _packages(root: Path) -> list[str]:
    """Return a line for each package that the image installs: its version, marker and hashes."""
    # As in the Dockerfile, without comments: they hold the command line and who asks for what.
    options = ("--quiet", "--frozen", "--no-dev", "--no-header", "--no-annotate")
    done = subprocess.run(
        [uv.find_uv_bin(), "export", *options, "--project", root],
        env={name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ReleaseFailed(f"{root}: uv cannot read the lock: {' '.join(done.stderr.split())}")
    lines = done.stdout.replace("\\\n", " ").splitlines()
    return sorted(" ".join([*line.split(" --hash=")[0].split(), *sorted(_hashes(line))]) for line in lines)


def _hashes(line: str) -> list[str]:
    return [part for part in line.split() if part.startswith("--hash=")]
