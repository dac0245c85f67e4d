"""Promoting a model into an overlay: all of its files are written, or none."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from gitops.command import Run
from gitops.diff.comparison import compare
from gitops.diff.context import ReportContext
from gitops.diff.locations import Locations
from gitops.diff.pairs import changed_pairs
from gitops.diff.report import report
from gitops.errors import GraphBroken, PromotionFailed
from gitops.files import write_all
from gitops.local.models import keep
from gitops.manifests import overlay as overlays
from gitops.manifests.checkout import Checkout
from gitops.manifests.graph import mismatches
from gitops.manifests.graphnode import INITIALIZER
from gitops.manifests.overlay import Overlay
from gitops.manifests.rendered import Rendered
from gitops.progress import step
from gitops.promote import prediction
from gitops.promote.example import from_argument, from_overlay
from gitops.promote.graph_answer import refresh, stale
from gitops.promote.model import FetchedModel, build_environment, fetch_model
from gitops.promote.preview import copy_with, render_folder, unified_diff
from gitops.promote.summary import summary, write_report
from gitops.switch import add_switch
from server.artifact.source import shown
from server.errors import ServerError
from server.pins import expectation


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("overlay", metavar="OVERLAY", help="folder of overlays/")
    parser.add_argument(
        "model", metavar="MODEL", help="models:/name@alias or /version, runs:/…, or s3://… and the like"
    )
    add_example(parser)
    add_switch(parser, "FORCE", "even if its columns do not fit a graph")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return promote(
            root,
            arguments.overlay,
            arguments.model,
            sys.stdout,
            example=arguments.example,
            force=arguments.force,
        )

    return run


def add_example(parser: argparse.ArgumentParser) -> None:
    """Declare the argument for the request that a model is run on."""
    parser.add_argument(
        "--example",
        default="",
        metavar="FILE|none",
        help="run the model on this request (its input example), or on none and compare no answer",
    )


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
    given, last = from_argument(example), from_overlay(root / overlay.folder, overlay.folder)
    with tempfile.TemporaryDirectory(prefix="promote-") as scratch:
        try:
            fetched = fetch_model(model, Path(scratch), given, last)
        except ServerError as error:
            raise PromotionFailed(f"{error}; nothing is changed") from error
        graphs = pin_model(root, overlay, fetched, Path(scratch), out, force=force, new=new)
        keep(root, fetched.digest, Path(scratch) / "model")
    if force:
        out.writelines(f"note: {stale(folder)}\n" for folder in graphs)
    else:
        refresh(root, graphs, out)


def pin_model(
    root: Path,
    overlay: Overlay,
    fetched: FetchedModel,
    folder: Path,
    out: TextIO,
    *,
    force: bool = False,
    new: Mapping[str, str] | None = None,
) -> list[str]:
    """Try the model that was prepared in ``folder``, pin it in ``overlay``, and write to ``out`` what that changes.

    Return the folders of the graphs whose answers this changes.
    """
    try:
        texts = promoted_files(root, overlay, fetched, folder, new or {}, force=force)
    except ServerError as error:
        raise PromotionFailed(f"{error}; nothing is changed") from error
    difference = unified_diff(root, texts)
    if not difference:
        out.write(f"{overlay.folder}: pins this model already; nothing changes\n")
        return []
    with step("render what it changes"), copy_with(root, texts) as after:
        before = Checkout("the work tree", root)
        changes = [compare(pair, before, after) for pair in changed_pairs(before, after)]
        given = report(changes, ReportContext(before.title, Locations(before, after)))
    there = {path: (root / path).is_file() for path in texts}
    changed = {
        path.relative_to(root) for path in write_all({root / path: text for path, text in texts.items()})
    }
    place = write_report(root, overlay, difference, given)
    written = {Path(path).name: old for path, old in there.items() if Path(path) in changed}
    out.writelines(f"{line}\n" for line in summary(overlay, fetched, changes, written, place))
    if fetched.chosen.message is None:
        out.write(f"note: {overlay.folder}/{expectation.FILE} names no request, so no answer is compared\n")
    if fetched.uri.startswith("models:"):
        out.write(
            f"note: pods ask the tracking server for {fetched.uri}: {overlay.node.node}-{INITIALIZER} needs "
            "MLFLOW_TRACKING_URI (docs/promote.md)\n"
        )
    graphs = [change.folder for change in changes if change.folder != overlay.folder]
    return [entry for entry in graphs if (root / entry / expectation.FILE).is_file()]


log = logging.getLogger(__name__)


def promoted_files(
    root: Path, overlay: Overlay, fetched: FetchedModel, folder: Path, new: Mapping[str, str], *, force: bool
) -> dict[str, str]:
    """Return the texts of the overlay's files by their paths, ``new`` among them; the model is in ``folder``.

    Raises:
        NoExample, GraphBroken, ServerError, BuildFailed, BadManifest: as of gitops.promote.promotion.
    """
    text = overlay.pinning(fetched.uri, fetched.digest, fetched.origin)
    texts = {**new, **overlay.files(text, fetched.contract, fetched.lock, "{}\n")}
    with copy_with(root, texts) as side:
        _check_graphs(root, side, overlay, force=force)
        (deployment,) = render_folder(side, overlay.folder).deployments
        node = deployment.predictors[0].graph
    build_environment(fetched, folder)
    tolerance = _tolerance(root / overlay.folder)
    with step(f"run it on {fetched.chosen.origin}"):
        answered = prediction.predict(folder, shown(fetched.uri), node, fetched.chosen, tolerance)
    if answered and answered.varies:
        log.warning(
            "its answers to one request differ, which is not compared: %s", ", ".join(answered.varies)
        )
    expected = prediction.expected_json(
        fetched.chosen.message, answered, tolerance, {overlay.node.node: fetched.digest}
    )
    return {**new, **overlay.files(text, fetched.contract, fetched.lock, expected)}


def _check_graphs(root: Path, side: Checkout, overlay: Overlay, *, force: bool) -> None:
    changed = [pair.after for pair in changed_pairs(Checkout("the work tree", root), side)]
    given = [
        f"{rendered.folder}: {line}"
        for rendered in changed
        if isinstance(rendered, Rendered)
        for line in mismatches(side.root, rendered, overlay.node.node)
    ]
    if not given:
        return
    listed = "\n  ".join(given)
    if not force:
        raise GraphBroken(
            f"{overlay.folder}: this model does not fit its neighbours, so nothing is changed; promote theirs first, or "
            f"say FORCE=1\n  {listed}"
        )
    log.warning("pinned although it does not fit its neighbours:\n  %s", listed)


def _tolerance(folder: Path) -> float:
    """Return how far off the smoke test lets numbers be: a setting of the overlay, which a promotion keeps."""
    file = folder / expectation.FILE
    found = expectation.read(file) if file.is_file() else None
    return found.tolerance if found else expectation.TOLERANCE
