"""A stand-in for the command kubectl: a cluster kept in the JSON file of KUBECTL_STATE.

It renders what it is given by the kustomize of KUSTOMIZE, as kubectl does by its own, and its Argo CD syncs what was
applied between one look and the next.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

APPLICATIONS = ("seldon-secrets", "graph-iris-model", "graph-iris-postprocessor", "graph-iris-preprocessor")
SELDON = "seldondeployments.machinelearning.seldon.io"


def definition(*fields: str) -> dict[str, Any]:
    """A CustomResourceDefinition as of AppProjects, whose clusterResourceWhitelist has entries with ``fields``."""
    items = {"type": "object", "properties": {name: {"type": "string"} for name in fields}}
    spec = {"type": "object", "properties": {"clusterResourceWhitelist": {"type": "array", "items": items}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    return {"spec": {"versions": [{"name": "v1alpha1", "storage": True, "schema": schema}]}}


def operator() -> dict[str, Any]:
    """Seldon's operator as its chart installs it."""
    pod = {"spec": {"containers": [{"image": "seldonio/seldon-core-operator:1.17.1"}]}}
    metadata = {"name": "seldon-controller-manager", "namespace": "seldon-system"}
    return {"metadata": metadata, "spec": {"template": pod}, "status": {"availableReplicas": 1}}


def fresh(origin: str) -> dict[str, Any]:
    """A cluster with all that must be there, whose Argo CD reads the repository ``origin``."""
    kinds = ("applications.argoproj.io", "applicationsets.argoproj.io")
    seldon = definition()
    seldon["spec"]["versions"][0]["name"] = "v1"
    return {
        "definitions": {
            SELDON: seldon,
            **{name: definition() for name in kinds},
            "appprojects.argoproj.io": definition("group", "kind", "name"),
        },
        "version": "v1.34.1",
        # With their labels.
        "namespaces": {"argocd": {}, "kube-system": {}},
        "operators": [operator()],
        "origin": origin,
        "applied": "",
        "looks": 0,
        # How many looks at the Applications are refused.
        "refused": 0,
        "writes": [],
    }


def rendered(arguments: list[str]) -> str:
    folder = arguments[arguments.index("--kustomize") + 1]
    done = subprocess.run(
        [os.environ["KUSTOMIZE"], "build", folder], capture_output=True, text=True, check=True
    )
    return done.stdout


def found(state: dict[str, Any], arguments: list[str]) -> Any:
    """What `kubectl get` answers, None where nothing is there."""
    match arguments:
        case ["customresourcedefinition", name, *_]:
            return state["definitions"].get(name)
        case ["namespace", name, *_]:
            labels = state["namespaces"].get(name)
            return None if labels is None else {"metadata": {"name": name, "labels": labels}}
        case ["deployments", "--all-namespaces", "--selector", "control-plane=seldon-controller-manager", *_]:
            return {"items": state["operators"]}
        case ["applications.argoproj.io", "--namespace", "argocd", *_]:
            state["looks"] += bool(state["applied"])
            synced = state["looks"] > 3
            revision = subprocess.run(
                ["git", "rev-parse", "main"], cwd=state["origin"], capture_output=True, text=True, check=True
            )
            status = {
                "sync": {
                    "status": "Synced" if synced else "OutOfSync",
                    "revision": revision.stdout.strip(),
                },
                "health": {"status": "Healthy" if synced else "Progressing"},
            }
            names = APPLICATIONS if state["looks"] > 2 else ()
            return {"items": [{"metadata": {"name": name}, "status": status} for name in names]}
    raise SystemExit(f"error: the stand-in knows no `kubectl get {' '.join(arguments)}`")


def main(arguments: list[str]) -> int:
    file = Path(os.environ["KUBECTL_STATE"])
    state = json.loads(file.read_text())
    if arguments[:3] == ["get", "applications.argoproj.io", "--namespace"] and state["refused"]:
        state["refused"] -= 1
        file.write_text(json.dumps(state))
        raise SystemExit("Unable to connect to the server: connect: connection refused")
    match arguments:
        case ["config", "current-context"]:
            sys.stdout.write("test\n")
        case ["version", *_]:
            sys.stdout.write(json.dumps({"serverVersion": {"gitVersion": state["version"]}}))
        case ["get", *rest]:
            answer = found(state, rest)
            sys.stdout.write("" if answer is None else json.dumps(answer))
        case ["diff", "--server-side", "--force-conflicts", *rest]:
            if rendered(rest) != state["applied"]:
                return 1
        case ["apply", "--server-side", "--force-conflicts", *rest]:
            state["applied"] = rendered(rest)
            state["writes"].append("apply")
            sys.stdout.write("appproject.argoproj.io/seldon serverside-applied\n")
        case _:
            raise SystemExit(f"error: the stand-in knows no `kubectl {' '.join(arguments)}`")
    file.write_text(json.dumps(state))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
