"""``python -m gitops adopt``: write site.yaml, and rename the repository, its image and the models' bucket wherever else the tree names them.

The old names are read where they are configured, and looked for in every file that git tracks, so no list of places
can go stale. Code and its tests are left alone: they run on manifests of their own, tests/manifests.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gitops import examples
from gitops.command import Run, print_lines
from gitops.errors import AdoptionFailed, BadArgument
from gitops.files import write_all
from gitops.git import tracked_files
from gitops.manifests import graphnode, image, image_interface, site
from gitops.manifests.rendered import OVERLAYS, node_files
from gitops.manifests.site import Site, read_site
from gitops.release.pin import check_digest, pinned, staying

CODE = ("gitops/", "tests/")
# https://docs.github.com/en/admin/managing-iam/iam-configuration-reference/username-considerations-for-external-authentication
_OWNER = re.compile(r"(?=.{1,39}$)[A-Za-z0-9]+(-[A-Za-z0-9]+)*(_[A-Za-z0-9]+)?")
_REPO = re.compile(r"(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
_NAMESPACE = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_IMAGE = re.compile(rf"([a-z0-9.-]+(?::[0-9]+)?/(?:[a-z0-9._-]+/)*{image.NAME})@(sha256:[0-9a-f]{{64}})")
_BUCKET_RULE = "a bucket: 3 to 63 of a–z, 0–9, . and -, a letter or digit first and last"
_GHCR = re.compile(rf"ghcr\.io/([a-z0-9_-]+)/{image.NAME}")
_USE = "give it as in `make adopt OWNER=acme REPO=models BUCKET=acme-models`"


@dataclass(frozen=True)
class Names:
    """What a fork is to be called: ``owner``/``repo`` on GitHub, the ``bucket`` of its models, the deployments' ``namespace``.

    ``image`` is one by digest that is not built here, ``builder`` the repository whose release workflow built it. An empty
    bucket or namespace stays as it is, an empty image is the fork's own, and an empty builder follows from the image's owner.
    """

    owner: str
    repo: str
    bucket: str
    namespace: str = ""
    image: str = ""
    builder: str = ""


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    examples.add_option(parser)
    add_options(parser)
    parser.add_argument("owner", metavar="OWNER", help="account of GitHub")
    parser.add_argument("repo", metavar="REPO", help="its repository")
    parser.add_argument("bucket", metavar="BUCKET", help="S3 bucket that models are fetched from")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        _check("BUCKET", arguments.bucket, _BUCKET, _BUCKET_RULE)
        names = Names(
            arguments.owner,
            arguments.repo,
            arguments.bucket,
            arguments.namespace,
            arguments.image,
            arguments.image_repository,
        )
        found = adopt(root, names)
        rest = examples.upload(root) if arguments.examples else examples.remove(root)
        return print_lines(line for lines in (found, rest) for line in lines)

    return run


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that need not be given."""
    parser.add_argument("--namespace", default="", help="where the deployments run (as site.yaml says)")
    parser.add_argument(
        "--image",
        default="",
        metavar="NAME@sha256:…",
        help="run this image, and build none (one of the repository's own)",
    )
    parser.add_argument(
        "--image-repository",
        default="",
        metavar="OWNER/REPO",
        help="whose release workflow built that image (the image's owner's)",
    )


def adopt(root: Path, names: Names) -> Iterator[str]:
    """Name what ``names`` says wherever the tree below ``root`` names others; all files are written, or none.

    GHCR has lower-case names only, so the image's owner is written so. Where an image is given, that one is named and
    pinned; else the digest of another repository's image is pinned no more. Yields a line for each file that changes, and
    for what is left to do.

    Raises:
        BadArgument: a name cannot be one.
        BadManifest: site.yaml is not valid, names a repository that is not on GitHub, or base has another layout.
        AdoptionFailed: git cannot list its files, or the models are in several buckets.
        NotWritten: a file cannot be written; all are as they were.
    """
    texts = adopted(root, names)
    before, digest = read_site(root), image.digest(names.image)
    written = write_all(texts)
    now = read_site(root)
    pins = digest or now.image != before.image
    for path in written:
        name = path.relative_to(root).as_posix()
        if texts[path] is None:
            yield f"{name}: removed"
        elif not pins or name not in (image.BASE_KUSTOMIZATION, image_interface.FILE):
            yield f"{name}: written"
        elif digest:
            yield f"{name}: written for {digest}"
        else:
            yield f"{name}: pins no image until one is released"
    if pins:
        yield from staying(root)
    if digest and not now.builds_image:
        yield f"releases build no image as long as {site.FILE} names this one of another owner"
        yield f"it is to be one of {now.builder}, which `make image-verify` verifies"
    if now.namespace != before.namespace:
        yield (
            f"secrets are sealed for the namespace {before.namespace}: seal them again for {now.namespace} (`make seal`)"
        )


