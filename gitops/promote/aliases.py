"""Promoting again each model whose alias names another version by now.

In two halves, for two processes: the first has the credentials and runs no code of a model, the second runs it and has no
credentials. A model's code can read the environment of every process of its user that lives while it runs.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TextIO

from gitops.command import Run
from gitops.errors import BadArgument, GitopsError, PromotionFailed
from gitops.local.models import is_kept, keep
from gitops.manifests import overlay as overlays
from gitops.manifests.graphnode import GraphNode, is_alias, read_node
from gitops.manifests.overlay import composed
from gitops.manifests.rendered import OVERLAYS, node_files
from gitops.manifests.tree import load as load_tree
from gitops.policies.evaluation import findings
from gitops.promote import model as models
from gitops.promote.credentials import exported
from gitops.promote.example import Example, from_overlay
from gitops.promote.graph_answer import refresh
from gitops.promote.model import resolve
from gitops.promote.patch import write
from gitops.promote.promotion import pin_model
from gitops.promote.result import PromotionResult, write_job_summary
from server.artifact.fetch import fetch
from server.errors import ServerError
from server.settings import FetchSettings
from server.settings_loader import load

log = logging.getLogger(__name__)
_RESULTS = "outcomes.json"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare no argument."""
    return lambda arguments, root: promote_aliases(root, sys.stdout)


def fetch_command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="new folder for the models")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        with exported(os.environ):
            fetch_models(root, arguments.folder)
        return 0

    return run


def patch_command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="what promotion-prepare filled")
    parser.add_argument("patch", type=Path, metavar="PATCH", help="file to write")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        results, graphs = promote_fetched(root, arguments.folder, sys.stdout)
        write(root, results, graphs, arguments.patch)
        write_job_summary(results, os.environ)
        return exit_code(results)

    return run


def promote_aliases(root: Path, out: TextIO) -> int:
    """Promote in each overlay of ``root`` whose modelFrom is an alias the model that it names now, if that has changed.

    An overlay that cannot be promoted, or that `make check` refuses with the new model, is restored and reported; the
    others are promoted all the same. Then each graph that holds one of them is run, and its answer written.

    Returns:
        0, or 1 if a promotion failed.
    """
    with tempfile.TemporaryDirectory(prefix="promote-") as scratch:
        fetch_models(root, Path(scratch))
        outcomes, _ = promote_fetched(root, Path(scratch), out)
    write_job_summary(outcomes, os.environ)
    return exit_code(outcomes)


def exit_code(outcomes: list[PromotionResult]) -> int:
    """Return 1 where a promotion failed, else 0."""
    return int(any(entry.result == "failed" for entry in outcomes))


