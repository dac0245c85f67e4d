"""A local run: the overlays' deployments, an S3 server with their models, and one gateway."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from gitops.errors import AlreadyRunning, GitopsError, StartFailed
from gitops.local import overlay
from gitops.local import runtime as runtimes
from gitops.local.description import describe, own_example
from gitops.local.gateway import Gateway
from gitops.local.models import Models
from gitops.local.overlay import LocalOverlay
from gitops.local.page import LocalPage
from gitops.local.pod import LocalPod, Machine
from gitops.local.process import ProcessGroup, run_all
from gitops.local.routes import Container, Graph, Route, Routes, Unavailable, calls
from gitops.local.runtime import SERVER
from gitops.local.status import Status
from gitops.local.store import Store, committed_secret, secret_values
from gitops.progress import Progress
from gitops.tools import tool

TOOLS = ("kustomize",)
# … and what a run with an S3 server needs.
S3_TOOLS = (*TOOLS, "versitygw")


@dataclass
class Run:
    """What runs: the deployments that came up, and why each other overlay does not run; ``group`` is the process group."""

    gateway: Gateway
    client: aiohttp.ClientSession
    group: int
    status: Status
    deployments: list[LocalDeployment] = field(default_factory=list)
    failures: dict[str, GitopsError] = field(default_factory=dict)


def prepare(progress: Progress, tools: Sequence[str]) -> None:
    """Build the pinned ``tools``, if they are not there yet."""
    for name in tools:
        tool(name, announce=progress.say)


@contextmanager
def claim(state: Path) -> Iterator[None]:
    """Hold the folder ``state`` for one run at a time.

    Raises:
        AlreadyRunning: another run holds it.
    """
    state.mkdir(exist_ok=True)
    with (state / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise AlreadyRunning(
                f"another run uses {state} (process {lock.read().strip()}): stop it first"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@asynccontextmanager
async def run(
    folders: Sequence[Path],
    *,
    root: Path,
    state: Path,
    listener: socket.socket,
    progress: Progress,
    runtime: str = SERVER,
    s3: bool = True,
) -> AsyncIterator[Run]:
    """Run the overlays in ``folders`` until the block ends, and stop everything then.

    ``runtime`` is the name of what answers in their containers (gitops.local.runtime). With ``s3`` an S3 server has the
    models that are here, for the account of the committed secret; without, pods fetch those from their folders.

    When the block begins, each overlay is either ready or among the failures, which have been shown.
    """
    local: dict[str, LocalDeployment] = {}
    secret = await asyncio.to_thread(committed_secret, root)
    status = Status([folder.name for folder in folders])

    def routes() -> Routes:
        return {entry.overlay.path: entry.route for entry in local.values()}

    async with (
        ProcessGroup() as group,
        _models(root, state, group.id, secret, progress, s3=s3) as (store, models),
        aiohttp.ClientSession() as client,
        Gateway(listener, routes, LocalPage(status, state / "logs")) as gateway,
    ):
        machine = Machine(
            root=root,
            state=state,
            group=group.id,
            secret=secret_values(store, secret),
            models=models,
            turns=asyncio.Semaphore(os.cpu_count() or 1),
            client=client,
            progress=progress,
            status=status,
            runtime=await asyncio.to_thread(runtimes.runtime, runtime, state, progress),
            wrapped=runtime == runtimes.SELDON_CORE,
        )
        running = Run(gateway, client, group.id, status)
        watchers: list[asyncio.Task[None]] = []
        try:
            await run_all(*(_start(folder, machine, running, local) for folder in folders))
            watchers = [asyncio.create_task(_watch(entry, running, machine)) for entry in running.deployments]
            yield running
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*(entry.stop() for entry in local.values()))


@asynccontextmanager
async def _models(
    root: Path, state: Path, group: int, secret: Mapping[str, str], progress: Progress, *, s3: bool
) -> AsyncIterator[tuple[Store | None, Models]]:
    """Run the S3 server with the models that are here, and with the account of ``secret``, if there is one."""
    if not s3:
        yield None, Models(root, None)
        return
    stack = ExitStack()
    try:
        with progress.step("S3 server with the models that are here"):
            store = Store(
                state / "s3",
                access_key=secret.get("AWS_ACCESS_KEY_ID"),
                secret_key=secret.get("AWS_SECRET_ACCESS_KEY"),
                process_group=group,
            )
            await asyncio.to_thread(stack.enter_context, store)
            models = await asyncio.to_thread(Models, root, store)
        yield store, models
    finally:
        await asyncio.to_thread(stack.close)


async def _start(folder: Path, machine: Machine, running: Run, local: dict[str, LocalDeployment]) -> None:
    """Render the overlay in ``folder`` and start it; note and show why it does not."""
    try:
        deployment = LocalDeployment(await asyncio.to_thread(overlay.load, folder), machine)
        local[folder.name] = deployment
        await _describe(deployment, machine)
        machine.status.expect(folder.name, [step for pod in deployment.pods for step in pod.steps])
        await deployment.start()
        running.deployments.append(deployment)
        await _describe(deployment, machine, await own_example(machine.client, deployment.first_port))
        machine.status.ready(folder.name)
    except GitopsError as error:
        _failed(folder.name, error, running, machine)


async def _describe(deployment: LocalDeployment, machine: Machine, example: Any = None) -> None:
    found = deployment.overlay
    said = await asyncio.to_thread(describe, found, example, wrapped=machine.wrapped)
    machine.status.describe(found.name, said)


async def _watch(deployment: LocalDeployment, running: Run, machine: Machine) -> None:
    """Note and show it when a container ends that should not."""
    _failed(deployment.overlay.name, await deployment.ended(), running, machine)


def _failed(name: str, error: GitopsError, running: Run, machine: Machine) -> None:
    running.failures[name] = error
    machine.status.failed(name, error)
    machine.progress.say(f"overlay {name}: {error}")


class LocalDeployment:
    """The pods of one overlay. ``route`` is where its requests go now."""

    def __init__(self, overlay: LocalOverlay, machine: Machine) -> None:
        self.overlay = overlay
        self.pods = [LocalPod(overlay, pod, machine) for pod in overlay.predictor.pods]
        self.route: Route = Unavailable(f"{overlay.deployment.name} is starting")

    @property
    def first_port(self) -> int:
        """The HTTP port of the node that a request reaches first."""
        first = calls(self.overlay.predictor.graph)[0].node
        return next(pod.ports[first].http for pod in self.pods if first in pod.ports)

    async def start(self) -> None:
        """Start all pods and wait until they are ready.

        Raises:
            StartFailed: one of them does not start; the others are stopped.
            NotRunnable: the manifest asks for what this machine does not have.
        """
        try:
            await run_all(*(pod.start() for pod in self.pods))
        except BaseException as error:
            self._fail(error)
            await self.stop()
            raise
        ports = {name: ports.http for pod in self.pods for name, ports in pod.ports.items()}
        if self.overlay.calls:
            self.route = Graph(self.overlay.calls, ports, self.overlay.deployment.protocol)
        else:
            self.route = Container(ports[self.overlay.predictor.graph.name])

    async def ended(self) -> StartFailed:
        """Return why, once a container of the started deployment has ended."""
        waiting = [asyncio.create_task(pod.ended()) for pod in self.pods]
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        failure = done.pop().result()
        self._fail(failure)
        return failure

    async def stop(self) -> None:
        """Stop all pods."""
        await asyncio.gather(*(pod.stop() for pod in self.pods))

    def _fail(self, error: BaseException) -> None:
        reason = str(error).partition("\n")[0] if isinstance(error, GitopsError) else "it is being stopped"
        self.route = Unavailable(f"{self.overlay.deployment.name} does not run: {reason}")
