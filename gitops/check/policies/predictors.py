"""Policies about predictors: what Seldon's validating webhook refuses, said before anything is applied.

Source: https://github.com/SeldonIO/seldon-core/blob/v1.17.1/operator/apis/machinelearning.seldon.io/v1/seldondeployment_webhook.go
"""

from __future__ import annotations

from collections.abc import Iterator

from gitops.check.policy import Breach, policy
from gitops.manifests.rendered import Rendered
from gitops.manifests.seldondeployment import NO_ENGINE, SeldonDeployment

_CHOICES = {
    "protocol": ("seldon", "tensorflow", "kfserving", "v2"),
    "transport": ("rest", "grpc"),
    "serverType": ("rpc", "kafka"),
}
_KAFKA = ("KAFKA_BROKER", "KAFKA_INPUT_TOPIC", "KAFKA_OUTPUT_TOPIC")


@policy
def predictor_name(rendered: Rendered) -> Iterator[Breach]:
    """A SeldonDeployment has predictors, each with a name of its own: Seldon names their Services by it."""
    for deployment in rendered.deployments:
        names = [predictor.name for predictor in deployment.predictors]
        if not names:
            yield Breach(deployment.title, "spec.predictors is empty", "add a predictor")
        for index, predictor in enumerate(deployment.predictors):
            if predictor.name in names[:index]:
                yield Breach(
                    deployment.title,
                    f"{predictor.path}.name is {predictor.name!r}, as another predictor's",
                    "give each predictor a name of its own",
                )


@policy
def traffic(rendered: Rendered) -> Iterator[Breach]:
    """The traffic of several predictors adds up to 100: Seldon refuses to guess where the rest goes."""
    for deployment in rendered.deployments:
        shares = [
            entry.raw.get("traffic") or 0 for entry in deployment.predictors if not entry.raw.get("shadow")
        ]
        alone = len(deployment.predictors) == 1
        if sum(shares) != 100 and (len(shares) > 1 or (alone and sum(shares) > 0)):
            yield Breach(
                deployment.title,
                f"traffic of its predictors is {' + '.join(str(share) for share in shares)} = {sum(shares)}",
                "let it add up to 100, or leave it out where there is one predictor",
            )


@policy
def shadow(rendered: Rendered) -> Iterator[Breach]:
    """A shadow stands beside a predictor that answers, the only one, with a share of 0 to 100: Seldon refuses others."""
    for deployment in rendered.deployments:
        shadows = [entry for entry in deployment.predictors if entry.raw.get("shadow")]
        if len(shadows) > 1:
            names = ", ".join(entry.name for entry in shadows)
            yield Breach(deployment.title, f"has {len(shadows)} shadows: {names}", "keep one")
        if shadows and len(deployment.predictors) == 1:
            yield Breach(
                deployment.title,
                f"its only predictor {shadows[0].name} is a shadow",
                "add the predictor whose requests it gets",
            )
        for entry in shadows:
            share = entry.raw.get("traffic") or 0
            if not 0 <= share <= 100:
                yield Breach(deployment.title, f"{entry.path}.traffic is {share}", "set it to 0 to 100")


@policy
def protocol(rendered: Rendered) -> Iterator[Breach]:
    """Protocol, transport and server type are ones that Seldon knows: it refuses others."""
    for deployment in rendered.deployments:
        spec = deployment.raw["spec"]
        for field, choices in _CHOICES.items():
            value = spec.get(field) or choices[0]
            if value not in choices:
                yield Breach(
                    deployment.title, f"spec.{field} is {value!r}", f"set it to one of {', '.join(choices)}"
                )
        if spec.get("serverType") == "kafka":
            for predictor in deployment.predictors:
                given = {entry.get("name") for entry in predictor.raw.get("svcOrchSpec", {}).get("env", ())}
                missing = [name for name in _KAFKA if name not in given]
                if missing:
                    yield Breach(
                        deployment.title,
                        f"{predictor.path}.svcOrchSpec.env has no {', '.join(missing)}",
                        "add what the orchestrator needs for serverType kafka",
                    )


@policy
def endpoint_type(rendered: Rendered) -> Iterator[Breach]:
    """The nodes speak one transport, the deployment's: the orchestrator speaks only one inside a graph."""
    for deployment in rendered.deployments:
        found = _endpoint_types(deployment)
        transport = deployment.raw["spec"].get("transport")
        if len(found) > 1 or (transport and found and found != {transport.upper()}):
            both = f", spec.transport is {transport}" if transport else ""
            yield Breach(
                deployment.title,
                f"endpoint.type of its nodes is {', '.join(sorted(found))}{both}",
                "remove endpoint.type from the nodes and set spec.transport",
            )


@policy
def no_engine(rendered: Rendered) -> Iterator[Breach]:
    """Only a graph of one node goes without the orchestrator: nobody else leads requests through several."""
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            nodes = [node.name for node in predictor.graph.walk()]
            if NO_ENGINE in predictor.annotations and len(nodes) > 1:
                yield Breach(
                    deployment.title,
                    f"{predictor.path}.annotations has {NO_ENGINE}, and the graph has the nodes {', '.join(nodes)}",
                    "remove the annotation: its presence counts, whatever its value",
                )


def _endpoint_types(deployment: SeldonDeployment) -> set[str]:
    return {
        kind
        for predictor in deployment.predictors
        for node in predictor.graph.walk()
        if (kind := (node.raw.get("endpoint") or {}).get("type"))
    }
