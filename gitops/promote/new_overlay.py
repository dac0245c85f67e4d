"""``python -m gitops new-overlay``: a folder of overlays/ with a deployment of one node, for a model to be promoted into."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TextIO

from gitops.command import Run
from gitops.errors import BadArgument
from gitops.files import write_all
from gitops.manifests import graphnode
from gitops.manifests.graphnode import parse_node, read_node
from gitops.manifests.overlay import Overlay
from gitops.manifests.rendered import OVERLAYS, node_files
from gitops.manifests.seldondeployment import SELDON
from gitops.promote.promotion import add_example, promote_into
from server.api.node import ROLES
from server.pins.protocols import PROTOCOLS

# The Service of its pods is called <deployment>-<node>, which Kubernetes allows 63 characters, and both have this name.
LONGEST = 31
NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../base
  - node.yaml
components:
  - ../../base/node
{component}configMapGenerator:
  - name: {name}-requirements
    files: [requirements.lock]
  - name: {name}-expected
    files: [expected.json]
"""
NODE = """\
# yaml-language-server: $schema=../../gitops/schemas/graphnode.json
apiVersion: gitops.local/v1
kind: GraphNode
metadata:
  name: {name}
  annotations:
    config.kubernetes.io/local-config: "true"
spec:
  deployment: {name}
  node: {name}
  type: {type}
  modelUri: <modelUri>
  modelDigest: <modelDigest>
  xtype: auto
"""
# What makes its clients speak the Open Inference Protocol.
COMPONENT = "  - ../../components/open-inference-protocol\n"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("--type", default="MODEL", help="type of the graph node (MODEL)")
    parser.add_argument("--protocol", default=SELDON, help="what its clients speak: seldon or v2 (seldon)")
    parser.add_argument("--model", default="", help="promote this model into it, as promote does")
    add_example(parser)
    parser.add_argument("name", metavar="NAME", help="name of the folder, the node and the deployment")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return new_overlay(
            root,
            arguments.name,
            arguments.type,
            arguments.model,
            sys.stdout,
            protocol=arguments.protocol,
            example=arguments.example,
        )

    return run


def new_overlay(
    root: Path, name: str, type_: str, model: str, out: TextIO, *, protocol: str = SELDON, example: str = ""
) -> int:
    """Add the overlay ``name`` to the tree below ``root``, a graph node of ``type_``, and promote ``model`` into it.

    Its clients speak ``protocol``, one of PROTOCOLS.

    All of it is written, or nothing. Without a ``model`` the overlay waits for one, and does not render before.

    It is run on ``example`` as ``promote`` has it.

    Returns:
        0.

    Raises:
        BadArgument: the name, type or protocol cannot be one, or the name is taken.
        GitopsError: the promotion fails (gitops.promote.promotion).
        NotWritten: a file cannot be written.
    """
    _check(root, name, type_)
    if protocol not in PROTOCOLS:
        raise BadArgument(
            f"protocol {protocol!r}: must be one of {', '.join(PROTOCOLS)}; say it by PROTOCOL=…"
        )
    if example and not model:
        raise BadArgument(f"EXAMPLE {example!r}: is for a model, and none is given; say MODEL=… too")
    folder = f"{OVERLAYS}/{name}"
    component = "" if protocol == SELDON else COMPONENT
    texts = {
        f"{folder}/kustomization.yaml": KUSTOMIZATION.format(name=name, component=component),
        f"{folder}/{graphnode.FILE}": NODE.format(name=name, type=type_),
    }
    if model:
        text = texts[f"{folder}/{graphnode.FILE}"]
        overlay = Overlay(folder, text, parse_node(text, origin=f"{folder}/{graphnode.FILE}"))
        promote_into(root, overlay, model, out, example=example, new=texts)
        return 0
    for file in write_all({root / path: text for path, text in texts.items()}):
        out.write(f"{file.relative_to(root)}: written\n")
    out.write(
        f"It has no model yet, and `make check` says so until it has: make promote OVERLAY={name} MODEL=models:/name@alias\n"
    )
    return 0


def _check(root: Path, name: str, type_: str) -> None:
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        raise BadArgument(
            f"overlay name {name!r}: must be 1 to {LONGEST} of a–z, 0–9 and -, a letter first and no - last: Kubernetes "
            "names a Service by it; give it as in `make new-overlay NAME=churn`"
        )
    if type_ not in ROLES:
        raise BadArgument(f"type {type_!r}: must be one of {', '.join(ROLES)}; say it by TYPE=…")
    if (root / OVERLAYS / name).exists():
        raise BadArgument(
            f"overlay name {name!r}: {OVERLAYS}/{name} is there already; choose another, or `make promote OVERLAY={name}`"
        )
    for file in node_files(root):
        other = read_node(file.parent)
        if other is not None and other.deployment == name:
            raise BadArgument(
                f"overlay name {name!r}: {OVERLAYS}/{file.parent.name} deploys under this name; choose another"
            )
