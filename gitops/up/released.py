"""The step of the image: pinned and verified, or waited for until the pull request of its release is merged."""

from __future__ import annotations

from gitops.errors import BadArgument, GitopsError, ReleaseFailed, UpFailed
from gitops.manifests import image
from gitops.manifests.site import read_site
from gitops.release.pin import reference
from gitops.release.proposal import BRANCH
from gitops.release.verify import verify
from gitops.up.fork import Fork

POLL_SECONDS = 10.0


def pinned(fork: Fork) -> str:
    """Return which image is pinned, empty where none is yet; one of another owner is verified.

    Raises:
        BadArgument: it is to be another owner's, and nothing says which.
        ReleaseFailed: it is not what it should be.
    """
    site, digest = read_site(fork.root), image.pinned_digest(fork.root)
    if not digest and not site.builds_image:
        raise BadArgument(
            f"{site.image} is another owner's, and no digest of it is pinned: give IMAGE=…@sha256:…"
        )
    if not digest:
        return ""
    named = f"{site.image}@{digest}"
    if site.builds_image:
        return f"{named} is pinned"
    if fork.unsigned:
        return f"{named} is pinned, NOT verified: whoever may write to its registry may have made it"
    try:
        list(verify(fork.root, reference(fork.root, digest), ""))
    except (ReleaseFailed, BadArgument) as error:
        raise ReleaseFailed(f"{error}\n  or say UNSIGNED=1, and nobody looks who built {named}") from error
    return f"{named} is pinned, and of {site.builder}"


def wait(fork: Fork) -> str:
    """Wait until origin pins an image, and take that over; return what was taken over.

    Raises:
        UpFailed: it does not within the time; the message says where it is.
    """
    told = ""

    def look() -> tuple[str, str] | None:
        nonlocal told
        tip = fork.tip()
        digest = _digest_at(fork, tip) if tip else ""
        if digest:
            return tip, digest
        if (left := _left(fork)) != told:
            fork.wait.tell(f"         no image is pinned yet: {left}")
            told = left
        return None

    outcome = fork.wait.until(look, POLL_SECONDS)
    if outcome.found is None:
        left = f": {told}" if told else ""
        raise UpFailed(
            f"no image is pinned within {fork.wait.seconds / 60:.0f} minutes{left}{outcome.failure}"
        )
    tip, digest = outcome.found
    fork.git("merge", "--quiet", "--ff-only", tip)
    return f"took over {digest}, which origin pins"


def _left(fork: Fork) -> str:
    where = f"https://github.com/{fork.repository}"
    if fork.git("ls-remote", "origin", f"refs/heads/{BRANCH}").strip():
        return f"review and merge the pull request of {BRANCH} at {where}/pulls"
    return (
        f"the workflow release builds it, about half an hour ({where}/actions/workflows/release.yml); where it has no run, start "
        f"one by `gh workflow run release.yml --repo {fork.repository}`; then merge its pull request"
    )


def _digest_at(fork: Fork, commit: str) -> str:
    try:
        return image.digest_in(fork.git("show", f"{commit}:{image.BASE_KUSTOMIZATION}"))
    except GitopsError:
        return ""
