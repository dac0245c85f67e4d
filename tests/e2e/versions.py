"""The versions that the cluster's parts are tried with, and the commands that install them."""

from __future__ import annotations

import shlex

SELDON_CORE = "1.17.1"
# The controller of the kubeseal in tools/go.mod.
SEALED_SECRETS = "0.40.0"
ARGO_CD = "3.5.7"
# Its node image is Kubernetes 1.34, by digest, and Go's checksum database knows it.
KIND = "0.30.0"

Command = tuple[str, ...]
_APPLY = ("kubectl", "apply", "--server-side", "--filename")

SELDON_CORE_COMMANDS: tuple[Command, ...] = (
    (
        *("helm", "upgrade", "--install", "seldon-core", "seldon-core-operator", "--version", SELDON_CORE),
        *("--repo", "https://storage.googleapis.com/seldon-charts"),
        *("--namespace", "seldon-system", "--create-namespace", "--wait", "--timeout", "10m"),
    ),
)
SEALED_SECRETS_COMMANDS: tuple[Command, ...] = (
    (
        *_APPLY,
        f"https://github.com/bitnami-labs/sealed-secrets/releases/download/v{SEALED_SECRETS}/controller.yaml",
    ),
    (
        *(
            "kubectl",
            "--namespace",
            "kube-system",
            "rollout",
            "status",
            "deployment/sealed-secrets-controller",
        ),
        "--timeout=5m",
    ),
)
ARGO_CD_COMMANDS: tuple[Command, ...] = (
    ("kubectl", "create", "namespace", "argocd"),
    (
        *(*_APPLY, f"https://raw.githubusercontent.com/argoproj/argo-cd/v{ARGO_CD}/manifests/install.yaml"),
        *("--namespace", "argocd"),
    ),
)


def shown(commands: tuple[Command, ...]) -> str:
    """Return the commands as a person types them."""
    return " && ".join(map(shlex.join, commands))
