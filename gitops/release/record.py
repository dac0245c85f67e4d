"""The record of a build: its commit, its inputs, its images' digests, and what the image takes.

The build writes it in its checkout; whoever pins the image reads it in another one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gitops.errors import BadArgument, BadManifest, ReleaseFailed
from gitops.files import write_all
from gitops.git import git
from gitops.manifests import image, image_interface
from gitops.manifests.image_interface import Interface
from gitops.release import archive, inputs
from server.interface import interface as own


def record(root: Path, output: Path, archives: Sequence[Path]) -> str:
    """Write the record of ``archives``, which were built from the checkout ``root``, to ``output``; say what of.

    Raises:
        BadArgument: an archive cannot be read.
        BadManifest: a document in one has another shape than the specification says.
        ReleaseFailed: an archive holds no image, or what it is made of differs from the commit.
        NotWritten: ``output`` cannot be written.
    """
    changed = inputs.unclean(root)
    if changed:
        raise ReleaseFailed(
            f"{root}: what the image is made of differs from the commit; commit it first:\n{changed}"
        )
    commit = git(root, "rev-parse", "HEAD", fail=ReleaseFailed).strip()
    digests = {entry.platform: entry.digest for entry in archive.manifests(archives) if entry.platform}
    content = {"commit": commit, "inputs": inputs.inputs(root), "manifests": digests, **own()}
    write_all({output: json.dumps(content, indent=2, ensure_ascii=False) + "\n"})
    return f"{output}: written for {commit}: {', '.join(sorted(digests))}"


def read(file: Path) -> tuple[Interface, dict[str, Any]]:
    """Return the record in ``file``, and its content as it stands there.

    Raises:
        BadArgument: there is no such file, or it is none that `make release-record` writes.
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
