"""The record of a build: its commit, the digest of its inputs, its images' digests, and the interface of the image.

The build writes it in its checkout; whoever pins the image reads it in another one. Equal inputs make equal images: the files
that the Dockerfile copies for its target ``server``, the Dockerfile itself, and the packages that it installs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import uv

from gitops.command import Run, print_lines
from gitops.errors import BadArgument, BadManifest, ReleaseFailed
from gitops.files import write_all
from gitops.git import git
from gitops.manifests import image, image_interface
from gitops.manifests.image_interface import Interface
from gitops.release import archive
from server.image_interface import interface as own


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("output", type=Path, metavar="FILE", help="the record, in JSON")
    parser.add_argument("archives", type=Path, nargs="+", metavar="ARCHIVE", help="OCI archives of the build")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return print_lines([record(root, arguments.output, arguments.archives)])

    return run


def record(root: Path, output: Path, archives: Sequence[Path]) -> str:
    """Write the record of ``archives``, which were built from the checkout ``root``, to ``output``; say what of.

    Raises:
        BadArgument: an archive cannot be read.
        BadManifest: a document in one has another shape than the specification says.
        ReleaseFailed: an archive holds no image, or what it is made of differs from the commit.
        NotWritten: ``output`` cannot be written.
    """
    changed = uncommitted_inputs(root)
    if changed:
        raise ReleaseFailed(
            f"{root}: what the image is made of differs from the commit; commit it first:\n{changed}"
        )
    commit = git(root, "rev-parse", "HEAD", fail=ReleaseFailed).strip()
    digests = {entry.platform: entry.digest for entry in archive.manifests(archives) if entry.platform}
    content = {"commit": commit, "inputs": build_inputs(root), "manifests": digests, **own()}
    write_all({output: json.dumps(content, indent=2, ensure_ascii=False) + "\n"})
    return f"{output}: written for {commit}: {', '.join(sorted(digests))}"


def read_record(file: Path) -> tuple[Interface, dict[str, Any]]:
    """Return the record in ``file``, and its content as it stands there.

    Raises:
        BadArgument: there is no such file, or `make release-record` did not write it.
    """
    fix = "name the file that `make release-record` wrote"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        parsed = image_interface.from_content("the record", content if isinstance(content, dict) else {})
    except (OSError, ValueError, BadManifest) as error:
        raise BadArgument(f"RECORD {str(file)!r}: cannot be read ({error}); {fix}") from error
    for name, value in (
        ("commit", parsed.commit),
        ("inputs", parsed.inputs),
        ("manifests", parsed.manifests),
    ):
        if not value:
            raise BadArgument(f"RECORD {str(file)!r}: has no {name}; {fix}")
    wrong = [digest for digest in parsed.manifests.values() if not image.is_digest(digest)]
    if wrong:
        raise BadArgument(f"RECORD {str(file)!r}: {wrong[0]!r} is no digest; {fix}")
    return parsed, content


INPUT_FILES = ("server", "Dockerfile", ".dockerignore", "tools/bootstrap.txt")
INPUT_LOCKS = ("pyproject.toml", "uv.lock")


def build_inputs(root: Path) -> str:
    """Return the digest (sha256, 64 hexadecimal digits) of the inputs in the work tree ``root``.

    Raises:
        ReleaseFailed: git cannot list the files, or uv cannot read the lock.
    """
    content = "\n".join([*_files(root), *_packages(root)])
    return hashlib.sha256(content.encode()).hexdigest()


def uncommitted_inputs(root: Path) -> str:
    """Return what git says of inputs that differ from the commit, empty where none does.

    Raises:
        ReleaseFailed: git cannot say.
    """
    paths = (*INPUT_FILES, *INPUT_LOCKS)
    return git(root, "status", "--porcelain", "--", *paths, fail=ReleaseFailed).strip()


def _files(root: Path) -> Iterator[str]:
    """Yield digest, mode and name of each tracked file; of its mode the Dockerfile keeps whether it can be run."""
    for name in sorted(
        filter(None, git(root, "ls-files", "-z", "--", *INPUT_FILES, fail=ReleaseFailed).split("\0"))
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
