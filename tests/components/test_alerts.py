"""components/monitoring: when each alert fires and when not, by promtool over series that are written down here."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.tools import tool
from tests.project import MANIFESTS

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("prometheus")]

RULES = yaml.safe_load((MANIFESTS / "components/monitoring/prometheusrule.yaml").read_text())["spec"]
ALERTS = [rule["alert"] for group in RULES["groups"] for rule in group["rules"]]
P = "seldon_mlflow_server_"
IRIS = {"namespace": "seldon", "seldon_deployment_id": "iris", "app": "iris-model-0-model"}


def of(name: str, pod: str = "a", **labels: str) -> str:
    """Return a series of a pod of iris as it is scraped."""
    given = {**IRIS, "pod": pod, "container": "model", "instance": f"{pod}:6000", **labels}
    return f"{name}{{{', '.join(f'{key}={json.dumps(value)}' for key, value in given.items())}}}"


def job(name: str, namespace: str = "seldon") -> str:
    return f'kube_job_status_succeeded{{namespace="{namespace}", job_name="{name}"}}'


@dataclass(frozen=True)
class Case:
    """Series with a sample a minute, in promtool's notation, and how many alerts fire at a minute."""

    alert: str
    name: str
    series: Mapping[str, str]
    firing: Mapping[int, int]


POD_INFO = {'kube_pod_info{namespace="seldon", pod="a"}': "1x100"}
READY = {of(f"{P}ready"): "1x100", of("up"): "1x100"}


def requests(code: str, values: str, method: str = "/predict", **labels: str) -> dict[str, str]:
    return {of(f"{P}requests_total", code=code, method=method, **labels): values}


def refused(reason: str, values: str, interface: str = "grpc") -> dict[str, str]:
    return {of(f"{P}refused_requests_total", interface=interface, reason=reason): values}


def durations(fast: int, slow: int, interface: str = "rest") -> dict[str, str]:
    """Return a histogram of so many requests a minute that take up to half a second, and up to 2.5 s."""
    name = f"{P}request_duration_seconds"
    labels = {"interface": interface, "method": "/predict", "code": "200"}
    counts = {"0.5": fast, "1": fast, "2.5": fast + slow, "+Inf": fast + slow}
    return {
        **{of(f"{name}_bucket", le=le, **labels): f"0+{count}x60" for le, count in counts.items()},
        of(f"{name}_count", **labels): f"0+{fast + slow}x60",
    }


