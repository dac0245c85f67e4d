"""The interface of a pinned image, which lies beside its digest: verbs, settings, parameters, annotations.

That of the image that base pins is base/interface.json; an overlay that pins one of its own has an interface.json too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import BadManifest
from gitops.manifests.rendered import BASE, OVERLAYS
from gitops.manifests.unstructured import Unstructured
from server.image_interface import interface

NAME = "interface.json"
FILE = f"{BASE}/{NAME}"


@dataclass(frozen=True)
class Verb:
    """A verb: its ``arguments`` in order, and its ``options`` with the name of their value, empty for a switch."""

    arguments: tuple[str, ...]
    options: Mapping[str, str]


@dataclass(frozen=True)
class Interface:
    """What an image takes (server.image_interface). ``image`` is its digest, empty for that of a tree.

    Where its release says so, ``commit`` and ``inputs`` (gitops.release.record) are what it was built from, and
    ``manifests`` the digests of its images by their platform, as in linux/arm64.
    """

    image: str
    commit: str
    inputs: str
    manifests: Mapping[str, str]
    verbs: Mapping[str, Verb]
    settings: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, tuple[str, ...]]
    annotations: frozenset[str]


def own() -> Interface:
    """Return the interface of the server in this tree."""
    return from_content("server/image_interface.py", interface())


def files(root: Path) -> list[str]:
    """Return the paths of the interfaces below ``root``: that of base, if it is there, then those of overlays."""
    found = [root / FILE, *sorted((root / OVERLAYS).glob(f"*/{NAME}"))]
    return [file.relative_to(root).as_posix() for file in found if file.is_file()]


def read(root: Path, file: str = FILE) -> Interface | None:
    """Return the interface that `make pin` wrote to ``file`` below ``root``, or None where there is none.

    Raises:
        BadManifest: `make pin` did not write the file.
    """
    if not (root / file).is_file():
        return None
    return parse((root / file).read_text(encoding="utf-8"), file)


def parse(content: str, file: str = FILE) -> Interface:
    """Parse the text of ``file``, an interface.json.

    Raises:
        BadManifest: `make pin` did not write the text.
    """
    try:
        found = json.loads(content)
    except ValueError as error:
        raise BadManifest(f"{file}: is not JSON ({error}); write it again with `make pin`") from error
    if not isinstance(found, dict):
        raise BadManifest(f"{file}: must be an object; write it again with `make pin`")
    return from_content(file, found)


def serialize(image: str, content: Mapping[str, Any] | None = None) -> str:
    """Return the file for the image with the digest ``image``: of a build's record, or else of this tree."""
    return json.dumps({"image": image, **(content or interface())}, indent=2, ensure_ascii=False) + "\n"


def from_content(owner: str, content: Mapping[str, Any]) -> Interface:
    """Return ``content`` as an interface; messages name it ``owner``.

    Raises:
        BadManifest: a value has another type than it must have.
    """
    root = Unstructured(owner, "", content)
    verbs = root.part("verbs")
    return Interface(
        image=root.text("image", ""),
        commit=root.text("commit", ""),
        inputs=root.text("inputs", ""),
        manifests=root.mapping("manifests"),
        verbs={name: _verb(verbs.part(name)) for name in verbs.raw},
        settings=_choices(root.part("settings")),
        parameters=_choices(root.part("parameters")),
        annotations=frozenset(root.texts("annotations")),
    )


def _verb(part: Unstructured) -> Verb:
    options = part.part("options")
    return Verb(part.texts("arguments"), {name: options.text(name, "") for name in options.raw})


def _choices(part: Unstructured) -> dict[str, tuple[str, ...]]:
    return {name: part.texts(name) for name in part.raw}
