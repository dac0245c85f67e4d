"""site/: what is rendered has its values from site.yaml, and from nowhere else."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.check import check
from gitops.manifests import site
from gitops.manifests.applications import CLUSTER_WIDE, applications
from gitops.manifests.kustomize import build
from gitops.manifests.tree import load
from gitops.policies.evaluation import findings
from gitops.seal.command import seal
from tests.gitops.policies.copies import Copy
from tests.project import FOLDERS, MANIFESTS

COMPONENTS = ("environment-cache", "gateway", "high-availability", "network-policy")
BUILT = (
    "argocd",
    "flux",
    "base/secrets",
    *(f"overlays/{folder.name}" for folder in (MANIFESTS / "overlays").iterdir()),
)
LINES = (
    "REGISTRY_USERNAME=me\nREGISTRY_TOKEN=x\nAWS_ACCESS_KEY_ID=key\nAWS_SECRET_ACCESS_KEY=x\n"
    "AWS_ENDPOINT_URL=https://s3.example.com\nUSE_SSL=true\n"
)


def values(text: str) -> dict[tuple[str, ...], str]:
    """Return the values of a site.yaml by their paths below spec."""

    def leaves(value: Any, *path: str) -> Any:
        if isinstance(value, Mapping):
            for key, entry in value.items():
                yield from leaves(entry, *path, key)
        else:
            yield path, value

    return dict(leaves(yaml.safe_load(text)["spec"]))


KEYS = list(values((MANIFESTS / site.FILE).read_text()))


def chosen(key: tuple[str, ...], mark: str) -> str:
    """Return a value of ``key`` that stands for nothing else."""
    name = "-".join([mark, *(part.lower() for part in key)])
    return {
        ("repository", "url"): f"https://git.example.com/{name}",
        ("image",): f"registry.example.com/{name}/seldon-mlflow-server",
        ("argocd", "application"): f"{name}-{{{{.spec.deployment}}}}",
    }.get(key, name)


def marked(root: Path, mark: str) -> Path:
    """Return a copy of the manifests with a site of its own, and every component switched on where it can be."""
    for name in FOLDERS:
        shutil.copytree(MANIFESTS / name, root / name)
    file = root / site.FILE
    file.write_text(site.edited(file.read_text(), {key: chosen(key, mark) for key in KEYS}))
    used = "".join(f"  - ../../components/{name}\n" for name in COMPONENTS)
    for node in root.glob("overlays/*/node.yaml"):
        overlay = node.with_name("kustomization.yaml")
        overlay.write_text(
            overlay.read_text().replace("  - ../../base/node\n", f"  - ../../base/node\n{used}")
        )
    seal([], root=root, environ={}, lines=io.StringIO(LINES), ask=None, out=io.StringIO())
    return root


def rendered(root: Path) -> list[str]:
    """Return all that is rendered, an object each, without what only the cluster can read."""
    found = []
    for folder in BUILT:
        for entry in build(root / folder):
            if entry["kind"] == "SealedSecret":
                del entry["spec"]["encryptedData"]
            found.append(f"{folder}: {json.dumps(entry, sort_keys=True)}")
    return sorted(found)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marked(tmp_path_factory.mktemp("one"), "one")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marked(tmp_path_factory.mktemp("two"), "two")


@pytest.fixture
def tree(tmp_path: Path) -> Copy:
    """A copy of the manifests."""
    for name in FOLDERS:
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    return Copy(tmp_path)


@pytest.mark.long
def test_every_value_is_right_in_every_folder_with_every_component(two: Path) -> None:
    assert [str(finding) for finding in findings(load(two)) if finding.level == "error"] == []


@pytest.mark.parametrize("key", KEYS, ids=".".join)
def test_a_value_is_rendered_wherever_the_one_before_was(one: Path, two: Path, key: tuple[str, ...]) -> None:
    before, after = "\n".join(rendered(one)), "\n".join(rendered(two))
    assert chosen(key, "one") in before
    assert chosen(key, "one") not in after
    assert before.count(chosen(key, "one")) == after.count(chosen(key, "two"))


def test_nothing_else_changes(one: Path, two: Path) -> None:
    assert sorted(entry.replace("one-", "two-") for entry in rendered(one)) == rendered(two)


def test_nothing_else_names_a_value_of_the_project_s_own(two: Path) -> None:
    text = "\n".join(rendered(two))
    own = set(values((MANIFESTS / site.FILE).read_text()).values())
    # Words that mean something else too, and are no values there.
    words = {"argocd", "main", "seldon", "{{.spec.deployment}}"}
    assert {value for value in own - words if value in text} == set()
    assert re.findall(r'"[^"]*": "(?:seldon|main)"', text) == []
    assert "/seldon/seldon/" not in text


def test_each_deployment_has_an_application_with_the_prefix(two: Path) -> None:
    found = applications(load(two))
    assert found is not None
    assert {entry.name for entry in found.known} == {
        "two-argocd-secretsapplication",
        *(f"two-argocd-application-graph-iris-{node}" for node in ("model", "postprocessor", "preprocessor")),
    }


def test_what_has_no_namespace_gets_none() -> None:
    text = (MANIFESTS / site.FOLDER / "kustomization.yaml").read_text()
    rejected = yaml.safe_load(text)["replacements"][0]["targets"][0]["reject"]
    assert {kind for entry in rejected for kind in entry["kind"].split("|")} == {
        *CLUSTER_WIDE,
        "SealedSecret",
    }


OBJECT = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: labels
data:
  class: iris
"""