def fetch_models(root: Path, folder: Path) -> None:
    """Resolve the aliases, and fetch into ``folder`` each model that has changed; run none.

    The models that graphs of their overlays pin now are kept where local runs of ``root`` find them. Failures are logged,
    and those of an overlay recorded for ``promote_fetched``.

    Raises:
        BadArgument: the folder holds something.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BadArgument(f"FOLDER {str(folder)!r}: holds something already; name a new folder")
    outcomes = []
    for file in node_files(root):
        name = file.parent.name
        try:
            node = read_node(file.parent)
        except GitopsError as error:
            outcomes.append(_failed(PromotionResult(name, "failed", "", ""), error))
            continue
        if node is not None and is_alias(node.model_from):
            outcomes.append(
                _fetch(name, node, folder / name, from_overlay(file.parent, f"{OVERLAYS}/{name}"))
            )
    content = json.dumps([asdict(entry) for entry in outcomes])
    (folder / _RESULTS).write_text(content, encoding="utf-8")
    _keep_neighbours(root, {entry.overlay for entry in outcomes if entry.result == "promoted"})


def _keep_neighbours(root: Path, changed: set[str]) -> None:
    """Fetch what the graphs of the overlays ``changed`` pin: who runs these graphs may have no credentials.

    Of those overlays too: one whose promotion fails stays in the graph as it is.
    """
    names = {name for nodes in composed(root).values() if nodes & changed for name in nodes}
    for name in sorted(names):
        try:
            node = read_node(root / OVERLAYS / name)
            if node is None or is_kept(root, node.model_digest):
                continue
            with tempfile.TemporaryDirectory(prefix="graph-") as scratch:
                model = Path(scratch, "model")
                fetch(node.model_uri, model, load(FetchSettings, os.environ), digest=node.model_digest)
                keep(root, node.model_digest, model)
        except (GitopsError, ServerError) as error:
            log.warning("%s: its graphs cannot be run without what it pins: %s", name, error)


def _fetch(name: str, node: GraphNode, folder: Path, last: Example | None) -> PromotionResult:
    def step(outcome: PromotionResult) -> PromotionResult:
        now = resolve(node.model_from, load(FetchSettings, os.environ))
        if now == node.model_uri:
            log.info("%s: %s is still %s", name, node.model_from, now)
            return replace(outcome, result="unchanged", after=now)
        log.info("%s: %s is %s now, and %s is pinned", name, node.model_from, now, node.model_uri)
        folder.mkdir()
        fetched = models.fetch_model(node.model_from, folder, last=last)
        models.build_environment(fetched, folder)
        models.save(fetched, folder)
        return replace(outcome, after=fetched.uri)

    return _attempt(step, PromotionResult(name, "promoted", node.model_from, node.model_uri))


def promote_fetched(root: Path, folder: Path, out: TextIO) -> tuple[list[PromotionResult], list[str]]:
    """Run each model that was prepared in ``folder``, and pin it in its overlay if that and `make check` go well.

    Each graph that holds one of them is run after all of them, with the models that this machine can have, and its answer
    written. Return what became of the overlays, and the folders of the graphs with another answer.

    Raises:
        BadArgument: nothing was prepared there.
    """
    try:
        written = json.loads((folder / _RESULTS).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadArgument(
            f"FOLDER {str(folder)!r}: holds nothing that was prepared ({error.strerror}); run `make promotion-prepare "
            "FOLDER=…` first"
        ) from error
    graphs: list[str] = []
    outcomes = [
        _attempt(lambda outcome: _promote(root, folder, outcome, out, graphs), outcome)
        if outcome.result == "promoted"
        else outcome
        for outcome in (PromotionResult(**entry) for entry in written)
    ]
    # Each once, with the new models of all its nodes.
    return outcomes, refresh(root, dict.fromkeys(graphs), out)


def _promote(
    root: Path, folder: Path, outcome: PromotionResult, out: TextIO, graphs: list[str]
) -> PromotionResult:
    """Promote one model, which local runs then find here, and add the graphs that it changes to ``graphs``."""
    overlay = overlays.find(root, outcome.overlay)
    place = root / overlay.folder
    before = {file: file.read_bytes() for file in place.iterdir() if file.is_file()}
    wrong = set(_errors(root))
    fetched = models.read_saved(folder / outcome.overlay)
    try:
        changed = pin_model(root, overlay, fetched, folder / outcome.overlay, out)
        _check(root, wrong)
    except BaseException:
        _restore(place, before)
        raise
    graphs += changed
    keep(root, fetched.digest, folder / outcome.overlay / "model")
    return outcome


def _check(root: Path, wrong: set[str]) -> None:
    if new := [line for line in _errors(root) if line not in wrong]:
        listed = "\n  ".join(new)
        raise PromotionFailed(f"`make check` refuses it with this model; nothing is changed\n  {listed}")


def _restore(place: Path, before: dict[Path, bytes]) -> None:
    for file in place.iterdir():
        if file.is_file() and file not in before:
            file.unlink()
    for file, content in before.items():
        if not file.is_file() or file.read_bytes() != content:
            file.write_bytes(content)


def _errors(root: Path) -> Iterator[str]:
    return (str(entry) for entry in findings(load_tree(root)) if entry.level == "error")


def _attempt(step: Callable[[PromotionResult], PromotionResult], outcome: PromotionResult) -> PromotionResult:
    """Return the result of a step; an error of any kind fails this overlay only."""
    try:
        return step(outcome)
    except ServerError as error:
        return _failed(outcome, PromotionFailed(f"{error}; nothing is changed"))
    except GitopsError as error:
        return _failed(outcome, error)
    except Exception as error:
        # A fault of ours or of a library's must not keep the other overlays' models back.
        log.exception("%s", outcome.overlay)
        return _failed(outcome, PromotionFailed(f"{type(error).__name__}: {error}; nothing is changed"))


def _failed(outcome: PromotionResult, error: GitopsError) -> PromotionResult:
    log.error("error: %s: %s", outcome.overlay, error)
    return replace(outcome, result="failed", reason=str(error))