def adopted(root: Path, names: Names) -> dict[Path, str | None]:
    """Return the texts that the files of the tree below ``root`` have under ``names``; None is a file that goes.

    Raises:
        BadArgument, BadManifest, AdoptionFailed: as of ``adopt``.
    """
    _check(
        "OWNER",
        names.owner,
        _OWNER,
        "an account of GitHub: up to 39 letters, digits and single - between them",
    )
    _check(
        "REPO",
        names.repo,
        _REPO,
        "a repository of GitHub: up to 100 letters, digits, ., - and _, without .git",
    )
    if names.bucket:
        _check("BUCKET", names.bucket, _BUCKET, _BUCKET_RULE)
    if names.namespace:
        _check("NAMESPACE", names.namespace, _NAMESPACE, "a namespace: up to 63 of a–z, 0–9 and -")
    owner, _, repo = names.builder.partition("/")
    if names.builder and not (_OWNER.fullmatch(owner) and _REPO.fullmatch(repo)):
        raise BadArgument(
            f"IMAGE_REPOSITORY {names.builder!r}: must be OWNER/REPO on GitHub, as in upstream/models: whose release "
            "workflow built the image"
        )
    found = _IMAGE.fullmatch(names.image)
    if names.image and found is None:
        raise BadArgument(
            f"IMAGE {names.image!r}: must be an image by its digest, as in ghcr.io/owner/{image.NAME}@sha256:…; {_USE}"
        )
    if found:
        check_digest(found[2])
    before = read_site(root)
    named = found[1] if found else f"ghcr.io/{names.owner.lower()}/{image.NAME}"
    repository = f"{names.owner}/{names.repo}"
    renamed = {
        before.repository: repository,
        before.image: named,
        **{f"s3://{old}": f"s3://{names.bucket}" for old in buckets(root) if names.bucket},
    }
    texts = dict(_renamed(root, renamed))
    values = {("repository", "url"): f"https://github.com/{repository}", ("image",): named}
    if names.namespace:
        values[("namespace",)] = names.namespace
    builder = names.builder or (_builder(before, named) if found else repository)
    if builder != repository or before.builder != before.repository:
        values[("imageRepository",)] = builder
    file = root / site.FILE
    texts[file] = site.edited(texts.get(file) or file.read_text(encoding="utf-8"), values)
    if named != before.image or (found and found[2] != image.pinned_digest(root)):
        texts |= pinned(root, found[2] if found else "", text=texts.get(root / image.BASE_KUSTOMIZATION))
    return texts


def _renamed(root: Path, names: Mapping[str, str]) -> Iterator[tuple[Path, str | None]]:
    """Yield each text that git tracks with the new names in it."""
    # Whole names: no part of a longer one.
    old = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, names))})(?![\w-]|\.\w)")
    for name in tracked_files(root, fail=AdoptionFailed):
        if name.startswith(CODE):
            continue
        path = root / name
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # Not a text.
        yield path, old.sub(lambda match: names[match[1]], text)


def _builder(before: Site, named: str) -> str:
    """Return the repository that builds the image ``named``: GHCR says its owner, and forks keep their upstream's name."""
    owner, _, repo = before.builder.partition("/")
    found = _GHCR.fullmatch(named)
    return before.builder if found is None or found[1] == owner.lower() else f"{found[1]}/{repo}"


def _check(variable: str, value: str, rule: re.Pattern[str], words: str) -> None:
    if not rule.fullmatch(value):
        raise BadArgument(f"{variable} {value!r}: must be the name of {words}; {_USE}")


def buckets(root: Path) -> set[str]:
    """Return the bucket that is a fork's to name: of the examples, else the one that all models are fetched from.

    None where no model comes from S3, or where own models come from several: each is promoted where it lies.

    Raises:
        AdoptionFailed: the examples are in several.
    """
    uris = {}
    shown = {entry.folder for entry in examples.found(root)}
    for file in node_files(root):
        found, folder = graphnode.read_node(file.parent), f"{OVERLAYS}/{file.parent.name}"
        if found is not None and found.model_uri.startswith("s3://") and (not shown or folder in shown):
            uris[found.model_uri.removeprefix("s3://").partition("/")[0]] = folder
    if len(uris) > 1 and shown:
        listed = ", ".join(f"{bucket} ({overlay})" for bucket, overlay in uris.items())
        raise AdoptionFailed(
            f"the examples' models are in several buckets already: {listed}; nothing is changed: promote each where it is now"
        )
    return set(uris) if len(uris) == 1 else set()
