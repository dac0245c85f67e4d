"""A deployment of two replicas while its pods change: nobody who asks it notices."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gitops.local.demo import read_expected
from gitops.manifests.site import read_site
from tests.cluster.conftest import Cluster, overlay
from tests.project import MANIFESTS

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]

REQUEST = read_expected(MANIFESTS / "overlays" / "model").request
URL = "http://graph-iris-model-model:9000/api/v1.0/predictions"
NO_IMAGE = f"{os.environ.get('IMAGE', '').partition('@')[0]}@sha256:{'1' * 64}"
NOWHERE = "http://127.0.0.1:9/"


@dataclass(frozen=True)
class Served:
    cluster: Cluster
    objects: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return str(self.deployment["metadata"]["name"])

    @property
    def deployment(self) -> dict[str, Any]:
        (found,) = (entry for entry in self.objects if entry["kind"] == "Deployment")
        return found

    def pods(self) -> set[str]:
        return {pod["metadata"]["name"] for pod in self.cluster.namespace.pods()}


@pytest.fixture(scope="module")
def served(cluster: Cluster) -> Iterator[Served]:
    made = cluster.objects(overlay("model"), replicas=2)
    cluster.namespace.apply(made)
    try:
        cluster.namespace.rolled_out(made)
        yield Served(cluster, made)
    finally:
        cluster.namespace.delete(made)


def test_a_pod_is_deleted_under_load(served: Served) -> None:
    namespace, victim = served.cluster.namespace, min(served.pods())
    with served.cluster.helper.load(URL, REQUEST) as load:
        namespace.kubectl("delete", "pod", victim, "--wait")
        namespace.rolled_out(served.objects)
    assert load.failed == ()
    assert load.answered > 0


def test_a_rollout_under_load(served: Served) -> None:
    namespace, before = served.cluster.namespace, served.pods()
    with served.cluster.helper.load(URL, REQUEST) as load:
        namespace.kubectl("rollout", "restart", f"deployment/{served.name}")
        namespace.rolled_out(served.objects)
        namespace.until("the old pods are gone", lambda: before.isdisjoint(served.pods()))
    assert load.failed == ()
    assert load.answered > 0


def wrong_image(pod: dict[str, Any]) -> None:
    pod["containers"][0]["image"] = pod["initContainers"][0]["image"] = NO_IMAGE


def wrong_digest(pod: dict[str, Any]) -> None:
    pod["initContainers"][0]["args"][4] = "sha256:" + "1" * 64


def wrong_credentials(pod: dict[str, Any]) -> None:
    assert pod["initContainers"][0]["envFrom"] == [
        {"secretRef": {"name": read_site(MANIFESTS).object_store_secret}}
    ]
    pod["initContainers"][0].setdefault("env", []).append({"name": "AWS_SECRET_ACCESS_KEY", "value": "wrong"})


def unreachable_index(pod: dict[str, Any]) -> None:
    (index,) = (entry for entry in pod["initContainers"][1]["env"] if entry["name"] == "UV_DEFAULT_INDEX")
    index["value"] = NOWHERE


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (wrong_image, f'Back-off pulling image "{NO_IMAGE}"'),
        (wrong_digest, f"the pinned one is sha256:{'1' * 64}; nothing of it is kept"),
        (wrong_credentials, "correct the secret of the store's key (AWS_SECRET_ACCESS_KEY)"),
        (unreachable_index, NOWHERE),
    ],
    ids=["image", "digest", "credentials", "index"],
)
def test_a_change_that_cannot_start_leaves_the_old_pods_serving(
    served: Served, break_it: Callable[[dict[str, Any]], None], said: str
) -> None:
    namespace, before = served.cluster.namespace, served.pods()
    # As it runs: a restart has left its mark in it.
    running = namespace.get("deployment", served.name)
    del running["metadata"]["resourceVersion"]
    broken = copy.deepcopy(running)
    break_it(broken["spec"]["template"]["spec"])
    try:
        with served.cluster.helper.load(URL, REQUEST) as load:
            namespace.replace(broken)
            namespace.until(f"a container's message has {said!r}", lambda: said in namespace.reasons())
            assert before <= served.pods()
        assert load.failed == ()
        assert load.answered > 0
    finally:
        namespace.replace(running)
        namespace.rolled_out(served.objects)
        namespace.until("only the old pods are left", lambda: served.pods() == before)
