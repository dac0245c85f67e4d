"""A real Prometheus beside a run: it scrapes the containers and evaluates the rules as components/monitoring has it."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from gitops.errors import BadManifest, StartFailed
from gitops.local import ports
from gitops.local.operator import METRICS_ENDPOINT
from gitops.local.ports import HOST
from gitops.local.process import Process
from gitops.local.run import LocalDeployment, Run
from gitops.tools import tool

NAME = "prometheus"
RULES = "components/monitoring/prometheusrule.yaml"
DASHBOARD = "components/monitoring/dashboard.json"
# A person waits for the first points.
INTERVAL = "5s"
START_SECONDS = 60.0


@asynccontextmanager
async def prometheus(running: Run, *, root: Path, state: Path) -> AsyncIterator[str]:
    """Run Prometheus over the deployments of ``running`` until the block ends; yield the address of its API.

    Its configuration, data and log are in ``state``/prometheus; what an earlier run scraped is removed.

    Raises:
        BadManifest: ``root`` has no PrometheusRule in components/monitoring.
        StartFailed: it ends, or is not ready in time.
        ToolNotBuilt: it cannot be had.
    """
    groups = _groups(root / RULES)
    binary = await asyncio.to_thread(tool, NAME)
    folder = state / NAME
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rules, config = folder / "rules.yaml", folder / "prometheus.yaml"
    # JSON is YAML.
    rules.write_text(json.dumps({"groups": groups}))
    config.write_text(json.dumps(configuration(running.deployments, rules)))
    (port,) = ports.free(1)
    process = await Process.start(
        (
            str(binary),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={HOST}:{port}",
            "--log.level=warn",
        ),
        {"HOME": str(folder)},
        folder=folder,
        log=folder / "log",
        group=running.group,
    )
    url = f"http://{HOST}:{port}"
    try:
        await _ready(process, url, running.client)
        yield url
    finally:
        await process.stop()


def _groups(file: Path) -> list[Any]:
    """Return the groups of rules of the PrometheusRule in ``file``."""
    try:
        groups: list[Any] = yaml.safe_load(file.read_text())["spec"]["groups"]
    except FileNotFoundError as error:
        raise BadManifest(
            f"{file}: there is no such file; `make demo` without MONITORING=1 needs none"
        ) from error
    return groups


def configuration(deployments: Sequence[LocalDeployment], rules: Path) -> dict[str, Any]:
    """Return a configuration with the containers as targets, labelled as by the PodMonitor in a cluster.

    Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/
    """
    return {
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": [str(rules)],
        "scrape_configs": [
            {
                "job_name": "models",
                "metrics_path": METRICS_ENDPOINT,
                "static_configs": [entry for deployment in deployments for entry in _targets(deployment)],
            }
        ],
    }


def _targets(deployment: LocalDeployment) -> Iterator[dict[str, Any]]:
    overlay = deployment.overlay
    for index, pod in enumerate(deployment.pods):
        # So the operator names its Deployment, and labels the pods by it.
        app = f"{overlay.deployment.name}-{overlay.predictor.name}-{index}-{next(iter(pod.ports))}"
        for container, given in pod.ports.items():
            yield {
                "targets": [f"{HOST}:{given.metrics}"],
                "labels": {
                    "namespace": overlay.deployment.namespace,
                    "seldon_deployment_id": overlay.deployment.name,
                    "app": app,
                    "pod": pod.name,
                    "container": container,
                },
            }


async def _ready(process: Process, url: str, client: aiohttp.ClientSession) -> None:
    until = time.monotonic() + START_SECONDS
    while process.running and time.monotonic() < until:
        try:
            async with client.get(f"{url}/-/ready") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass  # It does not listen yet.
        await asyncio.sleep(0.1)
    if process.running:
        raise StartFailed(f"{NAME} is not ready after {START_SECONDS:g} s\n{process.last_lines()}")
    raise StartFailed(f"{NAME} {process.ending()}")
