"""This fork in git: its remote, its names, its models' files, its certificate and its image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gitops import examples
from gitops.adopt import Names, adopted, buckets
from gitops.doctor.part import Part
from gitops.errors import DoctorFailed
from gitops.files import differing
from gitops.git import git, shown_url
from gitops.github import gh
from gitops.manifests import contract, image
from gitops.manifests.rendered import node_files
from gitops.manifests.site import FILE as SITE
from gitops.manifests.site import read_site
from gitops.seal import certificate
from server.environment import requirements_lock
from server.pins import expectation

GIT = "git remote"
_PROMOTED = (contract.FILE, requirements_lock.FILE, expectation.FILE)


def remote(root: Path) -> Part:
    """Return the remote origin, from which the cluster is served."""
    return Part(
        GIT,
        lambda: _remote(root),
        "make the fork on GitHub, and `git remote add origin https://github.com/OWNER/REPO`",
    )


def parts(root: Path) -> tuple[Part, ...]:
    """Return what the fork below ``root`` must say before a cluster serves it."""
    return (
        replace(remote(root), otherwise="warning"),
        Part(
            "names",
            lambda: _names(root),
            "`make adopt OWNER=… REPO=… BUCKET=…` makes the fork yours",
            GIT,
            otherwise="warning",
        ),
        Part("models", lambda: _models(root), "`make promote OVERLAY=… MODEL=…` writes them"),
        Part(
            "certificate",
            lambda: _certificate(root),
            "`make seal-cert`, then `make seal` (docs/secrets.md)",
            otherwise="warning",
        ),
        Part(
            "image",
            lambda: _image(root),
            "push to main and merge the pull request of the release, or run one that is there, which `make adopt` takes as "
            "IMAGE=…@sha256:… (docs/install.md)",
            otherwise="warning",
        ),
    )


def _remote(root: Path) -> str:
    return shown_url(git(root, "remote", "get-url", "origin", fail=DoctorFailed).strip())


def _names(root: Path) -> str:
    site = read_site(root)
    own = gh.origin(root)
    if site.repository.lower() != own.lower():
        raise DoctorFailed(f"{SITE} names {site.repository}, and the remote origin is {own}")
    owner, _, repo = site.repository.partition("/")
    bucket = next(iter(buckets(root)), "")
    digest = "" if site.builds_image else image.pinned_digest(root)
    pinned = f"{site.image}@{digest}" if digest else ""
    names = Names(owner, repo, bucket, "", pinned, site.builder if pinned else "")
    left = [path.relative_to(root).as_posix() for path in differing(adopted(root, names))]
    if left:
        raise DoctorFailed(f"other names than those of {SITE} stand in {', '.join(left)}")
    return f"all name {site.repository}"


def _models(root: Path) -> str:
    files = node_files(root)
    absent = [
        f"{file.parent.name}/{name}"
        for file in files
        for name in _PROMOTED
        if not (file.parent / name).is_file()
    ]
    if absent:
        raise DoctorFailed(f"not there: {', '.join(absent)}")
    shown = len(examples.folders(root))
    return f"{len(files)} overlays have contract, lock and answer{f'; {shown} folders are examples' if shown else ''}"


def _certificate(root: Path) -> str:
    found = certificate.read(root / certificate.FILE)
    demo = root / certificate.DEMO
    if demo.is_file() and certificate.read(demo).key == found.key:
        raise DoctorFailed(f"{certificate.FILE} is the demo's, whose key everyone has")
    return f"{certificate.FILE} is valid until {found.ends:%Y-%m-%d}"


def _image(root: Path) -> str:
    site, digest = read_site(root), image.pinned_digest(root)
    if not digest:
        raise DoctorFailed(f"no image is pinned: {site.image} is not released, so pods cannot pull it")
    return f"{site.image}@{digest} is pinned"
