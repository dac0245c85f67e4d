"""`make demo MONITORING=1`: a real Prometheus scrapes the servers, and every query of the dashboard returns data."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import psutil
import pytest
import yaml
from google.protobuf import json_format

from gitops.local.prometheus import DASHBOARD, RULES
from server.protocol.proto import prediction_pb2
from tests.gitops.local.conftest import alone
from tests.gitops.local.copies import Copy
from tests.polling import wait_for
from tests.processes import with_argument
from tests.project import MANIFESTS, ROOT

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("prometheus")]

# A first build of Prometheus takes minutes.
SECONDS = 1200
OVERLAY = "model"
NOBODY = "http://127.0.0.1:9"
METHOD = "/seldon.protos.Model/Predict"
# Of kube-state-metrics, and what Prometheus itself has.
OTHERS = ("ALERTS", "up", "kube_job_status_succeeded", "kube_pod_info")
GROUPS = yaml.safe_load((MANIFESTS / RULES).read_text())["spec"]["groups"]


def expressions() -> dict[str, str]:
    """Return each query of the dashboard, by its panel's title and letter, with all deployments chosen."""
    content = json.loads((MANIFESTS / DASHBOARD).read_text())
    found = {f"annotation {entry['name']}": entry["expr"] for entry in content["annotations"]["list"]}
    for panel in content["panels"]:
        for target in panel.get("targets", []):
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    return {
        name: re.sub(r"\$(namespace|deployment|app)\b", ".*", text).replace("$__rate_interval", "30s")
        for name, text in found.items()
    }


QUERIES = expressions()


