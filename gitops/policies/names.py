"""Policies about names: one word per thing everywhere.

The overlay's folder = predictor = graph node = container = node.yaml's node, which begins the names of the
init containers; the SeldonDeployment is named by node.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator

from gitops.manifests.graphnode import ENVIRONMENT, INITIALIZER
from gitops.manifests.pod import Pod
from gitops.manifests.rendered import Rendered
from gitops.manifests.seldondeployment import SeldonDeployment
from gitops.policies.policy import Violation, policy

# https://docs.seldon.io/projects/seldon-core/en/v1.17.1/python/python_server.html, and what the operator adds to it.
_OPERATOR_PREFIXES = ("PREDICTIVE_UNIT_", "MLSERVER_")
_OPERATOR_NAMES = {"PREDICTOR_ID", "PREDICTOR_LABELS", "SELDON_DEPLOYMENT_ID", "SELDON_EXECUTOR_ENABLED"}


@policy
def folder_name(rendered: Rendered) -> Iterator[Violation]:
    """An overlay's folder, predictor and node have one name: one word per thing."""
    if not rendered.overlay:
        return
    fix = f"name it {rendered.overlay}, or rename the folder"
    for deployment in rendered.deployments:
        for predictor in deployment.predictors[:1]:
            if predictor.name != rendered.overlay:
                yield Violation(deployment.title, f"{predictor.path}.name is {predictor.name!r}", fix)
            if rendered.node and predictor.graph.name != rendered.overlay:
                yield Violation(
                    deployment.title, f"{predictor.graph.path}.name is {predictor.graph.name!r}", fix
                )
    if rendered.node:
        for path, name in (("metadata.name", rendered.node.name), ("spec.node", rendered.node.node)):
            if name != rendered.overlay:
                yield Violation(rendered.node.title, f"{path} is {name!r}", fix)


@policy
def deployment_name(rendered: Rendered) -> Iterator[Violation]:
    """The SeldonDeployment is named by node.yaml: so is its Application."""
    if rendered.node is None:
        return
    for deployment in rendered.deployments:
        if deployment.name != rendered.node.deployment:
            yield Violation(
                deployment.title,
                f"metadata.name is {deployment.name!r}",
                f"node.yaml says deployment: {rendered.node.deployment}; let the replacement of base/node fill it",
            )


@policy
def init_container_name(rendered: Rendered) -> Iterator[Violation]:
    """A node has its initializer and its environment, named by it: without one of them the server finds nothing."""
    for deployment in rendered.deployments:
        for pod, node in _nodes(deployment):
            names = [container.name for container in pod.init_containers]
            for container in pod.init_containers:
                if not container.name.startswith(f"{node}-"):
                    yield Violation(
                        deployment.title,
                        f"{container.path}.name is {container.name!r}",
                        f"let it begin with {node}-, the name of the pod's node",
                    )
            for name in (f"{node}-{INITIALIZER}", f"{node}-{ENVIRONMENT}"):
                if name not in names:
                    yield Violation(
                        deployment.title,
                        f"{pod.path}.initContainers are {', '.join(names) or 'none'}",
                        f"add {name}",
                    )


@policy
def service_type(rendered: Rendered) -> Iterator[Violation]:
    """SERVICE_TYPE is the node's type in the graph: the server answers by it."""
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            types = {node.name: node.type for node in predictor.graph.walk()}
            for container in predictor.containers:
                expected = types.get(container.name)
                variable = container.variable("SERVICE_TYPE")
                value = variable.value if variable else None
                if expected is not None and value != expected:
                    yield Violation(
                        deployment.title,
                        f"{container.path}.env: SERVICE_TYPE is {value!r}, the node's type {expected!r}",
                        "set both by type in node.yaml, which base/node fills in",
                    )


@policy
def operator_env(rendered: Rendered) -> Iterator[Violation]:
    """What the operator sets is not set by hand: a name or port of its own would win."""
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            for container in predictor.containers:
                for variable in container.env:
                    if variable.name.startswith(_OPERATOR_PREFIXES) or variable.name in _OPERATOR_NAMES:
                        yield Violation(
                            deployment.title,
                            f"{variable.path}.name is {variable.name!r}",
                            "remove it; parameters belong in the graph, ports are the operator's",
                        )


def _nodes(deployment: SeldonDeployment) -> Iterator[tuple[Pod, str]]:
    """Yield the graph nodes that have a container, each with its pod."""
    for predictor in deployment.predictors:
        for node in predictor.graph.walk():
            pod = predictor.pod_of(node.name)
            if pod is not None:
                yield pod, node.name
