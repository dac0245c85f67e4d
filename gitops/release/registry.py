"""Pushing an image to a registry byte by byte: by its digest first, by a tag when it is signed.

By crane, which takes its credentials from where `docker login` puts them, and changes no manifest.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from gitops.command import Run, print_lines
from gitops.errors import BadArgument, ReleaseFailed
from gitops.github import actions
from gitops.manifests import image
from gitops.progress import step
from gitops.release import archive
from gitops.release.archive import INDEX, Manifest
from gitops.switch import add_switch
from gitops.tools import tool

# 300 MB by a slow network.
TIMEOUT_SECONDS = 1800
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
# https://specs.opencontainers.org/distribution-spec/#error-codes; some registries say no more than the status.
_MISSING = ("MANIFEST_UNKNOWN", "NAME_UNKNOWN", "404 Not Found")


def push_command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("repository", metavar="REPOSITORY", help="as in ghcr.io/owner/seldon-mlflow-server")
    parser.add_argument("archives", type=Path, nargs="+", metavar="ARCHIVE", help="one for each platform")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return print_lines(push(arguments.repository, arguments.archives, os.environ))

    return run


def tag_command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    add_switch(parser, "MOVE", "even if a tag is that of another image")
    parser.add_argument("reference", metavar="IMAGE@sha256:…", help="what was pushed")
    parser.add_argument("tags", nargs="+", metavar="TAG")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return print_lines(tag(arguments.reference, arguments.tags, move=arguments.move))

    return run


def push(repository: str, archives: Sequence[Path], environ: Mapping[str, str]) -> Iterator[str]:
    """Push the images of ``archives`` and an index of them to ``repository``, by digest and without a tag.

    Attestations are kept. Blobs that are there already are not sent again. The index's ``digest`` and the ``image``
    (repository@digest) are the step's outputs.

    Raises:
        BadArgument: the repository has a tag or a digest, or an archive cannot be read.
        BadManifest: a document in an archive has another shape than the specification says.
        ReleaseFailed: an archive holds no image or a broken one, or the registry refuses.
    """
    name = _repository(repository)
    found = archive.manifests(archives)
    with tempfile.TemporaryDirectory(prefix="image-push-") as scratch:
        layout = Path(scratch)
        archive.extract(found, layout)
        (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (layout / "index.json").write_bytes(content := index(found))
        target = f"{name}@sha256:{sha256(content).hexdigest()}"
        with step(f"push {target}"):
            _crane("push", "--index", str(layout), target)
    actions.write_outputs(environ, digest=image.digest(target), image=target)
    yield f"{target}: pushed for {', '.join(sorted(entry.platform for entry in found if entry.platform))}"


def index(found: Sequence[Manifest]) -> bytes:
    """Return the index of images and their attestations, sorted by platform: the same for the same manifests."""
    ordered = sorted(found, key=lambda entry: (not entry.platform, entry.platform, entry.digest))
    content = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [entry.descriptor for entry in ordered],
    }
    return json.dumps(content, indent=2).encode()


def tag(reference: str, tags: Sequence[str], *, move: bool) -> Iterator[str]:
    """Give ``reference`` (repository@digest) the ``tags``; one that it has already stays as it is.

    A tag of another index with the same images stays too: the release was run again, and only the times in its
    attestations differ. One of another image moves only where ``move`` says so.

    Raises:
        BadArgument: the reference has no digest, or a tag cannot be one.
        ReleaseFailed: a tag is that of another image, or the registry refuses.
    """
    repository, _, digest = reference.partition("@")
    if not image.is_digest(digest):
        raise BadArgument(f"IMAGE {reference!r}: must end in @sha256:…, the digest that was pushed")
    name = _repository(repository)
    for wrong in (entry for entry in tags if not _TAG.fullmatch(entry)):
        raise BadArgument(f"TAGS {wrong!r}: must be a tag: up to 128 letters, digits, ., _ and -")
    if not tags:
        raise BadArgument("TAGS: must name a tag at least, as in TAGS=v1.2.0")
    pushed = _index(f"{name}@{digest}")
    if pushed is None:
        raise ReleaseFailed(f"{name}@{digest}: is not in the registry; push it first with `make image-push`")
    for entry in tags:
        old = _index(f"{name}:{entry}")
        if old == pushed:
            yield f"{name}:{entry}: is {digest} already"
        elif old is not None and _images(old) == _images(pushed) and not move:
            yield f"{name}:{entry}: stays sha256:{sha256(old).hexdigest()}, which holds the same images"
        elif old is not None and not move:
            raise ReleaseFailed(
                f"{name}:{entry}: is sha256:{sha256(old).hexdigest()} already, another image than {digest}; name another "
                "tag, or let this one move with MOVE=1"
            )
        else:
            _crane("tag", f"{name}@{digest}", entry)
            yield f"{name}:{entry}: is {digest} now"


def _repository(reference: str) -> str:
    """Return the repository in lower case: GitHub's owners have capitals, and registries none."""
    last = reference.rpartition("/")[2]
    if not reference or ":" in last or "@" in last:
        raise BadArgument(
            f"IMAGE {reference!r}: must be a repository without a tag, as in ghcr.io/owner/{image.NAME}"
        )
    return reference.lower()


def _index(reference: str) -> bytes | None:
    """Return the manifest or index as it is in the registry, None where there is none."""
    try:
        return _crane("manifest", reference)
    except ReleaseFailed as error:
        if any(word in str(error) for word in _MISSING):
            return None
        raise


def _images(content: bytes) -> list[str]:
    """Return the digests of an index's images, without those of their attestations."""
    entries = json.loads(content).get("manifests") or ()
    return sorted(entry["digest"] for entry in entries if entry.get("platform", {}).get("os") != "unknown")


def _crane(*arguments: str) -> bytes:
    shown = f"crane {arguments[0]} {arguments[-1]}"
    try:
        done = subprocess.run(
            [tool("crane"), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            env=os.environ,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ReleaseFailed(f"{shown}: did not end within {TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        raise ReleaseFailed(f"{shown}: {' '.join(done.stderr.decode(errors='replace').split())}")
    return done.stdout
