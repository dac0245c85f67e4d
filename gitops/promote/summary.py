"""What a promotion says of itself: some ten lines, and a file with every line that changes and what a reviewer reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gitops.diff.change import KustomizationChange
from gitops.diff.report import Report
from gitops.diff.truncation import truncate
from gitops.files import write_all
from gitops.manifests.overlay import Overlay
from gitops.markdown import SUMMARY_LIMIT, block, short, utf8_bytes
from gitops.promote.model import FetchedModel
from server.artifact.source import shown

# Of packages, and of what changes for callers, so many are named; the report has them all.
MOST = 4
# Below the repository's root, where git does not look: the report of each overlay's last promotion.
REPORTS = Path(".cache/promotions")


def summary(
    overlay: Overlay,
    fetched: FetchedModel,
    changes: Sequence[KustomizationChange],
    written: Mapping[str, bool],
    report: Path,
) -> Iterator[str]:
    """Yield the lines about the promotion of ``fetched`` into ``overlay``.

    Args:
        overlay: as it was before.
        fetched: the model that is pinned now.
        changes: what is rendered otherwise: the overlay's own change, and those of the graphs that hold it.
        written: the names of the files that were written, with whether each was there before.
        report: where the report is, relative to the repository's root.
    """
    own = next((change for change in changes if change.folder == overlay.folder), None)
    graphs = [change.folder for change in changes if change.folder != overlay.folder]
    before = overlay.node.model_digest
    was = f" (was {short(before)})" if before.startswith("sha256:") and before != fetched.digest else ""
    yield f"{overlay.folder}: pins {shown(fetched.uri)}"
    if fetched.origin != fetched.uri:
        yield f"  from      {shown(fetched.origin)}"
    yield f"  digest    {short(fetched.digest)}{was}"
    yield f"  files     {', '.join(name if there else f'{name} (new)' for name, there in written.items())}"
    yield f"  tried on  {fetched.chosen.origin}"
    if own is not None:
        yield f"  packages  {_packages(own)}"
        yield f"  callers   {_effects(own)}"
    if graphs:
        yield f"  graphs    {', '.join(graphs)}"
    yield f"  report    {report}: every line that changes, and what a reviewer reads"


def _packages(change: KustomizationChange) -> str:
    if change.listed:
        numbers = [
            f"{len(model.lock.requirements.names)} are installed, with hashes"
            for _, models in change.listed
            for model in models.values()
            if model.lock
        ]
        return ", ".join(numbers) or "no lock"
    found = [package for model in change.models for package in model.requirements.packages]
    return _some([f"{one.name} {one.before or '—'} → {one.after or '—'}" for one in found]) or "none changes"


def _effects(change: KustomizationChange) -> str:
    if change.listed:
        return "a new deployment"
    effects = [effect.text for model in change.models for effect in model.effects if effect.breaking]
    return f"BREAKING: {_some(effects)}" if effects else "nothing breaks"


def _some(texts: Sequence[str]) -> str:
    rest = f", and {len(texts) - MOST} more" if len(texts) > MOST else ""
    return f"{', '.join(texts[:MOST])}{rest}"


def write_report(root: Path, overlay: Overlay, difference: str, report: Report | None) -> Path:
    """Write the unified ``difference`` of the files and the ``report`` for a reviewer; return where, relative to ``root``.

    Raises:
        NotWritten: the file cannot be written.
    """
    file = REPORTS / f"{Path(overlay.folder).name}.md"
    parts = [f"# The last promotion of {overlay.folder}", block(difference, "diff")]
    if report is not None:
        hint = "`make diff BASE=HEAD OUTPUT=FILE` writes it to a file."
        parts.insert(1, truncate(report, SUMMARY_LIMIT, utf8_bytes, hint))
    write_all({root / file: "\n\n".join(part.strip() for part in parts) + "\n"})
    return file
