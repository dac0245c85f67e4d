"""Whether a release's image is proposed, by the record of its build and git's history; and pinning it."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gitops.command import Run, print_lines
from gitops.errors import BadArgument, BadManifest, ReleaseFailed
from gitops.files import set_scalars, write_all
from gitops.git import git
from gitops.github import actions
from gitops.manifests import image_interface
from gitops.manifests.image import BASE_KUSTOMIZATION, NAME, is_digest, pinned_digest
from gitops.manifests.image_interface import Interface
from gitops.release.record import read_record

# The bot's branch of the image.
BRANCH = "release/image"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="the build's record (built from this checkout)"
    )
    parser.add_argument("--branch", default=BRANCH, help=f"where the image is proposed ({BRANCH})")
    parser.add_argument("digest", metavar="sha256:…", help="digest of the image, as its registry gives it")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return print_lines(propose(root, arguments.digest, arguments.record, arguments.branch, os.environ))

    return run


def propose(
    root: Path, digest: str, record: Path | None, branch: str, environ: Mapping[str, str]
) -> Iterator[str]:
    """Pin the image ``digest`` in the checkout ``root``, or yield why not; ``changed`` is the step's output.

    Without a ``record`` the image was built from this checkout, and is pinned in any case. With one it is not pinned
    where the build's commit is not in the history of HEAD (a hotfix of another branch), where that commit is older
    than the one that is pinned or proposed on ``branch`` of origin, or where each platform's image is the pinned one:
    merging it would roll every model for nothing. Where each is the one that is proposed already, that is pinned
    again, so that the proposal stays as it is, and is opened if it was not.

    Raises:
        BadArgument: the digest or the record is invalid.
        BadManifest: base names no image of the project.
        ReleaseFailed: the clone is shallow, or git cannot say which of two commits is newer.
        NotWritten: a file cannot be written; all are as they were.
    """
    check_digest(digest)
    lines: list[str] = []
    changed = True
    if record is None:
        lines += pin(root, digest)
    else:
        built, content = read_record(record)
        require_full_history(root)
        proposal, proposed = read_proposal(root, branch) or (None, {})
        why = _superfluous(root, built, proposal, branch)
        if why:
            lines, changed = [f"nothing to propose: {why}"], False
        elif proposal is not None and proposal.manifests == built.manifests:
            lines.append(
                f"{proposal.image}: is proposed on {branch} already, with the same images as {digest}"
            )
            lines += pin(
                root, proposal.image, {key: value for key, value in proposed.items() if key != "image"}
            )
        else:
            lines += pin(root, digest, content)
    if not lines:
        lines, changed = [f"nothing to propose: {digest} is pinned already"], False
    actions.write_outputs(environ, changed=str(changed).lower())
    yield from lines


def _superfluous(root: Path, built: Interface, proposal: Interface | None, branch: str) -> str:
    """Return why the image that was built is not proposed, empty where it is."""
    if not is_ancestor(root, "HEAD", built.commit):
        return f"its commit {built.commit} is not in the history of this branch"
    has = _pinned(root)
    for other, what in ((has, "pinned"), (proposal, f"proposed on {branch}")):
        if (
            other is not None
            and other.commit != built.commit
            and is_ancestor(root, other.commit, built.commit)
        ):
            return f"its commit {built.commit} is older than {other.commit}, whose image is {what}"
    if has is not None and has.manifests == built.manifests:
        return f"each platform's image is the one that is pinned as {has.image}"
    return ""


def _pinned(root: Path) -> Interface | None:
    try:
        has = image_interface.read(root)
    except BadManifest:
        return None  # `make check` reports it, and pinning again mends it.
    return has if has is not None and has.image == pinned_digest(root) else None


def pin(root: Path, digest: str, record: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Pin the image ``digest`` below ``root``; yield a line for each file that changes.

    What the image takes is what the ``record`` of its build says (gitops.release.record), or else what the server of
    this checkout does: then the image must have been built from it.

    Raises:
        BadArgument: it is no digest that an image can have.
        BadManifest: base/kustomization.yaml names no image of the project.
        NotWritten: a file cannot be written; both are as they were.
    """
    check_digest(digest)
    file = root / BASE_KUSTOMIZATION
    text = set_scalars(
        file.read_text(encoding="utf-8"),
        ("images", ("name", NAME)),
        {"digest": digest},
        origin=BASE_KUSTOMIZATION,
    )
    written = write_all({file: text, root / image_interface.FILE: image_interface.serialize(digest, record)})
    yield from (f"{path.relative_to(root)}: written for {digest}" for path in written)


def check_digest(digest: str) -> None:
    """Check that ``digest`` can be the digest of an image.

    Raises:
        BadArgument: ``digest`` is not a digest.
    """
    if not is_digest(digest):
        raise BadArgument(
            f"image digest {digest!r}: must be sha256: and 64 digits of 0–9 and a–f, not all zeros, as the registry "
            "gives it; give it as in `make pin IMAGE_DIGEST=sha256:…`"
        )


_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def require_full_history(root: Path) -> None:
    """Check that the clone has its full history.

    Raises:
        ReleaseFailed: the clone is shallow, or this is not a git repository.
    """
    if git(root, "rev-parse", "--is-shallow-repository", fail=ReleaseFailed).strip() == "true":
        raise ReleaseFailed(
            "this clone is shallow, and which of two commits is newer stands in its history; get it with "
            "`git fetch --unshallow` (actions/checkout: fetch-depth: 0)"
        )


def is_ancestor(root: Path, commit: str, ancestor: str) -> bool:
    """Whether ``ancestor`` is ``commit`` or in its history; one that the clone does not have is in nobody's.

    Raises:
        ReleaseFailed: git cannot say.
    """
    if not (_COMMIT.fullmatch(ancestor) and (commit == "HEAD" or _COMMIT.fullmatch(commit))):
        return False
    if not (_exists(root, ancestor) and _exists(root, commit)):
        return False
    # Empty if `ancestor` has no commit that `commit` lacks.
    return not git(root, "rev-list", "--max-count=1", ancestor, f"^{commit}", fail=ReleaseFailed).strip()


def read_proposal(root: Path, branch: str) -> tuple[Interface, dict[str, Any]] | None:
    """Return what the proposal on ``branch`` of origin pins, and its content; None where there is none or none was fetched.

    Raises:
        ReleaseFailed: git cannot say.
    """
    ref = f"refs/remotes/origin/{branch}"
    if not git(root, "for-each-ref", ref, fail=ReleaseFailed).strip():
        return None
    prefix = git(root, "rev-parse", "--show-prefix", fail=ReleaseFailed).strip()
    try:
        text = git(root, "show", f"{ref}:{prefix}{image_interface.FILE}", fail=BadManifest)
        return image_interface.parse(text), json.loads(text)
    except BadManifest:
        return None  # Whatever stands there, no release wrote it.


def _exists(root: Path, commit: str) -> bool:
    try:
        git(root, "cat-file", "-e", f"{commit}^{{commit}}", fail=ReleaseFailed)
    except ReleaseFailed:
        return False
    return True
