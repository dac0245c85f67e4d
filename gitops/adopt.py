"""``python -m gitops adopt``: rename the repository, its image and the models' bucket wherever the tree names them.

The old names are read where they are configured, and looked for in every file that git tracks, so no list of places
can go stale. Tests are left alone: they run on manifests of their own, tests/manifests.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from gitops.command import Run, print_lines
from gitops.errors import AdoptionFailed, BadArgument, BadManifest
from gitops.files import write_all
from gitops.git import tracked_files
from gitops.manifests import graphnode, image
from gitops.manifests.image import BASE_KUSTOMIZATION
from gitops.manifests.rendered import OVERLAYS, node_files

REPOSITORY = "argocd/repository.yaml"
TESTS = "tests/"
# https://docs.github.com/en/admin/managing-iam/iam-configuration-reference/username-considerations-for-external-authentication
_OWNER = re.compile(r"(?=.{1,39}$)[A-Za-z0-9]+(-[A-Za-z0-9]+)*(_[A-Za-z0-9]+)?")
_REPO = re.compile(r"(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_URL = re.compile(r"https://github\.com/([^/\s]+/[^/\s]+?)(?:\.git)?/?")
_USE = "give it as in `make adopt OWNER=acme REPO=models BUCKET=acme-models`"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("owner", metavar="OWNER", help="account of GitHub")
    parser.add_argument("repo", metavar="REPO", help="its repository")
    parser.add_argument("bucket", metavar="BUCKET", help="S3 bucket that models are fetched from")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return print_lines(adopt(root, arguments.owner, arguments.repo, arguments.bucket))

    return run


def adopt(root: Path, owner: str, repo: str, bucket: str) -> Iterator[str]:
    """Name ``owner``/``repo`` on GitHub, its image on GHCR and ``bucket`` wherever the tree below ``root`` names others.

    GHCR has lower-case names only, so the image's owner is written so. Yields a line for each file that changes.

    Raises:
        BadArgument: a name cannot be one.
        BadManifest: a place that configures the old name does not have one.
        AdoptionFailed: git cannot list its files, or the models are in several buckets.
        NotWritten: a file cannot be written; all are as they were.
    """
    _check("OWNER", owner, _OWNER, "an account of GitHub: up to 39 letters, digits and single - between them")
    _check("REPO", repo, _REPO, "a repository of GitHub: up to 100 letters, digits, ., - and _, without .git")
    _check(
        "BUCKET", bucket, _BUCKET, "a bucket: 3 to 63 of a–z, 0–9, . and -, a letter or digit first and last"
    )
    names = {
        repository(root): f"{owner}/{repo}",
        _image(root): f"ghcr.io/{owner.lower()}/{image.NAME}",
        **{f"s3://{old}": f"s3://{bucket}" for old in _bucket(root)},
    }
    # Whole names: no part of a longer one.
    found = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, names))})(?![\w-]|\.\w)")
    texts = {}
    for name in tracked_files(root, fail=AdoptionFailed):
        if name.startswith(TESTS):
            continue
        path = root / name
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # Not a text.
        texts[path] = found.sub(lambda match: names[match[1]], text)
    yield from (f"{path.relative_to(root)}: written" for path in write_all(texts))


def _check(variable: str, value: str, rule: re.Pattern[str], words: str) -> None:
    if not rule.fullmatch(value):
        raise BadArgument(f"{variable} {value!r}: must be the name of {words}; {_USE}")


def repository(root: Path) -> str:
    """Return OWNER/REPO as GitHub spells it.

    Raises:
        BadManifest: argocd/repository.yaml has no such address.
    """
    url = str((_read(root, REPOSITORY).get("data") or {}).get("url"))
    match = _URL.fullmatch(url)
    if match is None:
        raise BadManifest(f"{REPOSITORY}: data.url is {url}: must be https://github.com/OWNER/REPO")
    return match[1]


def _image(root: Path) -> str:
    for entry in _read(root, BASE_KUSTOMIZATION).get("images") or []:
        if entry.get("name") == image.NAME and entry.get("newName"):
            return str(entry["newName"])
    raise BadManifest(
        f"{BASE_KUSTOMIZATION}: images has no newName of {image.NAME}; write one, as in ghcr.io/owner/{image.NAME}"
    )


def _bucket(root: Path) -> set[str]:
    """Return the one bucket that models are fetched from; none where none comes from S3."""
    uris = {}
    for file in node_files(root):
        found = graphnode.read_node(file.parent)
        if found is not None and found.model_uri.startswith("s3://"):
            uris[found.model_uri.removeprefix("s3://").partition("/")[0]] = f"{OVERLAYS}/{file.parent.name}"
    if len(uris) > 1:
        listed = ", ".join(f"{bucket} ({overlay})" for bucket, overlay in uris.items())
        raise AdoptionFailed(
            f"models are in several buckets already: {listed}; nothing is changed: promote each model where it is now"
        )
    return set(uris)


def _read(root: Path, path: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load((root / path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BadManifest(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
    return found if isinstance(found, dict) else {}
