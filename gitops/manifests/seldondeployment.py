"""A typed, read-only view of rendered SeldonDeployments, for the policies, the diff and the local run.

Source: the SeldonDeployment v1 API (https://docs.seldon.io/projects/seldon-core/en/v1.17.1/reference/seldon-deployment.html)
and Kubernetes' PodSpec. Every part keeps ``path``, where it stands in its object, and ``raw``, all that was written there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.manifests.pod import Container, Pod, read_pod
from gitops.manifests.unstructured import Unstructured

API_GROUP = "machinelearning.seldon.io"
KIND = "SeldonDeployment"
NO_ENGINE = "seldon.io/no-engine"
# The protocols that this project's server speaks. Seldon's older name of the second is kfserving.
SELDON, V2 = "seldon", "v2"
DEFAULT_NAMESPACE = "default"


def protocol(raw: Mapping[str, Any]) -> str:
    """Return what clients of a SeldonDeployment speak."""
    given = str(raw["spec"].get("protocol") or SELDON)
    return V2 if given == "kfserving" else given


@dataclass(frozen=True)
class Parameter:
    """A graph parameter: ``value`` is always a string, ``type`` one of INT, FLOAT, DOUBLE, STRING, BOOL."""

    name: str
    value: str
    type: str
    path: str


@dataclass(frozen=True)
class Node:
    """A node of the inference graph. ``type`` is empty where the manifest leaves it out."""

    name: str
    type: str
    implementation: str
    parameters: tuple[Parameter, ...]
    children: tuple[Node, ...]
    path: str
    raw: Mapping[str, Any]

    @property
    def implemented(self) -> bool:
        """Whether Seldon itself brings what the node runs: a prepackaged server, or a part of the orchestrator."""
        return self.implementation not in ("", "UNKNOWN_IMPLEMENTATION")

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Predictor:
    """A predictor: a graph, and the pods (componentSpecs) that hold its containers.

    ``replicas`` is how many there are of a pod that does not say that itself, ``pod_replicas`` how many of each.
    """

    name: str
    annotations: Mapping[str, str]
    replicas: int
    graph: Node
    pods: tuple[Pod, ...]
    pod_replicas: tuple[int, ...]
    path: str
    raw: Mapping[str, Any]

    @property
    def no_engine(self) -> bool:
        """Whether the operator leaves out the orchestrator, judged as the operator does."""
        return self.annotations.get(NO_ENGINE, "").lower() == "true"

    @property
    def containers(self) -> tuple[Container, ...]:
        """The containers of all pods in order: the operator numbers their ports in this order."""
        return tuple(container for pod in self.pods for container in pod.containers)

    def pod_of(self, node: str) -> Pod | None:
        """Return the pod that holds the container of the graph node ``node``."""
        return next((pod for pod in self.pods if pod.container(node) is not None), None)


@dataclass(frozen=True)
class SeldonDeployment:
    """A rendered SeldonDeployment."""

    name: str
    namespace: str
    annotations: Mapping[str, str]
    predictors: tuple[Predictor, ...]
    raw: Mapping[str, Any]

    @property
    def protocol(self) -> str:
        """What its clients speak."""
        return protocol(self.raw)

    @property
    def title(self) -> str:
        """How messages name it: kind and name."""
        return title(self.raw)


def seldon_deployments(objects: Iterable[Mapping[str, Any]]) -> list[SeldonDeployment]:
    """Return the SeldonDeployments among the rendered ``objects``.

    Raises:
        BadManifest: one of them has a shape that its kind does not allow.
    """
    return [seldon_deployment(entry) for entry in objects if is_seldon_deployment(entry)]


def is_seldon_deployment(entry: Mapping[str, Any]) -> bool:
    """Whether a rendered object is a SeldonDeployment of any version."""
    group = str(entry.get("apiVersion", "")).partition("/")[0]
    return group == API_GROUP and entry.get("kind") == KIND


def title(entry: Mapping[str, Any]) -> str:
    """Return how messages name an object: kind and name."""
    metadata = entry.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return f"{entry.get('kind', 'object without kind')} {name or 'without name'}"


def seldon_deployment(entry: Mapping[str, Any]) -> SeldonDeployment:
    """Return the view of one rendered SeldonDeployment.

    Raises:
        BadManifest: it has a shape that its kind does not allow.
    """
    root = Unstructured(title(entry), "", entry)
    metadata, spec = root.part("metadata"), root.part("spec")
    return SeldonDeployment(
        name=metadata.text("name"),
        namespace=metadata.text("namespace", DEFAULT_NAMESPACE),
        annotations=metadata.mapping("annotations"),
        predictors=tuple(_predictor(part, spec.number("replicas", 1)) for part in spec.parts("predictors")),
        raw=entry,
    )


def _predictor(part: Unstructured, default: int) -> Predictor:
    replicas = part.number("replicas", default)
    return Predictor(
        name=part.text("name"),
        annotations=part.mapping("annotations"),
        replicas=replicas,
        graph=_node(part.part("graph")),
        pods=tuple(read_pod(spec.part("spec")) for spec in part.parts("componentSpecs")),
        pod_replicas=tuple(spec.number("replicas", replicas) for spec in part.parts("componentSpecs")),
        path=part.path,
        raw=part.raw,
    )


def _node(part: Unstructured) -> Node:
    return Node(
        name=part.text("name"),
        type=part.text("type", ""),
        implementation=part.text("implementation", ""),
        parameters=tuple(
            Parameter(entry.text("name"), entry.text("value"), entry.text("type"), entry.path)
            for entry in part.parts("parameters")
        ),
        children=tuple(_node(child) for child in part.parts("children")),
        path=part.path,
        raw=part.raw,
    )
