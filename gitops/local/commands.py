"""The commands demo and smoke: what is checked before anything starts, and how signals end them."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import FrameType
from typing import TypeVar

from rich.console import Console

from gitops.command import Run
from gitops.local import overlay, ports
from gitops.local.demo import demo, smoke
from gitops.local.prometheus import NAME as PROMETHEUS
from gitops.local.run import S3_TOOLS, TOOLS, claim, prepare
from gitops.local.runtime import SELDON_CORE, SERVER
from gitops.progress import Progress
from gitops.switch import add_switch

T = TypeVar("T")

STATE = ".demo"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What a shell reports for a command that Ctrl-C ended.
INTERRUPTED = 128 + signal.SIGINT


def demo_command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("--port", type=_port, default=8080, help="port of the gateway (8080)")
    add_switch(parser, "MONITORING", "run Prometheus beside them")
    _add_arguments(parser)

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return run_demo(
            arguments.overlays,
            arguments.port,
            root=root,
            runtime=arguments.runtime,
            monitoring=arguments.monitoring,
        )

    return run


def smoke_command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    _add_arguments(parser)

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return run_smoke(arguments.overlays, root=root, runtime=arguments.runtime)

    return run


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("overlays", metavar="OVERLAY", nargs="*", help="folders of overlays/ (all)")
    parser.add_argument(
        "--runtime",
        choices=(SERVER, SELDON_CORE),
        default=SERVER,
        help="what serves in the containers: the server, or its component class in the stock wrapper (server)",
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError
    return port


_port.__name__ = "port number"


def run_demo(
    names: Sequence[str],
    port: int,
    *,
    root: Path,
    state: Path | None = None,
    runtime: str = SERVER,
    monitoring: bool = False,
) -> int:
    """Serve the overlays ``names`` of ``root``, or all, on ``port`` until a signal; return the exit code.

    ``state`` is the folder for volumes, logs and the object store's data; ``root``/.demo if not given.
    ``runtime`` is the name of what answers in the containers (gitops.local.runtime). ``monitoring`` runs a
    Prometheus beside them.

    Raises:
        GitopsError: it cannot start.
    """
    progress = Progress(Console())
    folders, state = overlay.find(root, names), state or root / STATE
    with ports.bind(port) as listener, claim(state):
        work = demo(
            folders,
            root=root,
            state=state,
            listener=listener,
            progress=progress,
            runtime=runtime,
            monitoring=monitoring,
        )
        _run(work, progress, (*TOOLS, *((PROMETHEUS,) if monitoring else ())))
    return 0


def run_smoke(names: Sequence[str], *, root: Path, state: Path | None = None, runtime: str = SERVER) -> int:
    """Compare the answers of the overlays ``names`` of ``root``, or all, with the expected ones.

    Return the exit code. ``state`` and ``runtime`` are as for the demo.

    Raises:
        GitopsError: it cannot start.
    """
    progress = Progress(Console())
    folders, state = overlay.find(root, names), state or root / STATE
    with ports.bind(0) as listener, claim(state):
        work = smoke(folders, root=root, state=state, listener=listener, progress=progress, runtime=runtime)
        fine = _run(work, progress, S3_TOOLS)
    return INTERRUPTED if fine is None else int(not fine)


def _run(work: Coroutine[None, None, T], progress: Progress, tools: Sequence[str]) -> T | None:
    """Build ``tools``, and return what ``work`` returns, or None when a signal ended it, in order."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        prepare(progress, tools)
        return asyncio.run(_until_signal(work))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return None
    finally:
        work.close()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


async def _until_signal(work: Coroutine[None, None, T]) -> T:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work)

    def stop() -> None:
        # One is enough: what is being stopped takes seconds, and a second one would leave it half done.
        for number in _SIGNALS:
            loop.add_signal_handler(number, lambda: None)
        task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    return await task
