"""Everything that starts pods: SeldonDeployments, and Kubernetes' own workloads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.manifests import SeldonDeployment, title
from gitops.pods import Container, Pod, read_pod
from gitops.shape import Part

# Where each kind keeps its PodSpec: https://kubernetes.io/docs/concepts/workloads/
_TEMPLATES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("v1", "Pod"): ("spec",),
    ("v1", "ReplicationController"): ("spec", "template", "spec"),
    ("apps", "Deployment"): ("spec", "template", "spec"),
    ("apps", "StatefulSet"): ("spec", "template", "spec"),
    ("apps", "DaemonSet"): ("spec", "template", "spec"),
    ("apps", "ReplicaSet"): ("spec", "template", "spec"),
    ("batch", "Job"): ("spec", "template", "spec"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
}
_ENDING = ("Job", "CronJob")


@dataclass(frozen=True)
class Workload:
    """A pod and whose it is. ``ends`` says that it runs to an end, as a Job's does."""

    title: str
    namespace: str
    pod: Pod
    ends: bool

    @property
    def containers(self) -> Iterator[Container]:
        """The init containers, then the containers."""
        yield from self.pod.init_containers
        yield from self.pod.containers


def workloads(
    objects: Iterable[Mapping[str, Any]], deployments: Iterable[SeldonDeployment]
) -> Iterator[Workload]:
    """Yield the pods of ``deployments``, then those of the other rendered ``objects``.

    Raises:
        BadManifest: a pod has a shape that Kubernetes does not allow.
    """
    for deployment in deployments:
        for predictor in deployment.predictors:
            for pod in predictor.pods:
                yield Workload(deployment.title, deployment.namespace, pod, ends=False)
    for entry in objects:
        kind = str(entry.get("kind"))
        path = _TEMPLATES.get((str(entry.get("apiVersion")).partition("/")[0], kind))
        if path is not None:
            part = Part(title(entry), "", entry)
            namespace = part.part("metadata").text("namespace", "")
            for key in path:
                part = part.part(key)
            yield Workload(title(entry), namespace, read_pod(part), ends=kind in _ENDING)
