"""What argocd/ gives Argo CD, as it is rendered."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.manifests.applications import applications
from gitops.manifests.kustomize import build
from gitops.manifests.site import read_site
from gitops.manifests.tree import load
from gitops.policies.argocd import OPERATOR_KINDS
from tests.project import MANIFESTS

URL = read_site(MANIFESTS).url


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    return {entry["kind"]: entry for entry in build(MANIFESTS / "argocd")}


def test_every_overlay_with_a_node_has_an_application_named_by_its_deployment() -> None:
    found = applications(load(MANIFESTS))
    assert found is not None
    assert found.unknown == ()
    assert {entry.name: entry.folders for entry in found.known} == {
        "graph-iris-model": ("overlays/model",),
        "graph-iris-postprocessor": ("overlays/postprocessor",),
        "graph-iris-preprocessor": ("overlays/preprocessor",),
        "seldon-secrets": ("base/secrets",),
    }


def test_all_of_it_reads_the_repository_of_the_site(objects: dict[str, Any]) -> None:
    assert "<" not in str({kind: entry for kind, entry in objects.items() if kind != "ConfigMap"})
    assert objects["AppProject"]["spec"]["sourceRepos"] == [URL]
    assert objects["Application"]["spec"]["source"] == {
        "repoURL": URL,
        "targetRevision": "main",
        "path": "base/secrets",
    }
    generator = objects["ApplicationSet"]["spec"]["generators"][0]["git"]
    assert (generator["repoURL"], generator["revision"]) == (URL, "main")
    assert objects["ApplicationSet"]["spec"]["template"]["spec"]["source"] == {
        "repoURL": URL,
        "targetRevision": "main",
        "path": "{{.path.path}}",
    }


def test_every_application_is_kept_as_it_is_in_git(objects: dict[str, Any]) -> None:
    template = objects["ApplicationSet"]["spec"]["template"]
    for spec in (template["spec"], objects["Application"]["spec"]):
        policy = spec["syncPolicy"]
        assert policy["automated"] == {"prune": True, "selfHeal": True}
        assert policy["syncOptions"] == ["ServerSideApply=true", "PruneLast=true"]
        assert policy["retry"]["limit"] > 0
        assert policy["retry"]["refresh"] is True
        assert spec["project"] == objects["AppProject"]["metadata"]["name"]
    assert objects["ApplicationSet"]["spec"]["goTemplateOptions"] == ["missingkey=error"]


def test_the_health_check_goes_into_argo_cds_own_config_map_and_nothing_else_does(
    objects: dict[str, Any],
) -> None:
    found = objects["ConfigMap"]
    assert (found["metadata"]["name"], found["metadata"]["namespace"]) == ("argocd-cm", "argocd")
    assert found["metadata"]["labels"] == {"app.kubernetes.io/part-of": "argocd"}
    assert found["data"] == {
        "resource.customizations.health.machinelearning.seldon.io_SeldonDeployment": (
            MANIFESTS / "argocd/health.lua"
        ).read_text()
    }


def test_a_project_of_one_repository_and_one_namespace(objects: dict[str, Any]) -> None:
    spec = objects["AppProject"]["spec"]
    assert spec["destinations"] == [{"server": "https://kubernetes.default.svc", "namespace": "seldon"}]
    assert spec["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace", "name": "seldon"}]


def test_the_project_allows_what_it_shows_and_no_overlay_renders_that(objects: dict[str, Any]) -> None:
    allowed = {
        (entry["group"], entry["kind"])
        for entry in objects["AppProject"]["spec"]["namespaceResourceWhitelist"]
    }
    assert allowed >= {
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("", "Pod"),
        ("", "Service"),
        ("autoscaling", "HorizontalPodAutoscaler"),
    }
    rendered = {
        (entry["apiVersion"].rpartition("/")[0], entry["kind"])
        for folder, result in load(MANIFESTS).rendered.items()
        if folder.startswith(("overlays/", "base/", "components/"))
        for entry in result.objects
    }
    # What is allowed for another reason than to be shown is used; Namespace is of the cluster.
    assert allowed - set(OPERATOR_KINDS) == rendered - {("", "Namespace")}
