"""What a reviewer must know of a deployment that is new or gone, so that there is nothing to compare it with."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.diff.markdown import code, short
from gitops.diff.model import Model
from gitops.manifests.contract import Column
from gitops.manifests.seldondeployment import SeldonDeployment

Line = tuple[str, str]


def listing(deployment: SeldonDeployment, models: dict[str, Model]) -> Iterator[Line]:
    """Yield what it is, as pairs of a label and Markdown of one line."""
    yield deployment.raw["kind"], f"{code(deployment.name)} in namespace {code(deployment.namespace)}"
    pods = [pod for predictor in deployment.predictors for pod in predictor.pods]
    containers = [container for pod in pods for container in (*pod.init_containers, *pod.containers)]
    for image in sorted({container.image for container in containers}):
        yield "image", code(short(image))
    for predictor in deployment.predictors:
        engine = "without orchestrator" if predictor.no_engine else "with orchestrator"
        yield "predictor", f"{code(predictor.name)}, {engine}, replicas {predictor.replicas}"
        for node in predictor.graph.walk():
            parameters = ", ".join(code(f"{entry.name}={entry.value}") for entry in node.parameters)
            yield f"graph node {code(node.name)}", f"{code(node.type)} {parameters}".strip()
    for node_name, model in models.items():
        yield from _model(f"{code(node_name)}: ", model)
    secrets = {entry.secret for container in containers for entry in container.env_from if entry.secret}
    secrets |= {name for pod in pods for name in pod.image_pull_secrets}
    yield "secrets that it refers to", ", ".join(code(name) for name in sorted(secrets)) or "none"


def _model(owner: str, model: Model) -> Iterator[Line]:
    if model.uri:
        yield f"{owner}model", f"{code(model.uri)} {code(short(model.digest))}"
    if model.contract is not None:
        flavors = (f"{name} {version}".strip() for name, version in sorted(model.contract.flavors.items()))
        yield f"{owner}flavours", ", ".join(map(code, flavors))
        yield f"{owner}inputs", _columns(model.contract.inputs)
        yield f"{owner}outputs", _columns(model.contract.outputs)
        yield f"{owner}Python", code(model.contract.python)
        yield f"{owner}requirements", ", ".join(map(code, model.contract.requirements)) or "none"
    if model.lock is not None:
        yield f"{owner}locked", f"{len(model.lock.requirements.names)} packages with hashes"


def _columns(columns: tuple[Column, ...] | None) -> str:
    if columns is None:
        return "no signature"
    return ", ".join(
        f"{code(entry.label)} {code(entry.type)}{'' if entry.required else ' (optional)'}"
        for entry in columns
    )
