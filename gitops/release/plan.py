"""Whether a commit needs a new image, or an existing one was built from the same inputs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gitops.command import Item, Run, add_json, print_lines, write_json
from gitops.errors import BadManifest
from gitops.github import actions
from gitops.manifests import image_interface
from gitops.manifests.image import pinned_digest
from gitops.manifests.image_interface import Interface
from gitops.manifests.site import FILE as SITE
from gitops.manifests.site import Site, read_site
from gitops.release.proposal import BRANCH, read_proposal
from gitops.release.record import build_inputs
from gitops.switch import is_on


@dataclass(frozen=True)
class Plan:
    """Whether to ``build`` and why; the ``image`` that is made of the same where not to. Its string is a line for a person."""

    build: bool
    why: str
    image: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{'build' if self.build else 'nothing to build'}: {self.why}"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("--branch", default=BRANCH, help=f"where the image is proposed ({BRANCH})")
    add_json(parser)

    def run(arguments: argparse.Namespace, root: Path) -> int:
        found = plan(root, arguments.branch, os.environ)
        if not arguments.json:
            return print_lines([str(found)])
        name = "build" if found.build else "nothing to build"
        write_json(
            "release-plan", [Item("note", name, "image", found.why, more=found.outputs)], sys.stdout, ok=True
        )
        return 0

    return run


def plan(root: Path, branch: str, environ: Mapping[str, str]) -> Plan:
    """Return whether the image of the checkout ``root`` must be built, and write the outputs of the workflow's step.

    These are ``build`` (true or false), ``digest`` (the pinned image's, empty while none is), ``image`` (the digest
    of the image that is made of the same, empty where it must be built), ``inputs``, ``reference`` (the pinned
    image as it is pulled, empty while none is), and ``void`` (true where the pinned
    image is made of the same and ``branch`` of origin proposes another one, whose change was taken back since).
    REBUILD=1 builds in any case, except where site.yaml names an image that this repository does not build.

    Raises:
        BadArgument: REBUILD has a value that a switch cannot have.
        BadManifest: site.yaml is not valid, base names no image of the project, or `make pin` did not write its interface.
        ReleaseFailed: git or uv cannot say what the image is made of.
    """
    rebuild = is_on("REBUILD", environ.get("REBUILD", ""))
    site = read_site(root)
    digest, own = pinned_digest(root), build_inputs(root)
    proposal, _ = read_proposal(root, branch) or (None, {})
    proposed = proposal is not None and proposal.image not in ("", digest)
    found = _plan(root, site, digest, own, proposal if proposed else None, rebuild)
    outputs = {
        "build": str(found.build).lower(),
        "digest": digest,
        "image": found.image,
        "inputs": own,
        "reference": f"{site.image}@{digest}" if digest else "",
        "void": str(proposed and bool(digest) and found.image == digest).lower(),
    }
    actions.write_outputs(environ, **outputs)
    return replace(found, outputs=outputs)


def _plan(root: Path, site: Site, digest: str, own: str, proposal: Interface | None, rebuild: bool) -> Plan:
    if not site.builds_image:
        return Plan(False, f"{SITE} names an image of another repository, {site.image}")
    if rebuild:
        return Plan(True, "REBUILD is set")
    if proposal is not None and proposal.inputs == own:
        return Plan(
            False,
            f"{proposal.image}, which is proposed, is made of the same (REBUILD=1 builds)",
            proposal.image,
        )
    if not digest:
        return Plan(True, "base/ pins no released image")
    try:
        has = image_interface.read(root)
    except BadManifest as error:
        return Plan(True, f"what the pinned image is made of is unknown: {error}")
    if has is None or has.image != digest or not has.inputs:
        return Plan(
            True, f"what the pinned image {digest} is made of is unknown: {image_interface.FILE} does not say"
        )
    if has.inputs != own:
        return Plan(True, f"what the image is made of differs from the pinned image {digest}")
    return Plan(False, f"the pinned image {digest} is made of the same", digest)
