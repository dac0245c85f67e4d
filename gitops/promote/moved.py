"""Promoting anew what was promoted from an alias that means another model now."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TextIO

from gitops.check.rendered import OVERLAYS
from gitops.errors import GitopsError, PromotionFailed
from gitops.node import FILE, read_node
from gitops.promote.command import promote
from gitops.promote.origin import moves, pinned
from server.errors import ServerError
from server.setting import load
from server.settings import FetchSettings

log = logging.getLogger(__name__)


def promote_moved(root: Path, out: TextIO) -> int:
    """Promote in each overlay of ``root`` whose modelFrom is an alias what that alias means now, if it is another model.

    An overlay that cannot be promoted is told of, and the others are promoted all the same.

    Returns:
        0, or the exit code of the first failure.
    """
    code = 0
    for file in sorted((root / OVERLAYS).glob(f"*/{FILE}")):
        try:
            _one(root, file.parent, out)
        except GitopsError as error:
            log.error("error: %s: %s", file.parent.name, error)
            code = code or error.exit_code
    return code


def _one(root: Path, folder: Path, out: TextIO) -> None:
    node = read_node(folder)
    if node is None or not moves(node.model_from):
        return
    try:
        now = pinned(node.model_from, load(FetchSettings, os.environ))
    except ServerError as error:
        raise PromotionFailed(f"{error}; nothing is changed") from error
    if now == node.model_uri:
        log.info("%s: %s is still %s", folder.name, node.model_from, now)
        return
    log.info("%s: %s is %s now, and %s is pinned", folder.name, node.model_from, now, node.model_uri)
    promote(root, folder.name, node.model_from, out)
