from __future__ import annotations

import pytest

from tests.gitops.check.copies import Copy

POD = "/spec/predictors/0/componentSpecs/0/spec"
SHOWN = "spec.predictors[0].componentSpecs[0].spec"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("AWS_ACCESS_KEY_ID", "hunter2"),
        ("hub_token", "hunter2"),
        ("UV_INDEX_URL", "https://me:hunter2@example.com/simple"),
    ],
)
def test_a_credential_with_its_value(tree: Copy, name: str, value: str) -> None:
    tree.patch("model", f"{POD}/containers/0/env/1", f"{{name: {name}, value: '{value}'}}")
    (error,) = tree.broken("secret-value", "overlays/model")
    assert error == (
        "error[secret-value] overlays/model\n"
        f"  SeldonDeployment graph-iris-model: {SHOWN}.containers[0].env[1]: {name} has its value in the manifest "
        "(not shown)\n"
        "  policy: A secret is referenced by name: its value in git is a leak\n"
        "  fix: take it from a Secret with envFrom or valueFrom.secretKeyRef, and replace the leaked value"
    )
    assert "hunter2" not in error


@pytest.mark.parametrize(
    "variable",
    [
        "{name: TOKENIZERS_PARALLELISM, value: 'false'}",
        "{name: MAX_TOKENS, value: '5'}",
        "{name: UV_INDEX_URL, value: 'https://example.com/simple'}",
        "{name: HUB_TOKEN, valueFrom: {secretKeyRef: {name: hub, key: token}}}",
    ],
)
def test_what_is_no_credential_is_fine(tree: Copy, variable: str) -> None:
    tree.patch("model", f"{POD}/containers/0/env/1", variable)
    assert tree.broken("secret-value", "overlays/model") == []


def test_a_rendered_secret(tree: Copy) -> None:
    tree.append(
        "overlays/model/kustomization.yaml",
        "secretGenerator:\n  - name: store\n    literals: [key=hunter2]\n    options: {disableNameSuffixHash: true}\n",
    )
    assert tree.broken("secret-value", "overlays/model") == [
        "error[secret-value] overlays/model\n"
        "  Secret store: is rendered with its values\n"
        "  policy: A secret is referenced by name: its value in git is a leak\n"
        "  fix: seal it, and refer to it by name"
    ]


REFERENCES = {
    "envFrom": ("{secretRef: {name: seldon-init-container-secret}}", f"{POD}/containers/0/envFrom", "[{}]"),
    "secretKeyRef": (
        "{name: KEY, valueFrom: {secretKeyRef: {name: seldon-init-container-secret, key: AWS_ACCESS_KEY_ID}}}",
        f"{POD}/containers/0/env",
        "[{}]",
    ),
    "volume": (
        "{name: tmp, secret: {secretName: seldon-init-container-secret}}",
        f"{POD}/volumes/2",
        "{}",
    ),
}


@pytest.mark.parametrize("reference", REFERENCES)
def test_the_stores_secret_in_the_container_of_the_model(tree: Copy, reference: str) -> None:
    value, path, form = REFERENCES[reference]
    tree.edit(
        "base/seldondeployment.yaml",
        "                args: [serve, --environment, /mnt/environment]\n",
        "                args: [serve, --environment, /mnt/environment]\n                envFrom: []\n",
    )
    tree.patch("model", path, form.replace("{}", value))
    errors = tree.broken("secret-scope", "overlays/model")
    assert (
        "error[secret-scope] overlays/model\n"
        f"  SeldonDeployment graph-iris-model: {SHOWN}.containers[0] (model) refers to the Secret "
        "seldon-init-container-secret\n"
        "  policy: Only fetch sees the object store's secret: the model's code must not\n"
        "  fix: remove the reference; only <node>-initializer needs it"
    ) in errors
