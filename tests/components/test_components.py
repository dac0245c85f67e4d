"""All components: each is right in every overlay of a node, and those for secrets in base/secrets."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from gitops.manifests.tree import load
from gitops.policies.evaluation import findings
from tests.project import MANIFESTS

OVERLAYS = sorted(folder.relative_to(MANIFESTS).as_posix() for folder in (MANIFESTS / "overlays").iterdir())
# The open-inference-protocol is for no node of a graph, and has tests of its own.
COMPONENTS = sorted(
    folder.name for folder in (MANIFESTS / "components").iterdir() if folder.name != "open-inference-protocol"
)
# For base/secrets, with the lines of its kustomization that each replaces.
OF_SECRETS = {
    "external-secrets": ("sealedsecret-image-pull.yaml", "sealedsecret-object-store.yaml"),
    "service-account": (),
    "monitoring": (),
}
# What a component of overlays needs in base/secrets, and what is of no use there then.
WITH = {
    "public-image": ((), ("sealedsecret-image-pull.yaml",)),
    "public-store": ((), ("sealedsecret-object-store.yaml",)),
    **dict.fromkeys(
        ("workload-identity", "workload-identity-aws", "workload-identity-azure"),
        (("service-account",), ("sealedsecret-object-store.yaml",)),
    ),
}
# The others of one overlay are another identity, or none.
COMBINED = (
    *("environment-cache", "gateway", "high-availability"),
    *("network-policy", "public-image", "workload-identity-aws"),
)
# What people write in place of an identity that is an example.
OWN = {
    "111122223333": "444455556666",
    "your-account": "models",
    "00000000-0000-0000-0000-000000000000": "5f0c1a52-9e0b-4a3c-8f1e-6a2b7c9d0e11",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("argocd", "base", "overlays", "site"):
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    return tmp_path


def copy_component(root: Path, name: str) -> None:
    """Copy a component with those that it is made of; the others would be built too."""
    folder = root / "components" / name
    if not folder.exists():
        shutil.copytree(MANIFESTS / "components" / name, folder)
        for file in folder.glob("*.yaml"):
            text = file.read_text()
            for example, own in OWN.items():
                text = text.replace(example, own)
            file.write_text(text)
        for other in yaml.safe_load((folder / "kustomization.yaml").read_text()).get("components", ()):
            if not (folder / other).exists():
                copy_component(root, Path(other).name)


def use_in_overlays(root: Path, names: Iterable[str]) -> None:
    for name in names:
        copy_component(root, name)
    used = "".join(f"  - ../../components/{name}\n" for name in names)
    nodes = sorted(root.glob("overlays/*/node.yaml"))
    assert len(nodes) == 3
    for node in nodes:
        file = node.with_name("kustomization.yaml")
        file.write_text(file.read_text().replace("  - ../../base/node\n", f"  - ../../base/node\n{used}"))


def change_secrets(root: Path, names: Iterable[str], without: Iterable[str]) -> None:
    """List components in base/secrets, and the files ``without`` no more."""
    file = root / "base/secrets/kustomization.yaml"
    text = file.read_text()
    for name in names:
        copy_component(root, name)
    for line in without:
        assert f"  - {line}\n" in text
        text = text.replace(f"  - {line}\n", "")
    used = "".join(f"  - ../../components/{name}\n" for name in names)
    file.write_text(f"{text}{used}")


def errors(root: Path) -> list[str]:
    return [str(finding) for finding in findings(load(root)) if finding.level == "error"]


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_is_right_by_itself(root: Path, name: str) -> None:
    if name in OF_SECRETS:
        change_secrets(root, [name], OF_SECRETS[name])
    else:
        use_in_overlays(root, [name])
        change_secrets(root, *WITH.get(name, ((), ())))
    assert errors(root) == []


def test_components_are_right_beside_each_other(root: Path) -> None:
    use_in_overlays(root, COMBINED)
    change_secrets(
        root,
        ["service-account"],
        ["sealedsecret-image-pull.yaml", "sealedsecret-object-store.yaml"],
    )
    assert errors(root) == []


@pytest.mark.parametrize("name", sorted(WITH))
@pytest.mark.long
def test_what_says_how_pods_read_and_pull_can_be_said_for_all_in_the_base(root: Path, name: str) -> None:
    copy_component(root, name)
    file = root / "base/node/kustomization.yaml"
    file.write_text(
        file.read_text().replace("  - ../../site\n", f"  - ../../site\n  - ../../components/{name}\n")
    )
    change_secrets(root, *WITH[name])
    assert errors(root) == []
    in_base = {folder: entry.objects for folder, entry in load(root).rendered.items() if entry.overlay}
    shutil.copy(MANIFESTS / "base/node/kustomization.yaml", file)
    use_in_overlays(root, [name])
    assert in_base == {
        folder: entry.objects for folder, entry in load(root).rendered.items() if entry.overlay
    }


def test_external_secrets_make_what_make_seal_makes(root: Path) -> None:
    change_secrets(root, ["external-secrets"], ())
    assert [line.partition("\n")[0] for line in errors(root)] == ["error[secret-source] base/secrets"] * 2


def test_keys_of_a_store_that_count_before_an_identity_are_said(root: Path) -> None:
    use_in_overlays(root, ["workload-identity-aws"])
    change_secrets(root, ["service-account"], ())
    found = {line.partition("\n")[0] for line in errors(root)}
    assert found == {f"error[identity-keys] {folder}" for folder in OVERLAYS}
