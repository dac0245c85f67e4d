"""What the report says besides what changes: what was compared by what, and what the check says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitops.diff.applied import ApplicationChange, Applied, application_changes
from gitops.diff.context import Context
from gitops.diff.findings import Findings
from gitops.diff.markdown import code, listed
from gitops.diff.places import Places


@dataclass(frozen=True)
class About:
    """Of a comparison: the ``base`` as messages name it, the Applications before and after, and where lines stand.

    ``code`` are the files of the code that compares which the change itself touches; ``kustomize`` the versions that
    both sides pin; ``findings`` what the check says, None where it was not asked.
    """

    base: str
    places: Places
    context: Context | None = None
    applied: tuple[Applied, Applied] = (Applied(None), Applied(None))
    code: tuple[str, ...] = ()
    kustomize: tuple[str, str] = ("", "")
    findings: Findings | None = None

    def link(self, folder: str, field: str, value: str = "", kind: str = "") -> str:
        """Return, as Markdown to end a line with, where in the files a value of ``folder`` stands; empty where nobody knows."""
        place = self.places.find(folder, field, value, kind)
        if place is None:
            return ""
        return f" — {self.context.link(place) if self.context else code(str(place))}"

    def lines(self) -> Iterator[str]:
        """Yield what was compared, when and by what, and what the check says, as Markdown of one line each."""
        if self.context is not None:
            yield self._compared(self.context)
            yield f"**Check:** {self.findings.summary if self.findings else 'not asked for here; `make check` judges'}"

    def _compared(self, context: Context) -> str:
        dirty = " and what is not committed" if context.dirty and not context.run else ""
        run = f", [run]({context.run})" if context.run else ""
        old, new = self.kustomize
        versions = f", kustomize {new}" if old == new else f", kustomize {old} → {new}"
        return (
            f"**Compared:** {context.commit(context.base)} → {context.commit(context.head)}{dirty}, "
            f"{context.time:%Y-%m-%d %H:%M} UTC{run}{versions if new else ''}"
        )

    def warnings(self) -> Iterator[str]:
        """Yield what a reviewer must know before trusting what follows."""
        if self.code:
            yield (
                "> [!WARNING]\n"
                f"> This was rendered by the code of the change itself, which touches {listed(self.code, 5)}: "
                "read that first, for it could leave anything out here."
            )
        old, new = self.kustomize
        if old != new:
            yield (
                f"> [!WARNING]\n> kustomize {old or 'of no version'} → {new or 'of no version'}: both sides are rendered by "
                "the new one here, so what it renders otherwise than the old one is not shown."
            )
        for side, entry in zip(("before", "after"), self.applied, strict=True):
            if entry.unknown:
                yield f"> [!WARNING]\n> Which Applications there are {side} cannot be told: {entry.unknown}"

    def applications(self) -> list[ApplicationChange]:
        """Return the Applications that change."""
        return list(application_changes(*self.applied))
