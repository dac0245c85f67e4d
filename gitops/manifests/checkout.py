"""A checkout of the repository: its kustomizations, each rendered at most once."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from gitops.errors import BadManifest, BuildFailed
from gitops.manifests.dependencies import Dependencies
from gitops.manifests.kustomization import Kustomization, kustomizations
from gitops.manifests.rendered import Rendered, render

# What a folder comes to: None where there is no kustomization on that side.
FolderResult = Rendered | BuildFailed | BadManifest | None


# Rendered folders by the fingerprint of their inputs.
_RENDERED: dict[tuple[str, str | None], Rendered] = {}
_MOST_KEPT = 1_000


class Checkout:
    """A tree of manifests in the folder ``root``, and how messages name it."""

    def __init__(self, title: str, root: Path) -> None:
        self.title = title
        self.root = root.resolve()
        self._outcomes: dict[str, FolderResult] = {}

    @cached_property
    def kustomizations(self) -> dict[str, Kustomization]:
        """The kustomizations of the tree by their folder."""
        return {entry.folder: entry for entry in kustomizations(self.root)}

    @cached_property
    def inputs(self) -> Dependencies:
        """What the kustomizations depend on."""
        return Dependencies(self.root, self.kustomizations)

    def outcome(self, folder: str) -> FolderResult:
        """Return what ``folder`` comes to on this side, rendered once."""
        if folder not in self._outcomes:
            entry = self.kustomizations.get(folder)
            whole = entry is not None and not entry.is_component
            self._outcomes[folder] = self._rendered(folder) if whole else None
        return self._outcomes[folder]

    def _rendered(self, folder: str) -> FolderResult:
        """Return what ``folder`` comes to; of equal inputs on both sides it is rendered once."""
        content = self.inputs.fingerprint(folder)
        key = (folder, content)
        if content is None or key not in _RENDERED:
            outcome = render(self.root, folder)
            if content is None or not isinstance(outcome, Rendered):
                # A failure names the tree in its text.
                return outcome
            if len(_RENDERED) >= _MOST_KEPT:
                _RENDERED.clear()
            _RENDERED[key] = outcome
        return _RENDERED[key]

    def words(self, error: Exception) -> str:
        """Return the text of an error, with paths relative to the tree."""
        return str(error).replace(f"{self.root}/", "").replace(str(self.root), ".")
