"""site/site.yaml: an object of the kind Site, never rendered, from which site/ and the commands take what differs between forks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, ValidationError

from gitops.errors import BadManifest, BuildFailed
from gitops.files import set_scalars
from gitops.manifests.documents import parse_objects, read_text
from gitops.manifests.image import NAME

FOLDER = "site"
FILE = f"{FOLDER}/site.yaml"
KIND = "Site"
SCHEMA = Path(__file__).parents[1] / "schemas" / "site.json"
# gitops.manifests.provided.
PROVIDED = "gitops.local/provided-by-cluster"
_GITHUB = re.compile(r"https://github\.com/([^/\s]+/[^/\s]+?)(?:\.git)?/?")


@dataclass(frozen=True)
class Site:
    """What the commands read of a site.yaml: ``url`` is the repository's, ``image`` has no digest.

    ``builder`` is the repository on GitHub, OWNER/REPO, whose release workflow builds and signs the image.
    ``provided`` is the annotation that names what the cluster has in the namespace.
    """

    url: str
    revision: str
    image: str
    builder: str
    namespace: str
    argocd_namespace: str
    image_pull_secret: str
    object_store_secret: str
    provided: str

    @property
    def repository(self) -> str:
        """OWNER/REPO as GitHub spells it.

        Raises:
            BadManifest: the repository is elsewhere.
        """
        found = _on_github(self.url)
        if not found:
            raise BadManifest(
                f"{FILE}: spec.repository.url is {self.url}: must be https://github.com/OWNER/REPO"
            )
        return found

    @property
    def builds_image(self) -> bool:
        """Whether the release workflow builds the image: it pushes to the repository's owner on GHCR."""
        owner = _on_github(self.url).partition("/")[0]
        return owner != "" and self.image == f"ghcr.io/{owner.lower()}/{NAME}"


def _on_github(url: str) -> str:
    """Return OWNER/REPO, empty for a repository elsewhere."""
    match = _GITHUB.fullmatch(url)
    return match[1] if match else ""


def read_site(root: Path) -> Site:
    """Read the site.yaml of the tree ``root``.

    Raises:
        BadManifest: it is not there, is not YAML, or gitops/schemas/site.json refuses it; a line for each value.
    """
    try:
        objects = parse_objects(read_text(root / FILE), origin=FILE)
    except BuildFailed as error:
        raise BadManifest(str(error).replace(f"{root}/", "")) from error
    if [entry.get("kind") for entry in objects] != [KIND]:
        raise BadManifest(f"{FILE}: must hold one object of the kind {KIND}")
    found = list(_faults(objects[0]))
    if found:
        raise BadManifest("\n".join(f"{FILE}: {fault}" for fault in found))
    spec = objects[0]["spec"]
    return Site(
        url=spec["repository"]["url"],
        revision=spec["repository"]["revision"],
        image=spec["image"],
        builder=spec.get("imageRepository") or _on_github(spec["repository"]["url"]),
        namespace=spec["namespace"],
        argocd_namespace=spec["argocd"]["namespace"],
        image_pull_secret=spec["imagePullSecret"],
        object_store_secret=spec["objectStoreSecret"],
        provided=str(objects[0]["metadata"]["annotations"].get(PROVIDED, "")),
    )


def edited(text: str, values: Mapping[tuple[str, ...], str]) -> str:
    """Return the text of a site.yaml with ``values`` by their paths below spec.

    Raises:
        BadManifest: its layout does not have a line for each of them.
    """
    places: dict[tuple[str, ...], dict[str, str]] = {}
    for (*place, key), value in values.items():
        places.setdefault(("spec", *place), {})[key] = value
    for path, scalars in places.items():
        text = set_scalars(text, path, scalars, origin=FILE)
    return text


@cache
def _validator() -> Draft7Validator:
    return Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _faults(site: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the schema refuses: the key, its value, the rule. A value's rule is its description there."""
    seen = set()
    for error in sorted(
        _validator().iter_errors(site), key=lambda error: list(map(str, error.absolute_path))
    ):
        place = ".".join(map(str, error.absolute_path))
        for fault in _messages(error, place):
            if fault not in seen:
                seen.add(fault)
                yield fault


def _messages(error: ValidationError, place: str) -> Iterator[str]:
    inside = f"{place}." if place else ""
    known: Mapping[str, Any] = error.schema.get("properties", {})
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield f"{inside}{name} is missing: {_rule(known[name])}"
    elif error.validator == "additionalProperties":
        for name in sorted(error.instance.keys() - known.keys(), key=str):
            yield f"{inside}{name} is unknown: correct or remove it; {place or 'the object'} has {', '.join(known)}"
    else:
        yield f"{place or 'the object'} is {error.instance!r}: {_rule(error.schema)}"


def _rule(schema: Mapping[str, Any]) -> str:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: Mapping[str, Any] = _validator().schema["definitions"][name] if name else schema
    return str(found["description"])
