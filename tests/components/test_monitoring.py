"""components/monitoring: what base/secrets renders with it, and that page, alerts and dashboard name one another."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.local.prometheus import DASHBOARD
from gitops.manifests.kustomize import build
from tests.project import MANIFESTS, ROOT

PAGE = (ROOT / "docs/observability.md").read_text()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the manifests in which base/secrets uses the component."""
    for name in ("base", "components", "site"):
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    file = tmp_path / "base/secrets/kustomization.yaml"
    file.write_text(
        file.read_text().replace("  - ../../site\n", "  - ../../site\n  - ../../components/monitoring\n")
    )
    return tmp_path


def rendered(tree: Path, kind: str) -> dict[str, Any]:
    (found,) = [entry for entry in build(tree / "base/secrets") if entry["kind"] == kind]
    return found


def rules(tree: Path) -> list[dict[str, Any]]:
    return [rule for group in rendered(tree, "PrometheusRule")["spec"]["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((MANIFESTS / DASHBOARD).read_text())
    return content


def panels() -> list[dict[str, Any]]:
    """Return the panels that are no rows."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def values(content: Any, key: str) -> Iterator[Any]:
    """Yield every value of ``key``, however deep."""
    if isinstance(content, dict):
        for name, value in content.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(content, list):
        for entry in content:
            yield from values(entry, key)


def test_prometheus_scrapes_the_pods_of_every_deployment_on_the_port_that_the_operator_names(
    tree: Path,
) -> None:
    monitor = rendered(tree, "PodMonitor")
    assert monitor["metadata"] == {
        "name": "models",
        "namespace": "seldon",
        "labels": {"release": "kube-prometheus-stack"},
    }
    spec = monitor["spec"]
    assert spec["selector"] == {"matchExpressions": [{"key": "seldon-deployment-id", "operator": "Exists"}]}
    assert [(entry["port"], entry["path"]) for entry in spec["podMetricsEndpoints"]] == [
        ("metrics", "/prometheus")
    ]


def test_grafana_s_sidecar_finds_the_dashboard(tree: Path) -> None:
    found = rendered(tree, "ConfigMap")
    assert found["metadata"] == {
        "name": "models-dashboard",
        "namespace": "seldon",
        "labels": {"grafana_dashboard": "1"},
    }
    assert json.loads(found["data"]["dashboard.json"]) == dashboard()


def test_every_alert_leads_to_what_to_do_in_this_repository(tree: Path) -> None:
    headings = re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)
    alerts = rules(tree)
    assert [rule["alert"] for rule in alerts] == [name for name in headings if name.startswith("Model")]
    for rule in alerts:
        address = "https://github.com/owner/seldon-mlflow-gitops/blob/HEAD/docs/observability.md"
        assert rule["annotations"]["runbook_url"] == f"{address}#{rule['alert'].lower()}"
        assert {*rule["annotations"]} == {"summary", "description", "runbook_url"}
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_the_patch_of_the_page_changes_what_it_says(tree: Path) -> None:
    block = re.search(r"^ {6}patches:\n(?: {8}.*\n)+", PAGE, re.MULTILINE)
    assert block is not None
    file = tree / "base/secrets/kustomization.yaml"
    patches = yaml.safe_load(block[0])
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | patches))
    assert {rule["alert"]: rule.get("for") for rule in rules(tree)}["ModelSlow"] == "30m"


def test_each_panel_has_its_place_and_says_which_question_it_answers() -> None:
    content = dashboard()
    ids = [panel["id"] for panel in content["panels"]]
    assert len({*ids}) == len(ids)
    taken = set()
    for panel in content["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    tops = [panel["gridPos"]["y"] for panel in content["panels"]]
    assert all(above <= below for above, below in pairwise(tops))
    for panel in panels():
        assert panel["description"], panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert len({*references}) == len(references)


def test_the_dashboard_knows_no_data_source_and_no_deployment_of_its_own() -> None:
    content = dashboard()
    assert all(
        source == {"type": "prometheus", "uid": "${datasource}"} for source in values(content, "datasource")
    )
    for expression in values(content, "expr"):
        assert "$namespace" in expression, expression
        assert "$deployment" in expression, expression
    variables = {entry["name"] for entry in content["templating"]["list"]}
    used = {*re.findall(r"\$\{?(\w+)", json.dumps(content))}
    assert used - {"__rate_interval", "__all"} == variables


def test_the_page_says_what_every_metric_of_dashboard_and_alerts_means(tree: Path) -> None:
    named = {
        *re.findall(r"seldon_mlflow_server_(\w+)", json.dumps([dashboard(), rules(tree)])),
        "model_info",
    }
    plain = {
        re.sub(r"_(bucket|count|sum)$", "", name) if name.endswith(("_bucket", "_sum", "_count")) else name
        for name in named
    }
    missing = {name for name in plain if not re.search(rf"`{name}(\{{|`)", PAGE)}
    assert missing == set()


def test_titles_that_the_page_names_are_those_of_panels() -> None:
    titles = {panel["title"] for panel in panels()}
    alerts = PAGE[PAGE.index("## Alerts") :]
    named = {*re.findall(r'"([A-Z][^"]+)"', alerts)} - {"Last State"}
    assert named <= titles
