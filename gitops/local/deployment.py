"""A SeldonDeployment on this machine: its pods, and how the gateway reaches them."""

from __future__ import annotations

import asyncio

from gitops.errors import GitopsError, StartFailed
from gitops.local.overlay import Overlay
from gitops.local.pod import LocalPod, Machine
from gitops.local.route import Container, Graph, Route, Unavailable
from gitops.local.together import together


class LocalDeployment:
    """The pods of one overlay. ``route`` is where its requests go now."""

    def __init__(self, overlay: Overlay, machine: Machine) -> None:
        self.overlay = overlay
        self._pods = [LocalPod(overlay, pod, machine) for pod in overlay.predictor.pods]
        self.route: Route = Unavailable(f"{overlay.deployment.name} is starting")

    async def start(self) -> None:
        """Start all pods and wait until they are ready.

        Raises:
            StartFailed: one of them does not start; the others are stopped.
            NotRunnable: the manifest asks for what this machine does not have.
        """
        try:
            await together(*(pod.start() for pod in self._pods))
        except BaseException as error:
            self._fail(error)
            await self.stop()
            raise
        ports = {name: ports.http for pod in self._pods for name, ports in pod.ports.items()}
        if self.overlay.calls:
            self.route = Graph(self.overlay.calls, ports)
        else:
            self.route = Container(ports[self.overlay.predictor.graph.name])

    async def ended(self) -> StartFailed:
        """Return why, once a container of the started deployment has ended."""
        waiting = [asyncio.create_task(pod.ended()) for pod in self._pods]
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
        await asyncio.gather(*(pod.stop() for pod in self._pods))

    def _fail(self, error: BaseException) -> None:
        reason = str(error).partition("\n")[0] if isinstance(error, GitopsError) else "it is being stopped"
        self.route = Unavailable(f"{self.overlay.deployment.name} does not run: {reason}")
