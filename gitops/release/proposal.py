"""Whether a release's image is proposed, by the record of its build and git's history."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gitops.command import Run, print_lines
from gitops.errors import BadManifest, ReleaseFailed
from gitops.git import git
from gitops.github import actions
from gitops.manifests import image_interface
from gitops.manifests.image import pinned_digest
from gitops.manifests.image_interface import Interface
from gitops.manifests.rendered import OVERLAYS
from gitops.release.pin import check_digest, pin, reference, staying
from gitops.release.record import read_record
from gitops.release.verify import verify
from gitops.switch import add_switch

# The bot's branch of the image.
BRANCH = "release/image"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="the build's record (built from this checkout)"
    )
    parser.add_argument("--overlay", default="", metavar="NAME", help="pin it in this overlay alone")
    parser.add_argument("--branch", default=BRANCH, help=f"where the image is proposed ({BRANCH})")
    parser.add_argument("--ref", default="", help="what its release ran for (main or a tag v…)")
    add_switch(parser, "UNSIGNED", "pin it without looking for a signature and its provenance")
    parser.add_argument("digest", metavar="sha256:…", help="digest of the image, as its registry gives it")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        def verified(reference: str, own: bool) -> Iterable[str]:
            return verify(root, reference, arguments.ref if own else "")

        return print_lines(
            propose(
                root,
                arguments.digest,
                arguments.record,
                arguments.branch,
                os.environ,
                overlay=arguments.overlay,
                verified=unverified if arguments.unsigned else verified,
            )
        )

    return run


# Takes an image as it is pulled, and whether it is the one that was asked for; yields what holds, or raises.
Verify = Callable[[str, bool], Iterable[str]]


def unverified(reference: str, own: bool) -> Iterable[str]:
    """Say that nobody looked who built the image."""
    yield f"{reference}: NOT verified, for UNSIGNED says so: whoever may write to its registry may have made it"


def propose(
    root: Path,
    digest: str,
    record: Path | None,
    branch: str,
    environ: Mapping[str, str],
    *,
    overlay: str = "",
    verified: Verify | None = None,
) -> Iterator[str]:
    """Pin the image ``digest`` in the checkout ``root``, or yield why not; ``changed`` is the step's output.

    Whatever is pinned is ``verified`` first, if somebody says by what.

    In the ``overlay`` alone, if one is named, it is pinned in any case. Without a ``record`` it is what another
    interface.json of the tree or the proposal on ``branch`` says of the same digest, or else was built from this
    checkout, and it is pinned in any case. With one it is not pinned
    where the build's commit is not in the history of HEAD (a hotfix of another branch), where that commit is older
    than the one that is pinned or proposed on ``branch`` of origin, or where each platform's image is the pinned one:
    merging it would roll every model for nothing. Where each is the one that is proposed already, that is pinned
    again, so that the proposal stays as it is, and is opened if it was not.

    Raises:
        BadArgument: the digest or the record is invalid, or there is no such overlay.
        BadManifest: base names no image of the project, or the overlay's images have another layout.
        ReleaseFailed: the image is not what it should be, the clone is shallow, or git cannot say which of two commits is
            newer.
        NotWritten: a file cannot be written; all are as they were.
    """
    check_digest(digest)
    checks: list[str] = []
    lines: list[str] = []
    changed = True

    def write(chosen: str, content: Mapping[str, Any] | None) -> Iterator[str]:
        if verified is not None:
            checks.extend(verified(reference(root, chosen, overlay), chosen == digest))
        return pin(root, chosen, content, overlay)

    if record is None:
        lines += write(digest, _known(root, digest, branch, overlay))
    elif overlay:
        lines += write(digest, read_record(record)[1])
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
            lines += write(proposal.image, {key: value for key, value in proposed.items() if key != "image"})
        else:
            lines += write(digest, content)
    if not lines:
        lines, changed = [f"nothing to propose: {digest} is pinned already"], False
    if not overlay:
        lines += staying(root)
    actions.write_outputs(environ, changed=str(changed).lower())
    yield from (*checks, *lines)


def _known(root: Path, digest: str, branch: str, overlay: str) -> dict[str, Any] | None:
    """Return what is known of an image without its record: what another interface.json says of it, or the proposal."""
    own = f"{OVERLAYS}/{overlay}/{image_interface.NAME}" if overlay else image_interface.FILE
    texts = [(root / file).read_text(encoding="utf-8") for file in image_interface.files(root) if file != own]
    contents: list[Any] = []
    for text in texts:
        with suppress(ValueError):  # `make check` reports it.
            contents.append(json.loads(text))
    if (root / ".git").exists():
        contents.append((read_proposal(root, branch) or (None, {}))[1])
    for content in contents:
        if isinstance(content, dict) and content.get("image") == digest:
            return {key: value for key, value in content.items() if key != "image"}
    return None


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
