"""Policies about what leads to a deployment from outside of it."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.check.policy import Breach, policy
from gitops.manifests.rendered import Rendered
from gitops.manifests.seldondeployment import title

ROUTES = ("HTTPRoute", "GRPCRoute")


@policy
def route_backend(rendered: Rendered) -> Iterator[Breach]:
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
                    yield Breach(
                        title(entry),
                        f"spec.rules[{number}].backendRefs[{place}].name is {backend.get('name')!r}",
                        f"lead it to {' or '.join(services) or 'a deployment of this kustomization'}, or mark it "
                        'config.kubernetes.io/local-config: "true" where a graph takes it along from a node',
                    )
