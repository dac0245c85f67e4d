"""Waiting until a container is ready, judged by the probes of its manifest.

Source: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import aiohttp

from gitops.errors import NotRunnable
from gitops.local.operator import Ports
from gitops.local.ports import HOST
from gitops.manifests.pod import Container

# Probed more often than the manifest says, since a person waits; the failure threshold's time is the manifest's.
INTERVAL_SECONDS = 0.1
_DEFAULTS = {"initialDelaySeconds": 0, "periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": 3}
# What the operator adds to a container that has none.
_OPERATOR = {"tcpSocket": {"port": "http"}}


class NotReady(Exception):
    """A probe does not succeed in the time that it has."""


async def ready(
    container: Container, given: Ports, client: aiohttp.ClientSession, *, deadline_seconds: float
) -> None:
    """Wait until the startup probe and then the readiness probe of ``container`` succeed.

    Raises:
        NotReady: one of them does not within the time that the manifest gives; for the readiness
            probe, which has none, within ``deadline_seconds``.
        NotRunnable: a probe is not an HTTP request or a connection to a port that the container has.
    """
    startup = container.raw.get("startupProbe")
    if startup is not None:
        probe = _DEFAULTS | startup
        allowed = probe["initialDelaySeconds"] + probe["periodSeconds"] * probe["failureThreshold"]
        await _succeed(container, given, client, "startupProbe", probe, allowed)
    probe = _DEFAULTS | container.raw.get("readinessProbe", _OPERATOR)
    await _succeed(container, given, client, "readinessProbe", probe, deadline_seconds)


async def _succeed(
    container: Container,
    given: Ports,
    client: aiohttp.ClientSession,
    kind: str,
    probe: Mapping[str, Any],
    allowed: float,
) -> None:
    action = next((probe[name] for name in ("httpGet", "tcpSocket") if name in probe), None)
    where = f"{container.path}.{kind} of container {container.name}"
    if action is None:
        raise NotRunnable(f"{where} has neither httpGet nor tcpSocket: the local run knows these two only")
    port = _port(container, given, where, action.get("port"))
    message = ""
    try:
        async with asyncio.timeout(allowed):
            while True:
                if "httpGet" in probe:
                    url = f"http://{HOST}:{port}{action.get('path', '/')}"
                    message = await _get(client, url, probe["timeoutSeconds"])
                else:
                    message = await _connect(port)
                if not message:
                    return
                await asyncio.sleep(INTERVAL_SECONDS)
    except TimeoutError as error:
        raise NotReady(f"is not ready after {allowed:g} s, the time of its {kind}: {message}") from error


def _port(container: Container, given: Ports, where: str, port: Any) -> int:
    """Return the port that stands for the one that a probe calls by name or, where it is declared, by number."""
    ports = asdict(given)
    declared = {entry.get("containerPort"): entry.get("name") for entry in container.raw.get("ports", [])}
    name = declared.get(port, port)
    if name not in ports:
        raise NotRunnable(f"{where} asks port {port!r}: must be one of {', '.join(ports)}")
    return int(ports[name])


async def _get(client: aiohttp.ClientSession, url: str, seconds: float) -> str:
    """Return what is wrong with the answer; nothing is with a status from 200 to 399."""
    try:
        async with client.get(url, timeout=aiohttp.ClientTimeout(total=seconds)) as answer:
            if answer.status < 400:
                return ""
            return f"{url} answered {answer.status} {(await answer.text(errors='replace'))[:500]}".strip()
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"{url} does not answer ({type(error).__name__})"


async def _connect(port: int) -> str:
    """Return why no connection can be made."""
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError as error:
        return f"{HOST}:{port} takes no connection ({error.strerror})"
    writer.close()
    return ""
