"""The dependencies of a kustomization: unless one of them changes, it renders the same.

Kustomize reads files only in and below the folder of a kustomization, and other folders only as kustomizations that
it refers to (https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#kustomization-root). So the result
depends on the folder, on those it refers to, and so on; all else, such as what is fetched from afar, is not known.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path, PurePath
from typing import Any

from gitops.files import exists
from gitops.manifests.kustomization import Kustomization
from gitops.manifests.rendered import OVERLAYS
from gitops.manifests.unstructured import leaves

# Lists whose entries may be folders, or URLs in forms that look like folders (github.com/owner/name).
_FOLDERS = ("resources", "bases", "components", "generators", "transformers", "validators")
_REMOTE = re.compile(r"[A-Za-z][\w+.-]*(?:://|::)")


class Dependencies:
    """The kustomizations of a tree, by what each refers to."""

    def __init__(self, root: Path, kustomizations: Mapping[str, Kustomization]) -> None:
        self._root = root
        self._kustomizations = kustomizations
        self._contents: dict[str, str | None] = {}
        self._files: dict[str, frozenset[str]] = {}
        self._closures: dict[str, set[str]] = {}
        self._referring: dict[str, set[str]] = {}
        # All overlays refer to the same few.
        self._unknown = cache(self._refers_out)

    @cached_property
    def top_level(self) -> set[str]:
        """Folders that stand for something by themselves: overlays, and what no other kustomization refers to."""
        used = {
            os.path.normpath(PurePath(folder, text))
            for folder in self._kustomizations
            for text in self._listed(folder)
        }
        return {
            folder
            for folder, entry in self._kustomizations.items()
            if not entry.is_component
            and (PurePath(folder).parent.as_posix() == OVERLAYS or folder not in used)
        }

    def fingerprint(self, folder: str) -> str | None:
        """Return a hash of all that the result of ``folder`` depends on, or None where that is not known."""
        return None if any(self._unknown(entry) for entry in self._closure(folder)) else self.local(folder)

    def local(self, folder: str) -> str | None:
        """Return a hash of what of it is in this tree; None where that reaches out of it."""
        found = [(entry, self._content(entry)) for entry in sorted(self._closure(folder))]
        known = [(entry, content) for entry, content in found if content is not None]
        return _hash(*(part for pair in known for part in pair)) if len(known) == len(found) else None

    def files(self, folder: str) -> frozenset[str]:
        """Return the files, relative to the tree, that ``folder`` is made of as far as they are in this tree."""
        if folder not in self._files:
            found = set()
            for entry in self._closure(folder):
                if entry == "." or entry.startswith(".."):
                    continue
                for current, _, names in os.walk(self._root / entry):
                    here = Path(current).relative_to(self._root)
                    found |= {(here / name).as_posix() for name in names}
            self._files[folder] = frozenset(found)
        return self._files[folder]

    def _closure(self, folder: str) -> set[str]:
        if folder not in self._closures:
            closure, found = {folder}, [folder]
            while found:
                new = self._referred(found.pop()) - closure
                closure |= new
                found.extend(new)
            self._closures[folder] = closure
        return self._closures[folder]

    def _referred(self, folder: str) -> set[str]:
        if folder not in self._referring:
            self._referring[folder] = set(self._references(folder))
        return self._referring[folder]

    def _references(self, folder: str) -> Iterator[str]:
        """Yield the folders, relative to the tree, that the kustomization of ``folder`` may refer to."""
        for text in _strings(self._raw(folder)):
            path = os.path.normpath(PurePath(folder, text))
            # Kustomize refuses absolute paths.
            if text and not text.startswith("/") and "\n" not in text and self._is_folder(path):
                yield PurePath(path).as_posix()

    def _refers_out(self, folder: str) -> bool:
        """Whether the kustomization refers to what is not in this tree, or cannot be read."""
        raw = self._raw(folder)
        if folder in self._kustomizations and not raw:
            return True
        return any(_REMOTE.match(text) for text in _strings(raw)) or not all(
            self._exists(os.path.normpath(PurePath(folder, text))) for text in self._listed(folder)
        )

    def _listed(self, folder: str) -> list[str]:
        raw = self._raw(folder)
        return [text for key in _FOLDERS for text in _strings(raw.get(key)) if "\n" not in text]

    def _raw(self, folder: str) -> Mapping[str, Any]:
        entry = self._kustomizations.get(folder)
        return entry.raw if entry else {}

    def _exists(self, path: str) -> bool:
        # A name that no file can have is no file.
        return not path.startswith("..") and os.path.lexists(self._root / path)

    def _is_folder(self, path: str) -> bool:
        return exists(self._root / path) and (self._root / path).is_dir()

    def _content(self, folder: str) -> str | None:
        if folder not in self._contents:
            self._contents[folder] = self._read(folder)
        return self._contents[folder]

    def _read(self, folder: str) -> str | None:
        """Return a hash of the files below ``folder``; None for the whole tree, what is outside, and links to folders."""
        if folder == "." or folder.startswith(".."):
            return None
        parts = []
        for current, folders, files in os.walk(self._root / folder):
            folders.sort()
            here = Path(current)
            if any((here / name).is_symlink() for name in folders):
                return None
            for name in sorted(files):
                file = here / name
                if not file.is_file():
                    return None
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                parts += [file.relative_to(self._root).as_posix(), str(file.is_symlink()), content]
        return _hash(*parts)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _strings(value: Any) -> Iterator[str]:
    return (text for text in leaves(value) if isinstance(text, str))
