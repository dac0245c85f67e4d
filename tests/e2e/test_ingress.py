from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.errors import E2eError
from tests.e2e.ingress import Ingress, gateway, istio

SELDON_GATEWAY = {
    "spec": {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"hosts": ["*"], "port": {"name": "http", "number": 80, "protocol": "HTTP"}}],
    }
}


def service(name: str, selector: dict[str, str] | None, *ports: int) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "istio-system"},
        "spec": {"selector": selector, "ports": [{"port": port} for port in ports]},
    }


OTHERS = [
    service("kubernetes", None, 443),
    service("istiod", {"app": "istiod", "istio": "pilot"}, 15010, 443),
]


def test_istio_is_asked_at_the_service_of_the_gateways_pods() -> None:
    labels = {"app": "istio-ingressgateway", "istio": "ingressgateway"}
    services = [*OTHERS, service("istio-ingressgateway", labels, 15021, 80, 443)]
    assert istio("istio-system/seldon-gateway", SELDON_GATEWAY, services) == Ingress(
        "Istio's Gateway istio-system/seldon-gateway",
        "http://istio-ingressgateway.istio-system:80",
        "istio-ingressgateway.istio-system:80",
    )


def test_istio_without_such_a_service_is_told() -> None:
    with pytest.raises(E2eError) as refused:
        istio("istio-system/seldon-gateway", SELDON_GATEWAY, OTHERS)
    assert str(refused.value) == (
        "Istio's Gateway istio-system/seldon-gateway: no Service in front of its pods has the port of an HTTP server of "
        "it; set INGRESS_URL"
    )


def test_a_gateway_is_asked_at_its_address() -> None:
    found = {
        "spec": {"listeners": [{"protocol": "HTTPS", "port": 443}, {"protocol": "HTTP", "port": 8080}]},
        "status": {"addresses": [{"type": "IPAddress", "value": "192.0.2.7"}]},
    }
    assert gateway("seldon-gateway/seldon", found) == Ingress(
        "Gateway seldon-gateway/seldon", "http://192.0.2.7:8080"
    )


@pytest.mark.parametrize("found", [{}, {"spec": {"listeners": [{"protocol": "HTTP", "port": 80}]}}])
def test_a_gateway_without_an_address_is_told(found: dict[str, Any]) -> None:
    with pytest.raises(E2eError) as refused:
        gateway("seldon-gateway/seldon", found)
    assert str(refused.value) == (
        "Gateway seldon-gateway/seldon: is not there, or has no address or HTTP listener; set INGRESS_URL"
    )
