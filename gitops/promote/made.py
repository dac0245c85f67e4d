"""What a promotion writes: made from what is known of the model and from one run of it, and judged, before anything changes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from gitops.diff.pairs import changed_pairs
from gitops.errors import GraphBroken
from gitops.manifests.checkout import Checkout
from gitops.manifests.graph import mismatches
from gitops.manifests.overlay import Overlay
from gitops.manifests.rendered import Rendered
from gitops.promote import trial
from gitops.promote.candidate import built, candidate
from gitops.promote.prepared import Prepared, make_environment
from server import expectation
from server.artifact.source import shown

log = logging.getLogger(__name__)


def made(
    root: Path, overlay: Overlay, prepared: Prepared, folder: Path, new: Mapping[str, str], *, force: bool
) -> dict[str, str]:
    """Return the texts of the overlay's files by their paths, ``new`` among them; the model is in ``folder``.

    Raises:
        NoExample, GraphBroken, ServerError, BuildFailed, BadManifest: as of gitops.promote.command.
    """
    text = overlay.pinning(prepared.uri, prepared.digest, prepared.origin)
    texts = {**new, **overlay.files(text, prepared.contract, prepared.lock, "{}\n")}
    with candidate(root, texts) as side:
        _check_graphs(root, side, overlay, force=force)
        (deployment,) = built(side, overlay.folder).deployments
        node = deployment.predictors[0].graph
    make_environment(prepared, folder)
    log.info("running the model in its environment on %s", prepared.chosen.origin)
    tolerance = _tolerance(root / overlay.folder)
    answered = trial.answer(folder, shown(prepared.uri), node, prepared.chosen, tolerance)
    if answered and answered.varies:
        log.warning(
            "its answers to one request differ, which is not compared: %s", ", ".join(answered.varies)
        )
    expected = trial.text(prepared.chosen.message, answered, tolerance, {overlay.node.node: prepared.digest})
    return {**new, **overlay.files(text, prepared.contract, prepared.lock, expected)}


def _check_graphs(root: Path, side: Checkout, overlay: Overlay, *, force: bool) -> None:
    changed = [pair.after for pair in changed_pairs(Checkout("the work tree", root), side)]
    said = [
        f"{rendered.folder}: {line}"
        for rendered in changed
        if isinstance(rendered, Rendered)
        for line in mismatches(side.root, rendered, overlay.node.node)
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
    found = expectation.read(file) if file.is_file() else None
    return found.tolerance if found else expectation.TOLERANCE
