"""argocd/health.lua run for real, in the Lua 5.1 that Argo CD has, with no more of its library than there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime

from tests.project import MANIFESTS

SCRIPT = MANIFESTS / "argocd/health.lua"
STATUSES = yaml.safe_load(Path(__file__).with_name("statuses.yaml").read_text())
AVAILABLE = {"state": "Available"}
FAILED = {"state": "Failed", "description": "Deployment is no longer progressing and not available."}
WAITING = {"status": "Progressing", "message": "the status is older than the spec"}
HEALTHY = {"status": "Healthy", "message": "Available"}
DEGRADED = {"status": "Degraded", "message": FAILED["description"]}


def health(obj: dict[str, Any], now: datetime | None = None) -> dict[str, str]:
    """Return what the script says of the live object ``obj``, at the time ``now`` where it is given."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.globals().now = now and int(now.timestamp())
    # Argo CD opens package, base and table, and of os gives time and date, by require only.
    lua.execute("""
        local time, date = os.time, os.date
        local known = {
          time = function(of) return of and time(of) or now or time() end,
          date = function(form, at) return date(form, at or now or time()) end,
        }
        for _, name in ipairs({"string", "math", "io", "debug", "coroutine", "os", "python"}) do
          _G[name] = nil
          package.loaded[name] = nil
        end
        package.preload["os"] = function() return known end
        getmetatable("").__index = nil
    """)
    lua.globals().obj = lua.table_from(obj, recursive=True)
    return dict(lua.execute(SCRIPT.read_text()))


def deployment(
    status: dict[str, Any] | None, *, spec_age: float | None = None, status_age: float | None = None
) -> dict[str, Any]:
    """Return a live object whose spec and status were written so many seconds ago."""
    entries = [
        {"manager": "argocd-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:predictors": {}}}},
        {
            "manager": "manager",
            "operation": "Update",
            "subresource": "status",
            "fieldsV1": {"f:status": {"f:state": {}}},
        },
        # Who writes something else than spec and status counts for neither.
        {
            "manager": "kubectl",
            "operation": "Update",
            "time": stamp(0),
            "fieldsV1": {"f:metadata": {"f:labels": {}}},
        },
    ]
    for entry, age in zip(entries, (spec_age, status_age), strict=False):
        if age is not None:
            entry["time"] = stamp(age)
    found: dict[str, Any] = {"kind": "SeldonDeployment", "metadata": {"managedFields": entries}, "spec": {}}
    return found if status is None else found | {"status": status}


def stamp(age: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(params=["UTC", "Asia/Kolkata", "Pacific/Honolulu"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock shows another zone's time."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("case", STATUSES)
def test_a_status_says_how_the_deployment_is(case: str) -> None:
    entry = STATUSES[case]
    assert health(deployment(entry.get("status"))) == entry["health"]


@pytest.mark.parametrize("case", STATUSES)
def test_an_object_without_managed_fields_is_judged_by_its_status(case: str) -> None:
    entry = STATUSES[case]
    found = deployment(entry.get("status"))
    found["metadata"] = {"name": "graph-iris-model"}
    assert health(found) == entry["health"]


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("status", [AVAILABLE, FAILED])
def test_a_status_from_before_a_change_does_not_count(status: dict[str, Any]) -> None:
    assert health(deployment(status, spec_age=3, status_age=600)) == WAITING


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(("status", "expected"), [(AVAILABLE, HEALTHY), (FAILED, DEGRADED)])
def test_a_status_written_since_the_change_counts(status: dict[str, Any], expected: dict[str, str]) -> None:
    assert health(deployment(status, spec_age=3, status_age=1)) == expected


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(("status", "expected"), [(AVAILABLE, HEALTHY), (FAILED, DEGRADED)])
def test_a_change_that_the_operator_has_nothing_to_say_about_is_not_waited_for(
    status: dict[str, Any], expected: dict[str, str]
) -> None:
    assert health(deployment(status, spec_age=90, status_age=600)) == expected


MOMENTS = [json.loads(line) for line in Path(__file__).with_name("rollout.jsonl").read_text().splitlines()]


def live(moment: dict[str, Any]) -> dict[str, Any]:
    """Return the object of a moment that a watch recorded of Seldon's operator 1.17.1."""
    predictor = {
        "replicas": moment["replicas"],
        "progressDeadlineSeconds": moment["progressDeadlineSeconds"],
        "componentSpecs": [{"spec": {}}],
    }
    metadata = {"managedFields": moment["managedFields"]}
    return {"metadata": metadata, "spec": {"predictors": [predictor]}, "status": moment["status"]}


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    "moment", MOMENTS, ids=[f"{moment['seconds']}-{moment['change'].partition(':')[0]}" for moment in MOMENTS]
)
def test_every_moment_of_a_rollout_is_judged_by_the_pods_that_took_over(moment: dict[str, Any]) -> None:
    found = health(live(moment), datetime.fromisoformat(moment["now"]))
    assert found["status"] == ("Healthy" if moment["rolled_out"] else "Progressing"), found


@pytest.mark.parametrize(("replicas", "deadline"), [(1, 60), (2, 120), (40, 240)])
def test_an_update_that_hangs_is_degraded_past_its_deadline_so_that_a_revert_is_applied(
    replicas: int, deadline: int
) -> None:
    hanging = [moment for moment in MOMENTS if moment["change"].startswith("bad update")][-1]
    found = live(hanging | {"replicas": replicas})
    changed = datetime.fromisoformat(hanging["now"])
    assert health(found, changed + timedelta(seconds=deadline))["status"] == "Progressing"
    assert health(found, changed + timedelta(seconds=deadline + 1)) == {
        "status": "Degraded",
        "message": f"not available within {deadline} s of the last change; probe-preprocessor-0-preprocessor: 2 of 3 pods are "
        "available; what was available before serves on",
    }
    reverted = next(moment for moment in MOMENTS if moment["change"].startswith("revert"))
    assert health(live(reverted), datetime.fromisoformat(reverted["now"]))["status"] == "Progressing"


@pytest.mark.parametrize(
    ("component", "deployments"),
    [({"spec": {}, "hpaSpec": {"maxReplicas": 9}}, 1), ({"spec": {}, "kedaSpec": {}}, 1), ({"spec": {}}, 2)],
    ids=["hpa", "keda", "orchestrator-in-a-pod-of-its-own"],
)
def test_pods_are_not_counted_where_the_spec_does_not_say_how_many(
    component: dict[str, Any], deployments: int
) -> None:
    found = live([moment for moment in MOMENTS if moment["rolled_out"]][-1])
    found["spec"]["predictors"][0] |= {"componentSpecs": [component], "replicas": 1}
    found["status"]["deploymentStatus"] |= {
        f"another-{number}": {"replicas": 1, "availableReplicas": 1} for number in range(1, deployments)
    }
    assert health(found)["status"] == "Healthy"
