"""Policies about predictors and their routes: what Seldon's validating webhook refuses, before anything is applied.

Source: https://github.com/SeldonIO/seldon-core/blob/v1.17.1/operator/apis/machinelearning.seldon.io/v1/seldondeployment_webhook.go
"""

from __future__ import annotations

from collections.abc import Iterator

from gitops.manifests.rendered import Rendered
from gitops.manifests.seldondeployment import NO_ENGINE, SELDON, V2, SeldonDeployment, title
from gitops.policies.policy import Violation, policy

_CHOICES = {
    "protocol": ("seldon", "tensorflow", "kfserving", "v2"),
    "transport": ("rest", "grpc"),
    "serverType": ("rpc", "kafka"),
}
_KAFKA = ("KAFKA_BROKER", "KAFKA_INPUT_TOPIC", "KAFKA_OUTPUT_TOPIC")


@policy
def predictor_name(rendered: Rendered) -> Iterator[Violation]:
    """A SeldonDeployment has predictors, each with a name of its own: Seldon names their Services by it."""
    for deployment in rendered.deployments:
        names = [predictor.name for predictor in deployment.predictors]
        if not names:
            yield Violation(deployment.title, "spec.predictors is empty", "add a predictor")
        for index, predictor in enumerate(deployment.predictors):
            if predictor.name in names[:index]:
                yield Violation(
                    deployment.title,
                    f"{predictor.path}.name is {predictor.name!r}, as another predictor's",
                    "give each predictor a name of its own",
                )


@policy
def traffic(rendered: Rendered) -> Iterator[Violation]:
    """The traffic of several predictors adds up to 100: Seldon refuses to guess where the rest goes."""
    for deployment in rendered.deployments:
        shares = [
            entry.raw.get("traffic") or 0 for entry in deployment.predictors if not entry.raw.get("shadow")
        ]
        alone = len(deployment.predictors) == 1
        if sum(shares) != 100 and (len(shares) > 1 or (alone and sum(shares) > 0)):
            yield Violation(
                deployment.title,
                f"traffic of its predictors is {' + '.join(str(share) for share in shares)} = {sum(shares)}",
                "let it add up to 100, or leave it out where there is one predictor",
            )


@policy
def shadow(rendered: Rendered) -> Iterator[Violation]:
    """A shadow stands beside a predictor that answers, the only one, with a share of 0 to 100: Seldon refuses others."""
    for deployment in rendered.deployments:
        shadows = [entry for entry in deployment.predictors if entry.raw.get("shadow")]
        if len(shadows) > 1:
            names = ", ".join(entry.name for entry in shadows)
            yield Violation(deployment.title, f"has {len(shadows)} shadows: {names}", "keep one")
        if shadows and len(deployment.predictors) == 1:
            yield Violation(
                deployment.title,
                f"its only predictor {shadows[0].name} is a shadow",
                "add the predictor whose requests it gets",
            )
        for entry in shadows:
            share = entry.raw.get("traffic") or 0
            if not 0 <= share <= 100:
                yield Violation(deployment.title, f"{entry.path}.traffic is {share}", "set it to 0 to 100")


@policy
def protocol(rendered: Rendered) -> Iterator[Violation]:
    """Protocol, transport and server type are ones that Seldon knows: it refuses others."""
    for deployment in rendered.deployments:
        spec = deployment.raw["spec"]
        for field, choices in _CHOICES.items():
            value = spec.get(field) or choices[0]
            if value not in choices:
                yield Violation(
                    deployment.title, f"spec.{field} is {value!r}", f"set it to one of {', '.join(choices)}"
                )
        if spec.get("serverType") == "kafka":
            for predictor in deployment.predictors:
                given = {entry.get("name") for entry in predictor.raw.get("svcOrchSpec", {}).get("env", ())}
                missing = [name for name in _KAFKA if name not in given]
                if missing:
                    yield Violation(
                        deployment.title,
                        f"{predictor.path}.svcOrchSpec.env has no {', '.join(missing)}",
                        "add what the orchestrator needs for serverType kafka",
                    )


@policy
def graph_protocol(rendered: Rendered) -> Iterator[Violation]:
    """A graph of several nodes speaks Seldon's protocol, and its smoke test asks by it: v2 has no names or meta from node to node."""
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            nodes = [node.name for node in predictor.graph.walk()]
            if deployment.protocol != SELDON and len(nodes) > 1:
                yield Violation(
                    deployment.title,
                    f"spec.protocol is {deployment.protocol!r}, and the graph has the nodes {', '.join(nodes)}",
                    f"remove it, or set it to {SELDON}: clients of {V2} ask deployments of a single node",
                )


@policy
def smoke_protocol(rendered: Rendered) -> Iterator[Violation]:
    """The smoke test asks by the deployment's protocol, as its clients do: what it does not ask it does not test."""
    protocols = {deployment.protocol for deployment in rendered.deployments}
    for entry in rendered.objects:
        if entry.get("kind") != "Job":
            continue
        for container in entry["spec"]["template"]["spec"]["containers"]:
            args = container.get("args") or ()
            asked = next((arg.partition("=")[2] for arg in args if arg.startswith("--protocol=")), SELDON)
            if args[:1] == ["smoke"] and asked not in protocols:
                yield Violation(
                    title(entry),
                    f"asks by the protocol {asked!r}, the deployment's is {', '.join(sorted(protocols))!r}",
                    "switch components/open-inference-protocol on in overlays of a single node, whose deployment and smoke test get both their protocol "
                    "by it; a graph is of overlays without it",
                )


@policy
def endpoint_type(rendered: Rendered) -> Iterator[Violation]:
    """The nodes speak one transport, the deployment's: the orchestrator speaks only one inside a graph."""
    for deployment in rendered.deployments:
        found = _endpoint_types(deployment)
        transport = deployment.raw["spec"].get("transport")
        if len(found) > 1 or (transport and found and found != {transport.upper()}):
            both = f", spec.transport is {transport}" if transport else ""
            yield Violation(
                deployment.title,
                f"endpoint.type of its nodes is {', '.join(sorted(found))}{both}",
                "remove endpoint.type from the nodes and set spec.transport",
            )


@policy
def no_engine(rendered: Rendered) -> Iterator[Violation]:
    """Only a graph of one node goes without the orchestrator: nobody else leads requests through several."""
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            nodes = [node.name for node in predictor.graph.walk()]
            if NO_ENGINE in predictor.annotations and len(nodes) > 1:
                yield Violation(
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


ROUTES = ("HTTPRoute", "GRPCRoute")


@policy
def route_backend(rendered: Rendered) -> Iterator[Violation]:
    """A route leads to a deployment that is rendered with it: another may be gone, and two routes share no path."""
    services = [
        f"{deployment.name}-{predictor.name}"
        for deployment in rendered.deployments
        for predictor in deployment.predictors
    ]
    for entry in rendered.objects:
        if entry.get("kind") not in ROUTES:
            continue
        for number, rule in enumerate(entry.get("spec", {}).get("rules") or ()):
            for place, backend in enumerate(rule.get("backendRefs") or ()):
                if backend.get("kind", "Service") == "Service" and backend.get("name") not in services:
                    yield Violation(
                        title(entry),
                        f"spec.rules[{number}].backendRefs[{place}].name is {backend.get('name')!r}",
                        f"lead it to {' or '.join(services) or 'a deployment of this kustomization'}, or mark it "
                        'config.kubernetes.io/local-config: "true" where a graph takes it along from a node',
                    )
