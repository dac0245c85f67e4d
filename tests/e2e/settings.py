"""What the environment says of a run: docs/cluster.md lists it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gitops.errors import BadArgument
from gitops.manifests.image import NAME, digest, is_digest, is_project_image
from gitops.switch import is_on
from tests.e2e.errors import E2eError
from tests.project import ROOT

_POD = "pod"
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True)
class Settings:
    """Settings of a run; an empty one was not given.

    ``tree`` is the folder with base/, components/ and overlays/, and maybe examples/.
    ``image`` and ``next_image`` are references as pods name them; ``store_in_pod`` and ``index_in_pod`` say that a pod
    of the namespace stands in for the object store and for the package index.
    """

    tree: Path = ROOT
    overlays: tuple[str, ...] = ()
    image: str = ""
    next_image: str = ""
    store_in_pod: bool = False
    index_in_pod: bool = False
    ingress_url: str = ""
    context: str = ""
    keep: bool = False
    ci: bool = False


def read(environ: Mapping[str, str]) -> Settings:
    """Return the settings in ``environ``.

    Raises:
        E2eError: one has a value that it cannot have.
    """
    for name in ("IMAGE", "NEXT_IMAGE"):
        _check_image(name, environ.get(name, ""))
    if environ.get("NEXT_IMAGE") and environ.get("NEXT_IMAGE") == environ.get("IMAGE"):
        raise E2eError("NEXT_IMAGE is IMAGE: must be another one, to roll out")
    return Settings(
        tree=_tree(environ.get("TREE", "")),
        overlays=tuple(environ.get("OVERLAYS", "").replace(",", " ").split()),
        image=environ.get("IMAGE", ""),
        next_image=environ.get("NEXT_IMAGE", ""),
        store_in_pod=_in_pod(environ, "STORE", "the models in a pod"),
        index_in_pod=_in_pod(environ, "INDEX", "the wheels of the locks in a pod"),
        ingress_url=_url(environ.get("INGRESS_URL", "")),
        context=environ.get("CONFIRM", ""),
        keep=_keep(environ.get("KEEP", "")),
        ci=_ci(environ.get("CI", "")),
    )


def _check_image(name: str, reference: str) -> None:
    if reference and not is_project_image(reference):
        raise E2eError(
            f"{name}={reference}: must be named {NAME}, by which the project's containers are known"
        )
    if "@" in reference and not is_digest(digest(reference)):
        raise E2eError(f"{name}={reference}: its digest must be sha256: and 64 digits of 0–9 and a–f")
    tag = reference.rpartition("/")[2].partition(":")[2]
    # A node asks the registry for each latest, even where the image was loaded into it.
    if reference and "@" not in reference and (tag == "latest" or not _TAG.fullmatch(tag)):
        raise E2eError(
            f"{name}={reference}: name it by digest, as in registry/name@sha256:…, or by a tag that is not latest"
        )


def _tree(path: str) -> Path:
    folder = (ROOT / path).resolve()
    if not all((folder / name).is_dir() for name in ("base", "overlays", "site")):
        raise E2eError(
            f"TREE={path}: must be a folder with base and overlays, such as tests/manifests; without it they are this "
            "repository's"
        )
    return folder


def _in_pod(environ: Mapping[str, str], name: str, meaning: str) -> bool:
    value = environ.get(name, "")
    if value not in ("", _POD):
        raise E2eError(f"{name}={value}: must be {_POD} ({meaning}) or not set")
    return value == _POD


def _keep(value: str) -> bool:
    try:
        return is_on("KEEP", value)
    except BadArgument as error:
        raise E2eError(str(error)) from error


def _ci(value: str) -> bool:
    """Return whether it is set: to whatever a tool sets it to, but for CI=false, as some want it."""
    return value.lower() not in ("", "0", "false", "no")


def _url(text: str) -> str:
    refused = E2eError(f"INGRESS_URL={text}: must be http://HOST:PORT or https://HOST, without a path")
    try:
        parts = urlsplit(text)
        # Read for its check: urlsplit itself takes any.
        _ = parts.port
    except ValueError as error:
        raise refused from error
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/")):
        raise refused
    return text.rstrip("/")
