from __future__ import annotations

import asyncio
import fcntl
import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from gitops.local import ports
from gitops.local.overlay import find
from gitops.local.run import Run, claim, run
from gitops.progress import Progress
from tests.gitops.local.copies import Copy
from tests.project import ROOT

# Kept from one run of the tests to the next, as a developer's own: a model's environment is made once.
STATE = ROOT / ".cache" / "tests"

# An address with a password and a signature.
SIGNED = "https://somebody:secret@models.example/iris.zip?signature=secret"


@contextmanager
def alone(name: str) -> Iterator[Path]:
    """Give the folder ``name`` of STATE to one run of the tests at a time; others wait."""
    folder = STATE / name
    folder.mkdir(parents=True, exist_ok=True)
    with (STATE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy.at(tmp_path)


@dataclass
class Running:
    """The overlays of the repository and some broken ones, running. ``output`` is what a person sees."""

    run: Run
    client: httpx.Client
    output: str


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    copy = Copy.at(tmp_path_factory.mktemp("overlays"))
    copy.overlay("wrong-digest", of="model", modelDigest=f"sha256:{'0' * 64}")
    copy.overlay("no-model", of="model")
    copy.patch("no-model", "/spec/predictors/0/componentSpecs/0/spec/initContainers", [])
    copy.overlay("foreign-image", of="model", modelUri=SIGNED, modelFrom=SIGNED)
    copy.patch("foreign-image", "/spec/predictors/0/componentSpecs/0/spec/containers/0/image", "other:1")
    copy.overlay("orchestrated", of="model")
    copy.component("orchestrated", "open-inference-protocol")
    copy.patch("orchestrated", "/spec/predictors/0/annotations", {})
    copy.write("overlays/orchestrated/expected.json", '{"request": null, "response": null}\n')
    copy.write("overlays/no-build/kustomization.yaml", "resources: [missing.yaml]\n")
    output = io.StringIO()
    with (
        alone("running") as state,
        background(find(copy.root, []), state, Progress(Console(file=output)), root=copy.root) as run,
        httpx.Client(base_url=run.gateway.url, timeout=30, trust_env=False) as client,
    ):
        yield Running(run, client, output.getvalue())


@contextmanager
def background(folders: list[Path], state: Path, progress: Progress, *, root: Path) -> Iterator[Run]:
    """Run the overlays in a thread of their own until the block ends."""
    entered: Future[tuple[Run, Callable[[], None]]] = Future()

    async def serve() -> None:
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        with claim(state), ports.bind(0) as listener:
            async with run(folders, root=root, state=state, listener=listener, progress=progress) as entry:
                entered.set_result((entry, lambda: loop.call_soon_threadsafe(end.set)))
                await end.wait()

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            # Before the run began it is the fixture's to tell; after that, pytest tells it of the thread.
            if entered.done():
                raise
            entered.set_exception(error)

    thread = threading.Thread(target=work)
    thread.start()
    entry, stop = entered.result()
    yield entry
    stop()
    thread.join()
