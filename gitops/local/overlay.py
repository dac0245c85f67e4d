"""An overlay as the local run takes it: one SeldonDeployment with one predictor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitops.errors import BadArgument, BadManifest, NotRunnable
from gitops.local import routes
from gitops.manifests import kustomize
from gitops.manifests.kustomization import FILES
from gitops.manifests.seldondeployment import SELDON, Predictor, SeldonDeployment, seldon_deployments
from server.errors import BadExpectation, BadSetting
from server.pins import expectation, protocols
from server.pins.expectation import Expectation
from server.pins.protocols import SeldonProtocol


@dataclass(frozen=True)
class LocalOverlay:
    """A rendered overlay.

    ``calls`` are those of its graph; none where the container itself answers outside. ``config_maps`` holds the
    data of its ConfigMaps by name.
    """

    folder: Path
    deployment: SeldonDeployment
    predictor: Predictor
    calls: tuple[routes.Call, ...]
    config_maps: Mapping[str, Mapping[str, str]]

    @property
    def name(self) -> str:
        """The overlay's folder name."""
        return self.folder.name

    @property
    def path(self) -> str:
        """Where the deployment is answered, as behind Seldon's ingress; predictions are below it."""
        return f"/seldon/{self.deployment.namespace}/{self.deployment.name}"

    @property
    def protocol(self) -> SeldonProtocol:
        """How it is asked.

        Raises:
            NotRunnable: by a protocol that the local run does not speak.
        """
        try:
            return protocols.protocol(self.deployment.protocol, self.predictor.graph.name)
        except BadSetting as error:
            raise NotRunnable(f"spec.protocol of {self.deployment.title}: {error}") from error

    @property
    def request_path(self) -> dict[str, str]:
        """The meta.requestPath of an answer: the image of each graph node."""
        images = {container.name: container.image for container in self.predictor.containers}
        return {node.name: images[node.name] for node in self.predictor.graph.walk()}


def find(root: Path, names: Sequence[str]) -> list[Path]:
    """Return the overlay folders below ``root``/overlays, or of these only the ones in ``names``.

    Raises:
        BadArgument: there is no overlay, or none of such a name.
    """
    folders = sorted({path.parent for file in FILES for path in (root / "overlays").glob(f"*/{file}")})
    known = [folder.name for folder in folders]
    for name in names:
        if name not in known:
            raise BadArgument(f"no overlay {name!r}: there are {', '.join(known) or 'none'}")
    chosen = [folder for folder in folders if not names or folder.name in names]
    if not chosen:
        raise BadArgument(f"{root / 'overlays'} holds no folder with a {FILES[0]}; add an overlay")
    return chosen


def load(folder: Path) -> LocalOverlay:
    """Render the overlay in ``folder``.

    Raises:
        BuildFailed: kustomize refuses it.
        BadManifest: its SeldonDeployment has a shape that is not allowed.
        NotRunnable: the local run has no stand-in for it.
    """
    objects = kustomize.build(folder)
    deployments = seldon_deployments(objects)
    if len(deployments) != 1:
        raise NotRunnable(
            f"it renders {len(deployments)} SeldonDeployments: must be one, since an overlay is one deployment"
        )
    (deployment,) = deployments
    if len(deployment.predictors) != 1:
        raise NotRunnable(
            f"{deployment.title} has {len(deployment.predictors)} predictors: the local run does not split traffic, "
            "it must be one"
        )
    (predictor,) = deployment.predictors
    if 0 in predictor.pod_replicas:
        raise NotRunnable(
            f"{predictor.path} of {deployment.title} has 0 replicas: on a cluster no pod runs and nothing answers, so "
            "neither does it here; set 1 or more, or remove the overlay"
        )
    for node in predictor.graph.walk():
        if predictor.pod_of(node.name) is None:
            raise NotRunnable(
                f"{node.path} of {deployment.title} is node {node.name!r}: no container has this name"
            )
    calls = routes.calls(predictor.graph)
    config_maps = {
        entry["metadata"]["name"]: entry.get("data") or {}
        for entry in objects
        if entry["kind"] == "ConfigMap"
    }
    overlay = LocalOverlay(folder, deployment, predictor, () if predictor.no_engine else calls, config_maps)
    if len(calls) > 1 and deployment.protocol != SELDON:
        raise NotRunnable(
            f"spec.protocol of {deployment.title} is {deployment.protocol!r}: a graph of several nodes speaks {SELDON}"
        )
    return overlay


def read_expected(folder: Path) -> Expectation | None:
    """Read the expected.json of the overlay in ``folder``; None where no answer is compared.

    Raises:
        BadManifest: the file is missing, or does not hold a request and a response.
    """
    try:
        return expectation.read(folder / expectation.FILE)
    except BadExpectation as error:
        raise BadManifest(str(error)) from error
