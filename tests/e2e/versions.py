"""The versions that the cluster's parts are tried with, and the commands that install them."""

from __future__ import annotations

SELDON_CORE = "1.17.1"
# The controller of the kubeseal in tools/go.mod, and what docs/install.md names.
SEALED_SECRETS = "0.40.0"
ARGO_CD = "3.5.7"
# Its default node image is Kubernetes 1.34, by digest.
KIND = "0.30.0"

SELDON_CORE_COMMAND = (
    "helm upgrade --install seldon-core seldon-core-operator --repo https://storage.googleapis.com/seldon-charts "
    f"--version {SELDON_CORE} --namespace seldon-system --create-namespace --wait --timeout 10m"
)
SEALED_SECRETS_COMMAND = (
    "kubectl apply --server-side --filename "
    f"https://github.com/bitnami-labs/sealed-secrets/releases/download/v{SEALED_SECRETS}/controller.yaml"
)
ARGO_CD_COMMAND = (
    "kubectl create namespace argocd; kubectl apply --server-side --namespace argocd --filename "
    f"https://raw.githubusercontent.com/argoproj/argo-cd/v{ARGO_CD}/manifests/install.yaml"
)
