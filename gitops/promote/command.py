"""The command: from the name of a model to the files of an overlay, all of them or none."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from gitops.diff.comparison import compare
from gitops.diff.context import ReportContext
from gitops.diff.locations import Locations
from gitops.diff.pairs import changed_pairs
from gitops.diff.report import report
from gitops.diff.truncation import truncate
from gitops.errors import PromotionFailed
from gitops.files import write_all
from gitops.local.models import keep
from gitops.manifests import overlay as overlays
from gitops.manifests.checkout import Checkout
from gitops.manifests.graphnode import INITIALIZER
from gitops.manifests.overlay import Overlay
from gitops.markdown import COMMENT_LIMIT, utf16_units
from gitops.promote.candidate import candidate
from gitops.promote.changes import changes
from gitops.promote.example import given, kept
from gitops.promote.made import made
from gitops.promote.prepared import Prepared, prepare
from server import expectation
from server.errors import ServerError


def promote(root: Path, name: str, model: str, out: TextIO, *, example: str = "", force: bool = False) -> int:
    """Pin ``model`` in the overlay ``name`` of ``root``, and write to ``out`` what that changes.

    The model is resolved, fetched, described, its requirements are locked, and it is run in its environment on the
    request in the file ``example``, else on its input example, else on the overlay's last request, or with
    ``example`` none on nothing. Then node.yaml (three lines), contract.json, requirements.lock and expected.json are
    written, and nothing else; an error leaves all as it was. With ``force`` a model whose columns do not fit its
    neighbours in a graph is pinned all the same.

    Returns:
        0.

    Raises:
        BadArgument: there is no such overlay or example, or pods could not read the model from there.
        PromotionFailed: the model cannot be had, described or run.
        NoExample: there is no request to run it on, or it refuses that.
        GraphBroken: it would break a graph.
        BuildFailed, BadManifest: the overlay does not render.
        NotWritten: a file cannot be written.
    """
    promote_into(root, overlays.find(root, name), model, out, example=example, force=force)
    return 0


def promote_into(
    root: Path,
    overlay: Overlay,
    model: str,
    out: TextIO,
    *,
    example: str = "",
    force: bool = False,
    new: Mapping[str, str] | None = None,
) -> None:
    """Pin ``model`` in ``overlay`` as ``promote`` does, and write the files ``new``, by their paths, with it."""
    said, last = given(example), kept(root / overlay.folder, overlay.folder)
    with tempfile.TemporaryDirectory(prefix="promote-") as scratch:
        try:
            prepared = prepare(model, Path(scratch), said, last)
        except ServerError as error:
            raise PromotionFailed(f"{error}; nothing is changed") from error
        pin(root, overlay, prepared, Path(scratch), out, force=force, new=new)
        keep(root, prepared.digest, Path(scratch) / "model")


def pin(
    root: Path,
    overlay: Overlay,
    prepared: Prepared,
    folder: Path,
    out: TextIO,
    *,
    force: bool = False,
    new: Mapping[str, str] | None = None,
) -> None:
    """Try the model that was prepared in ``folder``, pin it in ``overlay``, and write to ``out`` what that changes."""
    try:
        texts = made(root, overlay, prepared, folder, new or {}, force=force)
    except ServerError as error:
        raise PromotionFailed(f"{error}; nothing is changed") from error
    with candidate(root, texts) as after:
        before = Checkout("the work tree", root)
        found = changed_pairs(before, after)
        about = ReportContext(before.title, Locations(before, after))
        said = report([compare(pair, before, after) for pair in found], about)
    lines = changes(root, texts)
    write_all({root / path: text for path, text in texts.items()})
    out.write(lines or f"{overlay.folder}: pins this model already; nothing changes\n")
    if said:
        out.write(
            "\n"
            + truncate(
                said, COMMENT_LIMIT, utf16_units, "`make diff BASE=HEAD OUTPUT=FILE` writes it to a file."
            )
        )
    graphs = [pair.folder for pair in found if pair.folder != overlay.folder]
    if prepared.chosen.message is None:
        out.write(f"\nnote: {overlay.folder}/{expectation.FILE} names no request, so no answer is compared\n")
    for note in _notes(
        overlay, prepared.uri, [entry for entry in graphs if (root / entry / expectation.FILE).is_file()]
    ):
        out.write(f"\nnote: {note}\n")


def _notes(overlay: Overlay, uri: str, graphs: list[str]) -> Iterator[str]:
    """Yield what is left to do after the model ``uri`` was pinned in it, which changed the folders ``graphs`` too."""
    for folder in graphs:
        yield f"{folder} is composed of it: the answer in its {expectation.FILE} is that of the graph as it was"
    if uri.startswith("models:"):
        yield (
            f"pods ask the tracking server for {uri}: {overlay.node.node}-{INITIALIZER} needs MLFLOW_TRACKING_URI "
            "(docs/promote.md)"
        )