def test_an_object_of_an_overlay_s_own_gets_the_namespace(one: Path, tmp_path: Path) -> None:
    root = shutil.copytree(one, tmp_path / "tree")
    (root / "overlays/model/configmap.yaml").write_text(OBJECT)
    file = root / "overlays/model/kustomization.yaml"
    file.write_text(file.read_text().replace("  - node.yaml\n", "  - node.yaml\n  - configmap.yaml\n"))
    objects = build(root / "overlays/model")
    assert "labels" in {entry["metadata"]["name"] for entry in objects}
    assert {entry["metadata"]["namespace"] for entry in objects} == {"one-namespace"}


def test_an_overlay_may_have_a_namespace_of_its_own(one: Path, tmp_path: Path) -> None:
    root = shutil.copytree(one, tmp_path / "tree")
    file = root / "overlays/model/kustomization.yaml"
    file.write_text(f"{file.read_text()}namespace: another\n")
    assert {entry["metadata"]["namespace"] for entry in build(root / "overlays/model")} == {"another"}


def test_a_composed_deployment_is_not_filled_again(tree: Copy) -> None:
    # By a patch Kustomize forgets that the site has filled the object before it was named.
    with (tree.root / "base/kustomization.yaml").open("a") as file:
        file.write(
            "patches:\n"
            "  - target: {kind: SeldonDeployment}\n"
            "    patch: |-\n"
            "      - {op: replace, path: /spec/predictors/0/replicas, value: 2}\n"
        )
    own = f"registry.example.com/iris/seldon-mlflow-server@sha256:{'1' * 64}"
    with (tree.root / "overlays/model/kustomization.yaml").open("a") as file:
        name, digest = own.split("@")
        file.write(
            f"images: [{{name: ghcr.io/owner/seldon-mlflow-server, newName: {name}, digest: {digest!r}}}]\n"
        )
    for overlay, index in (("model", 0), ("pipeline", 2)):
        (deployment,) = [
            e for e in build(tree.root / f"overlays/{overlay}") if e["kind"] == "SeldonDeployment"
        ]
        pod = deployment["spec"]["predictors"][0]["componentSpecs"][index]["spec"]
        assert {entry["image"] for entry in (*pod["initContainers"], *pod["containers"])} == {own}


