"""Who may ask the gateway: no name of somebody's that leads to this machine, and no site."""

from __future__ import annotations

import pytest

from tests.gitops.local.conftest import Running

pytestmark = pytest.mark.xdist_group("run")

NODE = "/seldon/seldon/graph-iris-model"
PATHS = [
    *("/", "/demo/deployments", "/demo/events", "/demo/logs/model/model", "/nowhere"),
    *(f"{NODE}/metadata", f"{NODE}/api/v1.0/doc/", "/seldon/seldon/graph-iris-pipeline/api/v1.0/metadata"),
]
ONLY = (
    "this gateway is for this machine alone, as one of 127.0.0.1, localhost, [::1]; "
    "a client that has another name for it sends Host: localhost, and no Origin"
)


@pytest.mark.parametrize("path", PATHS)
def test_a_name_that_leads_here_gets_nothing(running: Running, path: str) -> None:
    """Its site would read what is there, and call the models."""
    answer = running.client.get(path, headers={"Host": "rebound.example:8080"})
    assert answer.status_code == 403
    assert answer.json()["status"] == {
        "code": -1,
        "info": f"Host is 'rebound.example:8080': {ONLY}",
        "reason": "NOT_THIS_MACHINE",
        "status": 1,
    }


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Host", "rebound.example@localhost"),
        ("Host", "localhost.rebound.example"),
        ("Host", "localhost:8080:80"),
        ("Host", ""),
        ("Origin", "https://rebound.example"),
        ("Origin", "http://localhost.rebound.example"),
        ("Origin", "null"),
    ],
)
def test_a_site_calls_no_model(running: Running, header: str, value: str) -> None:
    """A form or a script of any site can send a request here, though not read the answer."""
    answer = running.client.post(f"{NODE}/api/v1.0/predictions", headers={header: value}, content="{}")
    assert answer.status_code == 403
    assert answer.json()["status"]["info"] == f"{header} is {value!r}: {ONLY}"


@pytest.mark.parametrize("host", ["localhost:8080", "[::1]:8080", "127.0.0.1", "LocalHost"])
def test_this_machine_is_answered_by_each_of_its_names(running: Running, host: str) -> None:
    headers = {"Host": host, "Origin": "http://localhost:3000"}
    answer = running.client.get("/demo/deployments", headers=headers)
    assert answer.status_code == 200
    # Read by no other site.
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert running.client.get(f"{NODE}/metadata", headers=headers).status_code == 200
