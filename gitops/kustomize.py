"""Rendering a kustomization with the pinned kustomize, and reading what it printed."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path
from typing import Any

import yaml

from gitops.errors import BuildFailed
from gitops.tools import tool

# The names that kustomize looks for: https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#kustomization
FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# A local build takes less than a second; what fetches from afar and hangs must end.
TIMEOUT_SECONDS = 120

_log = logging.getLogger(__name__)


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: an unquoted date stays a string."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def build(folder: Path) -> list[dict[str, Any]]:
    """Return the objects that ``kustomize build`` renders for ``folder``, in its order.

    What kustomize warns of is logged.

    Raises:
        BuildFailed: kustomize refuses the folder, or does not end; the message holds its words.
        ToolNotBuilt: kustomize itself cannot be had.
    """
    try:
        done = subprocess.run(
            [tool("kustomize"), "build", folder],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildFailed(f"kustomize build {folder}: no answer after {TIMEOUT_SECONDS} s") from error
    said = done.stderr.strip()
    if done.returncode != 0:
        raise BuildFailed(f"kustomize build {folder}: {said or f'exit status {done.returncode}'}")
    if said:
        _log.warning("kustomize build %s: %s", folder, said)
    return parse(done.stdout, origin=f"kustomize build {folder}")


def parse(text: str, *, origin: str) -> list[dict[str, Any]]:
    """Return the objects of a YAML stream; empty documents are left out.

    Raises:
        BuildFailed: the text is no YAML, or a document in it is no object; the message starts with ``origin``.
    """
    try:
        documents = [document for document in yaml.load_all(text, Loader=_Loader) if document is not None]
    except yaml.YAMLError as error:
        raise BuildFailed(f"{origin}: {error}") from error
    for document in documents:
        if not isinstance(document, dict):
            raise BuildFailed(f"{origin}: {document!r}: must be an object with apiVersion and kind")
    return documents
