"""Policies about models: pinned by content, and what runs is what node.yaml says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitops.check.policies.names import INITIALIZER
from gitops.check.policy import Breach, policy
from gitops.check.tree import Rendered
from gitops.node import FIELDS
from gitops.pods import Container

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@policy
def model_digest(rendered: Rendered) -> Iterator[Breach]:
    """A model is pinned by its content's digest: fetch refuses any other bytes."""
    for owner, container in _initializers(rendered):
        source, digest = fetched(container)
        if not _real(digest):
            yield Breach(
                owner,
                f"{container.path}.args pin {source or 'no model'} by {digest or 'no digest'}",
                "set modelDigest in node.yaml to what `python -m server inspect` prints for the model",
            )


@policy
def node_fields(rendered: Rendered) -> Iterator[Breach]:
    """An overlay's node.yaml has the fields that base/node reads: another one would do nothing."""
    if rendered.node is None:
        return
    for field in rendered.node.fields:
        if field not in FIELDS:
            yield Breach(
                rendered.node.title,
                f"spec.{field} is unknown",
                f"remove it or correct its name; the fields are {', '.join(FIELDS)}",
            )


@policy
def node_values(rendered: Rendered) -> Iterator[Breach]:
    """What is rendered is what node.yaml says: it is the table that people review."""
    if rendered.node is None:
        return
    fix = "change it in node.yaml, and let the replacement of base/node fill it"
    for owner, container in _initializers(rendered):
        source, digest = fetched(container)
        for field, value, expected in (
            ("modelUri", source, rendered.node.model_uri),
            ("modelDigest", digest, rendered.node.model_digest),
        ):
            if value != expected:
                yield Breach(
                    owner, f"{container.path}.args have {value!r}, node.yaml's {field} is {expected!r}", fix
                )
    for deployment in rendered.deployments:
        for predictor in deployment.predictors[:1]:
            graph = predictor.graph
            xtype = next((entry.value for entry in graph.parameters if entry.name == "xtype"), "")
            for field, path, value, expected in (
                ("type", "type", graph.type, rendered.node.type),
                ("xtype", "parameters: xtype", xtype, rendered.node.xtype),
            ):
                if value != expected:
                    yield Breach(
                        deployment.title,
                        f"{graph.path}.{path} is {value!r}, node.yaml's {field} is {expected!r}",
                        fix,
                    )


def _initializers(rendered: Rendered) -> Iterator[tuple[str, Container]]:
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            for pod in predictor.pods:
                for container in pod.init_containers:
                    if container.name.endswith(f"-{INITIALIZER}"):
                        yield deployment.title, container


def fetched(container: Container) -> tuple[str, str]:
    """Return source and digest of ``fetch SOURCE DEST --digest DIGEST``, empty where they are missing."""
    args = container.args
    source = args[1] if args[:1] == ("fetch",) and len(args) > 1 else ""
    digest = args[args.index("--digest") + 1] if "--digest" in args[:-1] else ""
    return source, digest


def _real(digest: str) -> bool:
    """Whether it can be the digest of something: one digit repeated is a stand-in."""
    return _DIGEST.fullmatch(digest) is not None and len(set(digest.removeprefix("sha256:"))) > 1