@pytest.mark.long
def test_a_component_that_forgets_the_site_is_found(tree: Copy) -> None:
    folder = tree.root / "components/labels"
    folder.mkdir(parents=True)
    (folder / "configmap.yaml").write_text(OBJECT)
    (folder / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [configmap.yaml]\n"
    )
    assert tree.errors() == [
        "error[namespace] components/labels\n"
        "  ConfigMap labels: has no metadata.namespace\n"
        "  policy: An object names its namespace: it must not depend on who applies it\n"
        "  fix: add ../../site to the components of the kustomization.yaml that it is listed in"
    ]


@pytest.mark.long
def test_a_namespace_of_someone_else_s_is_not_rendered(tree: Copy) -> None:
    tree.edit("base/secrets/kustomization.yaml", "  - namespace.yaml\n", "")
    assert tree.errors() == []
    (tree.root / "base/secrets/namespace.yaml").unlink()
    # What only the namespace needs.
    tree.edit(
        "argocd/appproject.yaml",
        '  clusterResourceWhitelist:\n    - {group: "", kind: Namespace, name: <namespace>}\n',
        "",
    )
    file = tree.root / "argocd/kustomization.yaml"
    file.write_text(file.read_text().partition("  # Not needed where")[0])
    assert tree.errors() == []


@pytest.mark.parametrize(
    ("pattern", "new", "said"),
    [
        (
            "namespace: seldon$",
            "namespace: Seldon_1",
            "spec.namespace is 'Seldon_1': must be a DNS label: up to 63 of a–z, 0–9 and -, a letter or digit first and last",
        ),
        (
            "  objectStoreSecret: .*\n",
            "",
            "spec.objectStoreSecret is missing: must be a DNS subdomain: up to 253 of a–z, 0–9, - and ., a letter or digit "
            "first and last",
        ),
        (
            "  gateway:\n",
            "  team: iris\n  gateway:\n",
            "spec.team is unknown: correct or remove it; spec has repository, image, imageRepository, namespace, imagePullSecret, "
            "objectStoreSecret, gateway, argocd",
        ),
        (
            "seldon-mlflow-server$",
            "server:v1",
            "spec.image is 'ghcr.io/owner/server:v1': must be registry, owner and name of the image without tag and digest, "
            "as in ghcr.io/owner/seldon-mlflow-server: containers are known by the name seldon-mlflow-server, and "
            "base/kustomization.yaml pins the digest",
        ),
        (
            "'{{.spec.deployment}}'",
            "model",
            "spec.argocd.application is 'model': must be {{.spec.deployment}}, with a–z, 0–9, - and . before or after it: "
            "each deployment has an Application of its own",
        ),
        ("kind: Site", "kind: Sites", "must hold one object of the kind Site"),
    ],
    ids=["no label", "missing", "unknown", "tag", "one Application for all", "kind"],
)
def test_a_wrong_value_is_one_finding(tree: Copy, pattern: str, new: str, said: str) -> None:
    file = tree.root / site.FILE
    text, count = re.subn(pattern, new, file.read_text(), flags=re.MULTILINE)
    assert count == 1
    file.write_text(text)
    out = io.StringIO()
    assert check(tree.root, out) == 1
    (error,) = [
        entry for entry in re.split(r"^(?=\S)", out.getvalue(), flags=re.MULTILINE) if entry[:5] == "error"
    ]
    assert error.startswith(f"error[shape] site\n  kustomization: site/site.yaml: {said}\n")
    assert "are made of it" in error


@pytest.mark.long
def test_another_namespace_asks_for_new_seals(tree: Copy) -> None:
    tree.edit(site.FILE, "  namespace: seldon\n", "  namespace: models\n")
    assert {error.partition("]")[0] for error in tree.errors()} == {"error[sealed-namespace"}
    sealed = tree.broken("sealed-namespace", "base/secrets")
    assert [line for error in sealed for line in error.splitlines() if "fix" in line] == 2 * [
        "  fix: seal all again for it: `make seal` (docs/secrets.md), or correct spec.namespace in site/site.yaml"
    ]
    seal([], root=tree.root, environ={}, lines=io.StringIO(LINES), ask=None, out=io.StringIO())
    assert tree.errors() == []
