"""Policies about models: pinned by content, and what runs is what node.yaml says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitops.manifests.graphnode import INITIALIZER, fetch_arguments, is_immutable
from gitops.manifests.pod import Container
from gitops.manifests.rendered import Rendered
from gitops.policies.policy import Violation, policy

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# A version of a registered model, or the id of a logged one: https://mlflow.org/docs/latest/ml/model-registry/
# What the verb fetch takes.
_PLACE = re.compile(r"((s3|gs|az|abfss?|wasbs?|https?)://[^/\s]+|file:///|(models|runs):/)\S+")


@policy
def model_digest(rendered: Rendered) -> Iterator[Violation]:
    """A model is pinned by its content's digest: fetch refuses any other bytes."""
    for owner, container in _initializers(rendered):
        source, digest = fetch_arguments(container)
        if not _real(digest):
            yield Violation(
                owner,
                f"{container.path}.args pin {source or 'no model'} by {digest or 'no digest'}",
                "let `make promote` pin the model: modelDigest is sha256: and 64 hexadecimal digits",
            )
    for owner, path, uri in _seldons_own(rendered):
        yield Violation(
            owner,
            f"{path} is {uri!r}, which Seldon's own initializer copies unseen",
            f"remove it, and let an init container <node>-{INITIALIZER} fetch the model with its digest",
        )


@policy
def model_uri(rendered: Rendered) -> Iterator[Violation]:
    """A modelUri is one that pods can fetch, and means one model for ever: an alias or a stage means another one tomorrow."""
    for owner, container in _initializers(rendered):
        source, _ = fetch_arguments(container)
        if source.startswith("models:") and not is_immutable(source):
            yield Violation(
                owner,
                f"{container.path}.args fetch {source}",
                "set modelUri in node.yaml to the version behind it, as in models:/name/3, "
                "and modelFrom to the alias",
            )
        elif source and not source.startswith("<") and not _PLACE.fullmatch(source):
            yield Violation(
                owner,
                f"{container.path}.args fetch {source}",
                "set modelUri in node.yaml to a place that pods can read, as in s3://bucket/folder or models:/name/3",
            )


@policy
def node_values(rendered: Rendered) -> Iterator[Violation]:
    """What is rendered is what node.yaml says: it is the table that people review."""
    if rendered.node is None:
        return
    fix = "change it in node.yaml, and let the replacement of base/node fill it"
    for owner, container in _initializers(rendered):
        source, digest = fetch_arguments(container)
        for field, value, expected in (
            ("modelUri", source, rendered.node.model_uri),
            ("modelDigest", digest, rendered.node.model_digest),
        ):
            if value != expected:
                yield Violation(
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
                    yield Violation(
                        deployment.title,
                        f"{graph.path}.{path} is {value!r}, node.yaml's {field} is {expected!r}",
                        fix,
                    )


def _initializers(rendered: Rendered) -> Iterator[tuple[str, Container]]:
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            for pod in predictor.pods:
                for container in pod.init_containers:
                    if container.name.endswith(f"-{INITIALIZER}") or container.args[:1] == ("fetch",):
                        yield deployment.title, container


def _seldons_own(rendered: Rendered) -> Iterator[tuple[str, str, str]]:
    """Yield owner, path and value of the model URIs that Seldon's storage initializer follows."""
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            parts = [(node.path, node.raw) for node in predictor.graph.walk()]
            parts.append((f"{predictor.path}.explainer", predictor.raw.get("explainer") or {}))
            for path, raw in parts:
                if raw.get("modelUri"):
                    yield deployment.title, f"{path}.modelUri", raw["modelUri"]


def _real(digest: str) -> bool:
    """Whether it can be the digest of something: one digit repeated is a stand-in."""
    return _DIGEST.fullmatch(digest) is not None and len(set(digest.removeprefix("sha256:"))) > 1
