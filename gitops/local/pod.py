"""A pod as processes: its init containers in order, then its containers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from gitops.errors import StartFailed
from gitops.local import environment, operator, probe
from gitops.local.models import Models
from gitops.local.operator import Ports
from gitops.local.overlay import LocalOverlay
from gitops.local.ports import HOST
from gitops.local.process import Process, run_all
from gitops.local.runtime import Command, Runtime
from gitops.local.status import Status, Step
from gitops.local.volumes import Volumes
from gitops.manifests.pod import Container, Pod
from gitops.progress import Progress

# Kubernetes' own deadline of a deployment.
_DEADLINE_SECONDS = 600


@dataclass(frozen=True)
class Machine:
    """What the pods of a run share.

    ``root`` is the repository, ``state`` the folder for volumes and logs, ``group`` the process group,
    ``secret`` the content of any secret, ``models`` where the models are. ``turns`` bounds how many start at the
    same time, ``status`` is told how far they are, ``runtime`` is what answers in them, ``wrapped`` whether that is the stock wrapper.
    """

    root: Path
    state: Path
    group: int
    secret: Mapping[str, str]
    models: Models
    turns: asyncio.Semaphore
    client: aiohttp.ClientSession
    progress: Progress
    status: Status
    runtime: Runtime
    wrapped: bool


class LocalPod:
    """One pod of an overlay's predictor on this machine."""

    def __init__(self, overlay: LocalOverlay, pod: Pod, machine: Machine) -> None:
        self._overlay = overlay
        self._pod = pod
        self._machine = machine
        self._logs = machine.state / "logs" / overlay.deployment.name
        first = pod.containers[0].name
        self.name = f"{overlay.deployment.name}-{overlay.predictor.name}-{first}"
        self._volumes = Volumes(pod, self.name, machine.state / "pods", overlay.config_maps)
        self._processes: dict[str, Process] = {}
        self.ports = {container.name: Ports.free() for container in pod.containers}

    @property
    def steps(self) -> list[Step]:
        """The steps of its start: its containers in order."""
        containers = (*self._pod.init_containers, *self._pod.containers)
        return [Step(container.name, container.args[0] if container.args else "") for container in containers]

    async def start(self) -> None:
        """Run the init containers to their end, start the containers and wait until they are ready.

        Raises:
            StartFailed: a container ended, or is not ready in time; the message has its last lines.
            NotRunnable: the manifest asks for what this machine does not have.
        """
        # All of them before the first is started: what cannot run is refused at once.
        commands = {
            **{entry.name: self._command(entry, {}) for entry in self._pod.init_containers},
            **{entry.name: self._command(entry, self._given(entry)) for entry in self._pod.containers},
        }
        self._volumes.make()
        for container in self._pod.init_containers:
            async with self._machine.turns:
                with self._step(container):
                    await self._initialise(container, commands[container.name])
        async with self._machine.turns:
            await run_all(*(self._serve(entry, commands[entry.name]) for entry in self._pod.containers))

    async def ended(self) -> StartFailed:
        """Return why, once a container of the started pod has ended."""
        names = [container.name for container in self._pod.containers]
        waiting = {asyncio.create_task(self._processes[name].wait()): name for name in names}
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        name = waiting[done.pop()]
        return StartFailed(f"container {name} {self._processes[name].ending()}")

    async def stop(self) -> None:
        """Stop what is still running."""
        await asyncio.gather(*(process.stop() for process in self._processes.values()))

    async def _initialise(self, container: Container, command: Command) -> None:
        process = await self._start(container, command)
        if await process.wait() != 0:
            raise StartFailed(f"init container {container.name} {process.ending()}")

    async def _serve(self, container: Container, command: Command) -> None:
        given = self.ports[container.name]
        if self._machine.wrapped:
            given = replace(given, metrics=given.http)  # Its port of metrics does not say how it is.
        with self._step(container):
            process = await self._start(container, command)
            ending = asyncio.create_task(process.wait())
            ready = asyncio.create_task(
                probe.ready(container, given, self._machine.client, deadline_seconds=self._deadline)
            )
            try:
                await asyncio.wait((ending, ready), return_when=asyncio.FIRST_COMPLETED)
                if ending.done():
                    raise StartFailed(f"container {container.name} {process.ending()}")
                await ready
            except probe.NotReady as error:
                raise StartFailed(f"container {container.name} {error}\n{process.last_lines()}") from error
            finally:
                ending.cancel()
                ready.cancel()

    @property
    def _deadline(self) -> float:
        return float(self._overlay.predictor.raw.get("progressDeadlineSeconds", _DEADLINE_SECONDS))

    @contextmanager
    def _step(self, container: Container) -> Iterator[None]:
        name, verb = self._overlay.name, f" ({container.args[0]})" if container.args else ""
        with (
            self._machine.progress.step(f"{name}: {container.name}{verb}"),
            self._machine.status.step(name, container.name),
        ):
            yield

    def _given(self, container: Container) -> dict[str, str]:
        """Return what the operator gives, and that the server listens here only: a laptop is no pod."""
        mounts, ports = self._volumes.mounts(container), self.ports[container.name]
        overlay = self._overlay
        given = operator.variables(overlay.deployment, overlay.predictor, container, ports, mounts)
        return given | {"SERVER_HOST": HOST}

    def _command(self, container: Container, given: Mapping[str, str]) -> Command:
        mounts = self._volumes.mounts(container)
        environ = environment.variables(
            container, mounts, self._machine.secret, given, self._overlay.deployment.namespace
        )
        arguments = environment.arguments(container, mounts, environ)
        return self._machine.runtime(
            self._machine.models((arguments, environment.host_variables(os.environ) | environ))
        )

    async def _start(self, container: Container, command: Command) -> Process:
        process = await Process.start(
            *command,
            folder=self._machine.root,
            log=self._logs / f"{container.name}.log",
            group=self._machine.group,
        )
        self._processes[container.name] = process
        return process
