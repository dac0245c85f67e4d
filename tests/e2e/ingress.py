"""Where the tutorial's address /seldon/NAMESPACE/DEPLOYMENT/api/v1.0/predictions leads in: Istio, a Gateway, or as told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster.kubectl import get, kubectl
from tests.e2e.errors import E2eError
from tests.e2e.rendered import Rendered

# https://docs.seldon.io/projects/seldon-core/en/v1.17.1/graph/annotations.html
_ANNOTATION = "seldon.io/istio-gateway"
_ISTIO = "gateways.networking.istio.io"
_GATEWAY = "gateways.gateway.networking.k8s.io"


@dataclass(frozen=True)
class Ingress:
    """A way in: ``title`` is how messages name it, ``url`` has no path.

    ``grpc`` is its host and port for gRPC, empty where it has none; ``here`` says that this machine asks, since pods may
    not know the address.
    """

    title: str
    url: str
    grpc: str = ""
    here: bool = False


def find(rendered: Rendered, given: str, istio_gateway: str) -> Ingress | None:
    """Return the way to a deployment: the URL ``given``, Istio where the operator makes routes for it, or the Gateway of
    the overlay's own HTTPRoute; None where there is none of them.

    Raises:
        E2eError: there should be one, and it has no address.
        ClusterError: the cluster does not answer.
    """
    if given:
        return Ingress("INGRESS_URL", given, here=True)
    if istio_gateway:
        own = rendered.overlay.deployment
        wanted = (own.raw["spec"].get("annotations") or {}).get(_ANNOTATION, istio_gateway)
        namespace, _, name = wanted.rpartition("/")
        # Without a namespace Istio looks in that of the route.
        found = get(_ISTIO, name, namespace or own.namespace)
        if not found:
            raise E2eError(
                f"Seldon's operator makes routes for the Gateway {wanted} of Istio, which is not there: make it "
                "(https://docs.seldon.io/projects/seldon-core/en/v1.17.1/ingress/istio.html)"
            )
        services = kubectl("get", "services", "--all-namespaces", "--output", "json")
        return istio(wanted, found, json.loads(services)["items"])
    for route in (entry for entry in rendered.objects if entry["kind"] == "HTTPRoute"):
        parent = route["spec"]["parentRefs"][0]
        namespace = parent.get("namespace", route["metadata"]["namespace"])
        return gateway(f"{namespace}/{parent['name']}", get(_GATEWAY, parent["name"], namespace))
    return None


def istio(name: str, found: Mapping[str, Any], services: Iterable[Mapping[str, Any]]) -> Ingress:
    """Return the way through the Gateway ``found`` of Istio: the Service in front of the pods that it selects.

    Raises:
        E2eError: it has no server that speaks HTTP, or there is no such Service.
    """
    wanted = set(found["spec"].get("selector", {}).items())
    ports = [
        server["port"]["number"]
        for server in found["spec"].get("servers", ())
        if server["port"].get("protocol", "").upper() in ("HTTP", "HTTP2")
    ]
    for service in services if wanted and ports else ():
        selector = service["spec"].get("selector") or {}
        offered = {entry["port"] for entry in service["spec"].get("ports", ())}
        if wanted <= selector.items() and ports[0] in offered:
            place = f"{service['metadata']['name']}.{service['metadata']['namespace']}:{ports[0]}"
            return Ingress(f"Istio's Gateway {name}", f"http://{place}", place)
    raise E2eError(
        f"Istio's Gateway {name}: no Service in front of its pods has the port of an HTTP server of it; set INGRESS_URL"
    )


def gateway(name: str, found: Mapping[str, Any]) -> Ingress:
    """Return the way through the Gateway ``found`` of the Gateway API, by its own address.

    Raises:
        E2eError: it is not there, has no address, or no listener that speaks HTTP.
    """
    addresses = [entry["value"] for entry in found.get("status", {}).get("addresses", ())]
    ports = [
        entry["port"] for entry in found.get("spec", {}).get("listeners", ()) if entry["protocol"] == "HTTP"
    ]
    if not addresses or not ports:
        raise E2eError(f"Gateway {name}: is not there, or has no address or HTTP listener; set INGRESS_URL")
    return Ingress(f"Gateway {name}", f"http://{addresses[0]}:{ports[0]}")