CASES = (
    Case(
        "ModelUnavailable",
        "the only pod stops being ready",
        {of(f"{P}ready"): "1x9 0x200", of("up"): "1x210"},
        {9: 0, 11: 0, 12: 1, 200: 1},
    ),
    Case(
        "ModelUnavailable",
        "the only pod is gone",
        {of(f"{P}ready"): "1x9 stale", of("up"): "1x9 stale"},
        {11: 0, 12: 1, 60: 1, 75: 0},
    ),
    Case(
        "ModelUnavailable",
        "the only pod can no longer be scraped",
        {of(f"{P}ready"): "1x9 stale", of("up"): "1x9 0x200"},
        {11: 0, 12: 1, 200: 1},
    ),
    Case(
        "ModelUnavailable",
        "a rollout of one pod",
        {
            of(f"{P}ready"): "1x20 stale",
            of("up"): "1x20 stale",
            of(f"{P}ready", "b"): "_x10 0x5 1x40",
            of("up", "b"): "_x5 0x4 1x50",
        },
        {8: 0, 15: 0, 22: 0, 25: 0, 50: 0},
    ),
    Case(
        "ModelUnavailable",
        "one of two pods",
        {**READY, of(f"{P}ready", "b"): "1x9 0x40", of("up", "b"): "1x50"},
        {30: 0},
    ),
    Case(
        "ModelUnavailable",
        "a first start that takes 15 minutes",
        {of("up"): "0x5 1x30", of(f"{P}ready"): "_x6 0x8 1x20"},
        {4: 0, 14: 0, 20: 0},
    ),
    Case(
        "ModelUnavailable",
        "one node of a graph",
        {
            **READY,
            of(f"{P}ready", "b", app="iris-model-1-pre"): "1x9 0x40",
            of("up", "b", app="iris-model-1-pre"): "1x50",
        },
        {11: 0, 15: 1},
    ),
    Case(
        "ModelUnavailable",
        "a canary that is removed",
        {
            **READY,
            of(f"{P}ready", "b", app="iris-canary-0-model"): "1x9 stale",
            of("up", "b", app="iris-canary-0-model"): "1x9 stale",
        },
        {12: 0, 20: 0, 50: 0},
    ),
    Case(
        "ModelUnavailable",
        "a minute",
        {of(f"{P}ready"): "1x9 0 1x30", of("up"): "1x50"},
        {11: 0, 12: 0, 13: 0},
    ),
    Case(
        "ModelPodNotReady",
        "the new pod of a rollout, first without an answer, then without a model",
        {**READY, of("up", "b"): "0x5 1x60", of(f"{P}ready", "b"): "_x6 0x60"},
        {19: 0, 20: 1, 40: 1},
    ),
    Case(
        "ModelPodNotReady",
        "a start that takes 18 minutes",
        {**READY, of("up", "b"): "0x5 1x60", of(f"{P}ready", "b"): "_x6 0x11 1x40"},
        {17: 0, 20: 0, 40: 0},
    ),
    Case(
        "ModelPodNotReady",
        "pods of other deployments",
        {'up{namespace="seldon", job="other", pod="z"}': "0x60"},
        {40: 0},
    ),
    Case(
        "ModelErrors",
        "a tenth fails",
        {**requests("200", "0+90x40"), **requests("500", "0+10x40")},
        {5: 0, 10: 1, 30: 1},
    ),
    Case(
        "ModelErrors",
        "the errors of one of two pods",
        {**requests("200", "0+90x40"), **requests("503", "0+10x40", pod="b")},
        {30: 1},
    ),
    Case(
        "ModelErrors",
        "gRPC",
        {
            **requests("OK", "0+90x40", "/seldon.protos.Model/Predict", interface="grpc"),
            **requests("UNAVAILABLE", "0+10x40", "/seldon.protos.Model/Predict", interface="grpc"),
        },
        {30: 1},
    ),
    Case(
        "ModelErrors",
        "one of a hundred fails",
        {**requests("200", "0+990x40"), **requests("500", "0+10x40")},
        {30: 0},
    ),
    Case(
        "ModelErrors",
        "half of little traffic fails",
        {**requests("200", "0+1x40"), **requests("500", "0+1x40")},
        {30: 0},
    ),
    Case(
        "ModelErrors",
        "clients' faults",
        {
            **requests("400", "0+90x40"),
            **requests("499", "0+90x40"),
            **requests("INVALID_ARGUMENT", "0+90x40"),
            **requests("CANCELLED", "0+90x40"),
        },
        {30: 0},
    ),
    Case(
        "ModelErrors",
        "health that is asked for while a model loads",
        {**requests("503", "0+60x40", "/health/status"), **requests("200", "0+1x40")},
        {30: 0},
    ),
    Case(
        "ModelErrors",
        "a minute of errors",
        {**requests("200", "0+100x40"), **requests("500", "0x10 500x30")},
        {12: 0, 15: 0, 16: 0, 30: 0},
    ),
    Case(
        "ModelErrors",
        "messages that are too large for gRPC",
        {
            **requests("OK", "0+10x40", "/seldon.protos.Model/Predict", interface="grpc"),
            **requests("RESOURCE_EXHAUSTED", "0+90x40", "/seldon.protos.Model/Predict", interface="grpc"),
            **requests("DEADLINE_EXCEEDED", "0+10x40", "/seldon.protos.Model/Predict", interface="grpc"),
            **refused("body_too_large", "0+80x40"),
            **refused("head_too_large", "0+10x40"),
            **refused("too_slow", "0+10x40"),
        },
        {30: 0},
    ),
    Case(
        "ModelErrors",
        "gRPC's overload beside messages that are too large",
        {
            **requests("OK", "0+90x40", "/seldon.protos.Model/Predict", interface="grpc"),
            **requests("RESOURCE_EXHAUSTED", "0+60x40", "/seldon.protos.Model/Predict", interface="grpc"),
            **refused("body_too_large", "0+40x40"),
            **refused("overloaded", "0+20x40"),
        },
        {30: 1},
    ),
    Case(
        "ModelErrors",
        "REST's errors beside bodies that are too large for it",
        {
            **requests("200", "0+80x40"),
            **requests("413", "0+10x40"),
            **requests("500", "0+10x40"),
            **refused("body_too_large", "0+10x40", interface="rest"),
        },
        {30: 1},
    ),
    Case("ModelErrors", "no requests", READY, {30: 0}),
    Case("ModelSlow", "one in ten is slow", durations(90, 10), {9: 0, 15: 1}),
    Case("ModelSlow", "one in a hundred is slow", durations(99, 1), {30: 0}),
    Case("ModelSlow", "all of little traffic is slow", durations(0, 2), {30: 0}),
    Case("ModelSlow", "one interface of two", {**durations(100, 0), **durations(0, 50, "grpc")}, {30: 1}),
    Case(
        "ModelProcessRestarts",
        "three in a row",
        {of(f"{P}model_restarts_total", reason="exited"): "_x10 1 2 3x60"},
        {11: 0, 13: 1, 30: 1, 60: 0},
    ),
    Case(
        "ModelProcessRestarts",
        "one",
        {of(f"{P}model_restarts_total", reason="signal"): "0x10 1x60"},
        {12: 0, 30: 0},
    ),
    Case(
        "ModelProcessRestarts",
        "many, long ago",
        {of(f"{P}model_restarts_total", reason="hung"): "9x60"},
        {1: 0, 40: 0},
    ),
    Case(
        "ModelContainerRestarts",
        "two",
        {of(f"{P}process_start_time_seconds", process="rest-0"): "1000x9 1600x9 2200x60"},
        {15: 0, 21: 1, 60: 0},
    ),
    Case(
        "ModelContainerRestarts",
        "one",
        {
            of(f"{P}process_start_time_seconds", process=f"rest-{number}"): "1000x9 1600x60"
            for number in range(2)
        },
        {12: 0, 30: 0},
    ),
    Case(
        "ModelContainerRestarts",
        "of the model's process",
        {of(f"{P}process_start_time_seconds", process="model-0"): "1x5 2x5 3x5 4x60"},
        {20: 0},
    ),
    Case(
        "ModelNearLimit",
        "the queue and the connections of a pod, not those of another",
        {
            of(f"{P}calls_waiting"): "90x30",
            of(f"{P}calls_waiting_limit"): "100x30",
            of(f"{P}connections"): "900x30",
            of(f"{P}connections_limit"): "1000x30",
            of(f"{P}budget_bytes"): "1x30",
            of(f"{P}budget_limit_bytes"): "100x30",
            of(f"{P}calls_waiting", "b"): "1x30",
            of(f"{P}calls_waiting_limit", "b"): "100x30",
        },
        {4: 0, 6: 2, 30: 2},
    ),
    Case(
        "ModelNearLimit",
        "a queue that is full at every other scrape",
        {of(f"{P}calls_waiting"): "100 70 " * 20, of(f"{P}calls_waiting_limit"): "100x40"},
        {30: 1, 31: 1},
    ),
    Case(
        "ModelNearLimit",
        "a full queue for a moment",
        {of(f"{P}calls_waiting"): "0x10 100 0x30", of(f"{P}calls_waiting_limit"): "100x40"},
        {10: 0, 11: 0, 15: 0, 20: 0},
    ),
    Case(
        "ModelSmokeTestMissing",
        "the Job failed",
        {**READY, **POD_INFO, job("iris-smoke"): "0x60"},
        {29: 0, 30: 1},
    ),
    Case("ModelSmokeTestMissing", "there is no Job", {**READY, **POD_INFO}, {29: 0, 30: 1}),
    Case(
        "ModelSmokeTestMissing",
        "another deployment's Job succeeded, and one of another namespace",
        {**READY, **POD_INFO, job("other-smoke"): "1x60", job("iris-smoke", "staging"): "1x60"},
        {40: 1},
    ),
    Case(
        "ModelSmokeTestMissing",
        "the Job succeeded",
        {**READY, **POD_INFO, job("iris-smoke"): "1x60"},
        {40: 0},
    ),
    Case(
        "ModelSmokeTestMissing",
        "the Job of a sync that takes 25 minutes",
        {**READY, **POD_INFO, job("iris-smoke"): "1x5 stale _x17 0x6 1x60"},
        {20: 0, 30: 0, 50: 0},
    ),
    Case(
        "ModelSmokeTestMissing",
        "a composed deployment, whose objects have a suffix",
        {
            of(f"{P}ready", seldon_deployment_id="graph-iris-pipeline"): "1x60",
            **POD_INFO,
            job("graph-iris-smoke-pipeline"): "1x60",
        },
        {40: 0},
    ),
    Case("ModelSmokeTestMissing", "no kube-state-metrics", READY, {60: 0}),
    Case(
        "ModelDigestsDiffer",
        "two pods of one node",
        {of("model_info", digest="sha256:1"): "1x100", of("model_info", "b", digest="sha256:2"): "1x100"},
        {79: 0, 80: 1},
    ),
    Case(
        "ModelDigestsDiffer",
        "a rollout of an hour",
        {
            of("model_info", digest="sha256:1"): "1x60 stale",
            of("model_info", "b", digest="sha256:2"): "1x100",
        },
        {60: 0, 90: 0},
    ),
    Case(
        "ModelDigestsDiffer",
        "two nodes of a graph, and two pods of one model",
        {
            of("model_info", digest="sha256:1"): "1x100",
            of("model_info", "b", digest="sha256:1"): "1x100",
            of("model_info", "c", app="iris-model-1-pre", digest="sha256:2"): "1x100",
        },
        {90: 0},
    ),
)


def promtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "rules.yaml").write_text(json.dumps(RULES))
    return subprocess.run(
        [tool("promtool"), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def unit_test(case: Case) -> dict[str, Any]:
    return {
        "interval": "1m",
        "name": case.name,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{case.alert}", alertstate="firing"}}) or vector(0)',
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": "{}", "value": count}],
            }
            for minute, count in case.firing.items()
        ],
    }


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires_when_it_should_and_else_never(alert: str, tmp_path: Path) -> None:
    cases = [case for case in CASES if case.alert == alert]
    assert {max(case.firing.values()) > 0 for case in cases} == {True, False}
    content = {"rule_files": ["rules.yaml"], "tests": [unit_test(case) for case in cases]}
    (tmp_path / "test.yaml").write_text(json.dumps(content))
    done = promtool(tmp_path, "test", "rules", "test.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_alert_says_what_is_wrong_where(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "a tenth fails")
    (rule,) = [rule for group in RULES["groups"] for rule in group["rules"] if rule["alert"] == case.alert]
    said = {
        "summary": "10% of the answers of iris-model-0-model are errors.",
        "description": (
            "Of the last five minutes' requests to iris in seldon so many failed by the server's or its model's fault."
        ),
        "runbook_url": rule["annotations"]["runbook_url"],
    }
    test = unit_test(case) | {
        "promql_expr_test": [],
        "alert_rule_test": [
            {
                "eval_time": "30m",
                "alertname": case.alert,
                "exp_alerts": [{"exp_labels": {**IRIS, "severity": "critical"}, "exp_annotations": said}],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(json.dumps({"rule_files": ["rules.yaml"], "tests": [test]}))
    done = promtool(tmp_path, "test", "rules", "test.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_nothing_to_mend(tmp_path: Path) -> None:
    done = promtool(tmp_path, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