@dataclass
class Demo:
    process: subprocess.Popen[str]
    gateway: httpx.Client
    prometheus: httpx.Client
    folder: Path

    def get(self, path: str, **params: str) -> Any:
        answer = self.prometheus.get(f"/api/v1/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def has_data(self, query: str) -> bool:
        """Return whether the query had a number at some time in the last minute."""
        now = time.time()
        found = self.get("query_range", query=query, start=str(now - 60), end=str(now), step="5")["result"]
        return any(math.isfinite(float(value)) for series in found for _, value in series["values"])

    def server(self) -> int:
        """Return the first process of the server; others are forked from it."""
        return min(number for number, line in self.processes().items() if " -m server serve " in line)

    def processes(self) -> dict[int, str]:
        found = with_argument(str(self.folder))
        return {process: line for process, line in found.items() if "run_demo" not in line}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    copy = Copy.at(tmp_path_factory.mktemp("prometheus"))
    # Payloads and spans are sent, and nobody takes them: their counters are shown by the dashboard too.
    for name, value in (("SERVER_PAYLOAD_LOG_URL", NOBODY), ("OTEL_EXPORTER_OTLP_ENDPOINT", NOBODY)):
        path = "/spec/predictors/0/componentSpecs/0/spec/containers/0/env/-"
        copy.patch(OVERLAY, path, {"name": name, "value": value})
    with alone("prometheus") as folder:
        code = (
            "import sys\nfrom pathlib import Path\nfrom gitops.local.commands import run_demo\n"
            f"sys.exit(run_demo([{OVERLAY!r}], 0, root=Path({str(copy.root)!r}), state=Path({str(folder)!r}), monitoring=True))"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            prometheus, gateway = _addresses(process)
            with (
                httpx.Client(base_url=prometheus, timeout=60, trust_env=False) as metrics,
                httpx.Client(base_url=gateway, timeout=60, trust_env=False) as client,
            ):
                yield Demo(process, client, metrics, folder)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _addresses(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return the addresses of Prometheus and of the gateway, once the demo has said them."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if re.match(r"Serving at \S+ until Ctrl-C", line):
            break
    found = re.search(r"^Prometheus at (\S+) [\s\S]*^Serving at (\S+)", said, re.MULTILINE)
    assert found is not None, said
    return found[1], found[2]


def send(demo: Demo) -> None:
    """Ask everything of a server that the dashboard has a panel for."""
    path = f"/seldon/seldon/graph-iris-{OVERLAY}/api/v1.0/predictions"
    request = json.loads((MANIFESTS / "overlays" / OVERLAY / "expected.json").read_text())["request"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: demo.gateway.post(path, json=request), range(32)))
    demo.gateway.post(path, content=b"{")
    environ = psutil.Process(demo.server()).environ()
    with grpc.insecure_channel(f"127.0.0.1:{environ['PREDICTIVE_UNIT_GRPC_SERVICE_PORT']}") as channel:
        call = channel.unary_unary(
            METHOD,
            request_serializer=prediction_pb2.SeldonMessage.SerializeToString,
            response_deserializer=prediction_pb2.SeldonMessage.FromString,
        )
        call(json_format.ParseDict(request, prediction_pb2.SeldonMessage()), timeout=30)


@pytest.fixture(scope="module")
def without_data(demo: Demo) -> dict[str, str]:
    """The queries that return nothing, though all has been asked of the server and its model's process was killed."""
    send(demo)
    workers = [number for number, line in demo.processes().items() if "worker/__main__.py" in line]
    os.kill(workers[0], signal.SIGKILL)
    missing = dict(QUERIES)
    until = time.monotonic() + 180
    while missing and time.monotonic() < until:
        with suppress(grpc.RpcError):  # The model's process is being started anew.
            send(demo)
        missing = {name: query for name, query in missing.items() if not demo.has_data(query)}
    return missing


def test_every_query_of_the_dashboard_returns_data(without_data: dict[str, str]) -> None:
    assert len(QUERIES) > 50
    assert without_data == {}


def test_every_metric_of_dashboard_and_alerts_is_exported(demo: Demo, without_data: dict[str, str]) -> None:
    text = json.dumps([QUERIES, [rule["expr"] for group in GROUPS for rule in group["rules"]]])
    named = {*re.findall(r"\b(?:seldon_mlflow_server_\w+|model_info|kube_\w+|ALERTS|up(?=\{))", text)}
    assert len(named) > 30
    assert named - {*OTHERS} <= {*demo.get("label/__name__/values")}


def test_what_is_scraped_says_which_model_is_served_where(demo: Demo, without_data: dict[str, str]) -> None:
    node = yaml.safe_load((MANIFESTS / "overlays" / OVERLAY / "node.yaml").read_text())["spec"]
    (found,) = demo.get("query", query="model_info")["result"]
    labels = found["metric"]
    assert labels["digest"] == node["modelDigest"]
    assert (labels["namespace"], labels["seldon_deployment_id"]) == ("seldon", node["deployment"])
    assert (labels["container"], labels["app"]) == ("model", "graph-iris-model-model-0-model")
    for name in ("namespace", "seldon_deployment_id", "app"):
        assert demo.get(f"label/{name}/values", **{"match[]": "seldon_mlflow_server_ready"})


def test_every_rule_is_evaluated_and_none_fires(demo: Demo) -> None:
    def health() -> dict[str, str]:
        found = [rule for group in demo.get("rules")["groups"] for rule in group["rules"]]
        assert [rule.get("lastError", "") for rule in found] == [""] * len(found)
        return {rule["name"]: rule["health"] for rule in found}

    healthy = {rule["alert"]: "ok" for group in GROUPS for rule in group["rules"]}
    wait_for(lambda: health() == healthy)
    assert [alert for alert in demo.get("alerts")["alerts"] if alert["state"] == "firing"] == []


def test_prometheus_ends_with_the_demo(demo: Demo) -> None:
    assert any("prometheus.yaml" in line for line in demo.processes().values())
    demo.process.terminate()
    rest, _ = demo.process.communicate(timeout=SECONDS)
    assert (demo.process.returncode, rest) == (0, "")
    wait_for(lambda: not demo.processes())


def test_a_repository_without_the_component_has_no_rules_to_evaluate(copy: Copy, tmp_path: Path) -> None:
    shutil.rmtree(copy.root / "components" / "monitoring")
    code = (
        "import sys\nfrom pathlib import Path\nfrom gitops.local.commands import run_demo\n"
        f"run_demo([{OVERLAY!r}], 0, root=Path({str(copy.root)!r}), state=Path({str(tmp_path / 'state')!r}), monitoring=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (
        f"BadManifest: {copy.root}/{RULES}: there is no such file; `make demo` without MONITORING=1 needs none\n"
    ) in done.stderr
