"""A namespace of the cluster with unsealed secrets, the models in its store, and a helper pod.

docs/cluster.md says what has to be there, and by which environment variables it is named.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import obstore
import pytest
from obstore.store import S3Store

from gitops.local.overlay import LocalOverlay, load
from gitops.manifests.image import is_project_image
from gitops.manifests.site import read_site
from gitops.seal.secrets import secrets as secrets_of
from tests.cluster import helper, operator, wheels
from tests.cluster.helper import Helper
from tests.cluster.namespace import Namespace, namespace
from tests.cluster.sealing import seal
from tests.project import MANIFESTS, MODELS


@dataclass(frozen=True)
class Cluster:
    namespace: Namespace
    helper: Helper
    image: str

    def objects(self, overlay: LocalOverlay, *, replicas: int = 1) -> list[dict[str, Any]]:
        """Return what the operator makes of ``overlay``, with the image and the package index of this run."""
        made = operator.objects(overlay, replicas=replicas)
        for entry in made:
            if entry["kind"] == "Deployment":
                self._adapt(entry["spec"]["template"]["spec"])
        return made

    def _adapt(self, pod: dict[str, Any]) -> None:
        for container in (*pod["initContainers"], *pod["containers"]):
            assert is_project_image(container["image"])
            container["image"] = self.image
            # One small node holds all of a graph.
            container["resources"]["requests"]["cpu"] = "20m"
        for container in pod["containers"]:
            (named,) = (entry for entry in container["env"] if entry["name"] == "PREDICTIVE_UNIT_IMAGE")
            named["value"] = self.image
        environment = next(entry for entry in pod["initContainers"] if entry["args"][0] == "environment")
        environment["env"].append({"name": "UV_DEFAULT_INDEX", "value": helper.URL})


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    site = read_site(MANIFESTS)
    wanted = [value for secret in secrets_of(site) for value in secret.values if not value.optional]
    missing = [name for name in ("KUBECONFIG", *(value.name for value in wanted)) if not os.environ.get(name)]
    image = os.environ.get("IMAGE", "")
    if missing or "@sha256:" not in image:
        named = ", ".join([*missing, "IMAGE to one by digest"])
        pytest.skip(f"needs a cluster (docs/cluster.md): set {named}")
    values = {value.name: os.environ[value.name] for value in wanted}
    put_models(values)
    folder = tmp_path_factory.mktemp("cluster")
    with namespace(f"seldon-e2e-{secrets.token_hex(3)}") as made:
        seal(site, made, values, folder)
        pods = helper.objects(image, site.image_pull_secret)
        made.apply(pods)
        made.kubectl("wait", "--for=condition=Ready", f"pod/{helper.NAME}", "--timeout=120s")
        beside = Helper(made)
        python, machine = beside.python(
            "import platform, sys; print('%d.%d' % sys.version_info[:2], platform.machine())"
        ).split()
        index = folder / "wheels"
        wheels.download(index, python, machine, MANIFESTS)
        beside.serve(wheels.archive(index))
        yield Cluster(made, beside, image)


def put_models(values: dict[str, str]) -> None:
    """Put the example models where the overlays expect them, by the address that this machine knows the store by."""
    for folder in sorted(MODELS.iterdir()):
        store = S3Store(
            "mlflow",
            endpoint=os.environ.get("STORE_URL", values["AWS_ENDPOINT_URL"]),
            access_key_id=values["AWS_ACCESS_KEY_ID"],
            secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
            region="us-east-1",
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            obstore.put(store, f"artifacts/{folder.name}/{file.relative_to(folder).as_posix()}", file)


def overlay(name: str) -> LocalOverlay:
    return load(MANIFESTS / "overlays" / name)
