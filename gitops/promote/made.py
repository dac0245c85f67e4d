"""What a promotion writes: made from the model's bytes and from one run of it, and judged, before anything changes."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from gitops.check.rendered import Rendered
from gitops.diff.side import Side, pairs
from gitops.errors import GraphBroken
from gitops.pins import pins
from gitops.promote import trial
from gitops.promote.candidate import built, candidate
from gitops.promote.columns import misfits
from gitops.promote.origin import pinned
from gitops.promote.overlay import Overlay
from server import expectation
from server.artifact.fetch import fetch
from server.artifact.source import shown
from server.setting import load
from server.settings import FetchSettings

log = logging.getLogger(__name__)


def made(
    root: Path, overlay: Overlay, model: str, scratch: Path, new: Mapping[str, str], *, force: bool
) -> tuple[str, dict[str, str]]:
    """Return the URI to pin, and the texts of the overlay's files by their paths, ``new`` among them.

    Raises:
        BadArgument, NoExample, GraphBroken, ServerError, BuildFailed, BadManifest: as of gitops.promote.command.
    """
    settings = load(FetchSettings, os.environ)
    uri = pinned(model, settings)
    folder = scratch / "model"
    fetch(uri, folder, settings, digest=None)
    message = trial.request(folder, shown(uri))
    described = pins(folder)
    text = overlay.pinning(uri, described.digest, model)
    texts = {**new, **overlay.files(text, described.contract, described.lock, "{}\n")}
    with candidate(root, texts) as side:
        _check_graphs(root, side, overlay, force=force)
        (deployment,) = built(side, overlay.folder).deployments
        node = deployment.predictors[0].graph
        lock = side.root / overlay.folder / "requirements.lock"
        log.info("running the model once in its environment")
        response = trial.answer(folder, shown(uri), lock, node, message, scratch)
    expected = trial.text(message, response, _tolerance(root / overlay.folder))
    return uri, {**new, **overlay.files(text, described.contract, described.lock, expected)}


def _check_graphs(root: Path, side: Side, overlay: Overlay, *, force: bool) -> None:
    changed = [pair.after for pair in pairs(Side("the work tree", root), side)]
    said = [
        line
        for rendered in changed
        if isinstance(rendered, Rendered)
        for line in misfits(side, rendered, overlay.node.node)
    ]
    if not said:
        return
    listed = "\n  ".join(said)
    if not force:
        raise GraphBroken(
            f"{overlay.folder}: this model does not fit its neighbours, so nothing is changed; promote theirs first, or "
            f"say FORCE=1\n  {listed}"
        )
    log.warning("pinned although it does not fit its neighbours:\n  %s", listed)


def _tolerance(folder: Path) -> float:
    """Return how far off the smoke test lets numbers be: a setting of the overlay, which a promotion keeps."""
    file = folder / expectation.FILE
    return expectation.read(file).tolerance if file.is_file() else expectation.TOLERANCE
