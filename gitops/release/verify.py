"""Verifying an image: that the release workflow of the repository that site.yaml names made it, of main or of a tag v….

https://docs.sigstore.dev/cosign/verifying/verify/ and https://cli.github.com/manual/gh_attestation_verify
"""

from __future__ import annotations

import argparse
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from gitops.command import Run, print_lines
from gitops.errors import BadArgument, ReleaseFailed
from gitops.manifests import image
from gitops.manifests.image import pins
from gitops.manifests.kustomization import kustomizations
from gitops.manifests.site import FILE as SITE
from gitops.manifests.site import Site, read_site
from gitops.progress import step

ISSUER = "https://token.actions.githubusercontent.com"
WORKFLOW = ".github/workflows/release.yml"
MAIN = "refs/heads/main"
TIMEOUT_SECONDS = 120
_REFS = re.compile(r"refs/heads/main|refs/tags/v[A-Za-z0-9._+-]+")


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("--ref", default="", help="what the release ran for (main or a tag v…)")
    parser.add_argument("reference", nargs="?", default="", metavar="IMAGE@sha256:…")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return print_lines(verify(root, arguments.reference, arguments.ref))

    return run


def verify(root: Path, reference: str, ref: str) -> Iterator[str]:
    """Verify signature and attestation of ``reference``, else of each image that base or an overlay pins; yield what holds.

    Both must name the release workflow of the repository that builds the image by site.yaml, as GitHub spells it: this one,
    or spec.imageRepository. ``ref`` is what it ran for, where it is known: a tag as in refs/tags/v1.2.0. Without it the signature's may be main or a tag,
    the attestation's main.

    Raises:
        BadArgument: the reference has no digest, ``ref`` is another branch's, or there is no cosign or gh.
        BadManifest: base or site.yaml does not say which image or repository.
        ReleaseFailed: the signature or the attestation is missing, or another workflow's.
    """
    site = read_site(root)
    pinned = f"{site.image}@{image.pinned_digest(root)}"
    targets = (
        [reference] if reference else list(dict.fromkeys([pinned, *pins(kustomizations(root)).values()]))
    )
    for target in (entry.lower() for entry in targets):
        yield from _verify(site, target, ref)


def _verify(site: Site, target: str, ref: str) -> Iterator[str]:
    if not image.is_digest(image.digest(target)):
        raise BadArgument(
            f"IMAGE {target!r}: must end in the digest of a released image, as in ghcr.io/owner/{image.NAME}@sha256:…"
        )
    if ref and not _REFS.fullmatch(ref):
        raise BadArgument(f"REF {ref!r}: must be {MAIN} or refs/tags/v…, what a release runs for")
    name = site.builder or site.repository
    workflow = f"https://github.com/{name}/{WORKFLOW}"
    identity = (
        ("--certificate-identity", f"{workflow}@{ref}")
        if ref
        else ("--certificate-identity-regexp", rf"^{re.escape(workflow)}@refs/(heads/main|tags/v[^/]+)$")
    )
    try:
        _run("cosign", "verify", "--certificate-oidc-issuer", ISSUER, *identity, "--output", "text", target)
    except ReleaseFailed as error:
        raise ReleaseFailed(
            f"{target}: is not signed by {name}/{WORKFLOW}, whose image it is by {SITE}; if another repository built it, name "
            f"that one there (spec.imageRepository)\n  {error}"
        ) from error
    yield f"{target}: signed by {name}/{WORKFLOW} at {ref or f'{MAIN} or a tag v…'}"
    source = ref or MAIN
    attested = (
        "--signer-workflow",
        f"{name}/{WORKFLOW}",
        "--source-ref",
        source,
        "--deny-self-hosted-runners",
    )
    _run("gh", "attestation", "verify", f"oci://{target}", "--repo", name, *attested)
    yield f"{target}: built by {name}/{WORKFLOW} from {source}"


_FIXES = {
    "cosign": "install cosign 3 (https://docs.sigstore.dev/cosign/system_config/installation/)",
    "gh": "install GitHub's command line tool (https://cli.github.com)",
}
_HINTS = {
    "cosign": "cosign 3 reads the signature as the release writes it, cosign 2.6 with --new-bundle-format",
    "gh": "if a tag's release built it, say which: REF=refs/tags/v…; most plans have no attestations of private "
    "repositories",
}


def _run(command: str, *arguments: str) -> None:
    try:
        with step(f"ask {command} who built it"):
            done = subprocess.run(
                [command, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
    except FileNotFoundError as error:
        raise BadArgument(f"{command}: no such command; {_FIXES[command]}") from error
    except subprocess.TimeoutExpired as error:
        raise ReleaseFailed(f"{command}: no answer after {TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        message = " ".join((done.stderr or done.stdout).split())
        raise ReleaseFailed(f"{command} says: {message} ({_HINTS[command]})")
