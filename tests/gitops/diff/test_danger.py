"""The closed list of dangers: for each rule what is one, and the like of it that is none."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from gitops.diff.danger import RULES, dangers
from gitops.diff.objects import changes
from tests.project import ROOT

Entry = dict[str, Any]
Edit = Callable[[Entry], None]


def made(kind: str, version: str = "v1", **content: Any) -> Entry:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "iris", "namespace": "seldon", "labels": {}, "annotations": {}},
        **content,
    }


def container(name: str, *args: str, **more: Any) -> Entry:
    return {
        "name": name,
        "image": "server",
        "args": list(args),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        **more,
    }


POD: Entry = {
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "volumes": [{"name": "requirements", "configMap": {"name": "lock"}}],
    "initContainers": [
        container("iris-initializer", "fetch", "s3://m", "/mnt/models", "--digest", "sha256:1"),
        container(
            "iris-environment",
            env=[{"name": "ENVIRONMENT_LOCK", "value": "/mnt/requirements/requirements.lock"}],
            volumeMounts=[{"name": "requirements", "mountPath": "/mnt/requirements"}],
        ),
    ],
    "containers": [
        container("iris", "serve", readinessProbe={"periodSeconds": 5}, livenessProbe={"periodSeconds": 5})
    ],
}
DEPLOYMENT = made(
    "SeldonDeployment",
    "machinelearning.seldon.io/v1",
    spec={
        "predictors": [
            {"name": "main", "replicas": 2, "graph": {"name": "iris"}, "componentSpecs": [{"spec": POD}]}
        ]
    },
)
# Without an orchestrator.
ALONE = made(
    "SeldonDeployment",
    "machinelearning.seldon.io/v1",
    spec={
        "predictors": [
            {"name": "main", "annotations": {"seldon.io/no-engine": "true"}, "graph": {"name": "iris"}}
        ]
    },
)
CLAIM = made(
    "PersistentVolumeClaim",
    spec={"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "20Gi"}}},
)
SMOKE = made(
    "Job",
    "batch/v1",
    spec={
        "template": {
            "spec": {
                **{key: POD[key] for key in ("automountServiceAccountToken", "securityContext")},
                "containers": [
                    container(
                        "smoke",
                        *("smoke", "--image=a", "--expected=/mnt/expected/expected.json"),
                        volumeMounts=[{"name": "expected", "mountPath": "/mnt/expected"}],
                    )
                ],
            }
        }
    },
)
SMOKE["metadata"]["annotations"] = {"argocd.argoproj.io/hook": "PostSync"}
JOB = {**SMOKE, "metadata": {"name": "iris", "namespace": "seldon"}}
ROUTE = made(
    "HTTPRoute",
    "gateway.networking.k8s.io/v1",
    spec={
        "parentRefs": [{"name": "seldon"}],
        "hostnames": ["models.example"],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/seldon/seldon/iris"}}],
                "backendRefs": [{"name": "iris-iris", "port": 9000}],
            }
        ],
    },
)
BUDGET = made("PodDisruptionBudget", "policy/v1", spec={"maxUnavailable": 1})
NETWORK = made(
    "NetworkPolicy",
    "networking.k8s.io/v1",
    spec={
        "podSelector": {"matchLabels": {"app": "iris"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": 9000}]}],
        "egress": [
            {"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": [{"port": 443}]}
        ],
    },
)
NAMESPACE = made("Namespace")
NAMESPACE["metadata"] = {
    "name": "seldon",
    "labels": {"pod-security.kubernetes.io/enforce": "baseline"},
    "annotations": {"argocd.argoproj.io/sync-options": "Prune=confirm,Delete=confirm"},
}
SEALED = made("SealedSecret", "bitnami.com/v1alpha1", spec={"encryptedData": {"key": "AgA"}})
PROJECT = made(
    "AppProject",
    "argoproj.io/v1alpha1",
    spec={
        "sourceRepos": ["https://example.com/a"],
        "destinations": [{"server": "https://kubernetes.default.svc", "namespace": "seldon"}],
        "namespaceResourceWhitelist": [{"group": "", "kind": "ConfigMap"}],
        "namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}],
    },
)
APPLICATION = made(
    "Application",
    "argoproj.io/v1alpha1",
    spec={
        "project": "seldon",
        "source": {"repoURL": "https://example.com/a", "targetRevision": "main", "path": "overlays/iris"},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": ["ServerSideApply=true", "PruneLast=true"],
            "retry": {"limit": 10},
        },
    },
)
HEALTH = made(
    "ConfigMap", data={"resource.customizations.health.x_Y": "-- how\nif a then\n  return b\nend\n"}
)
LOCK = made("ConfigMap", data={"requirements.lock": "numpy==1\n"})
EXPECTED = made("ConfigMap", data={"expected.json": "{}"})
ROLE = made("Role", "rbac.authorization.k8s.io/v1", rules=[{"verbs": ["get"]}])
BINDING = made("RoleBinding", "rbac.authorization.k8s.io/v1", roleRef={"name": "one"})
SERVICE = made("Service", spec={"type": "ClusterIP"})


def at(entry: Any, path: str) -> tuple[Any, Any]:
    keys = [int(key) if key.isdigit() else key for key in path.split("/")]
    for key in keys[:-1]:
        entry = entry[key]
    return entry, keys[-1]


def put(path: str, value: Any) -> Edit:
    def edit(entry: Entry) -> None:
        owner, key = at(entry, path)
        owner[key] = value

    return edit


def drop(path: str) -> Edit:
    def edit(entry: Entry) -> None:
        owner, key = at(entry, path)
        del owner[key]

    return edit


def add(path: str, value: Any) -> Edit:
    def edit(entry: Entry) -> None:
        owner, key = at(entry, path)
        owner[key].append(value)

    return edit


def found(before: Entry | None, after: Entry | None) -> list[str]:
    (change,) = changes(*([copy.deepcopy(side)] if side else [] for side in (before, after)))
    return [entry.text for entry in dangers(change)]


PODS = "spec/predictors/0/componentSpecs/0/spec"
SERVER = f"{PODS}/containers/0"
APP = "spec/syncPolicy"
RULE = "spec/rules/0"
# rule, what, its change, what is said; None for what is the like of it and no danger.
CASES: tuple[tuple[str, Entry, Edit | None, str | None], ...] = (
    (
        "stopped",
        DEPLOYMENT,
        put("spec/predictors/0/replicas", 0),
        "replicas of `main` `2` → `0`: nothing answers",
    ),
    (
        "stopped",
        DEPLOYMENT,
        put("spec/predictors/0/componentSpecs/0/replicas", 0),
        "replicas of `main` `2` → `0`",
    ),
    ("stopped", DEPLOYMENT, put("spec/predictors/0/replicas", 1), None),
    *(
        ("gone", entry, None, f"`{entry['kind']} {entry['metadata']['name']}` goes: ")
        for entry in (APPLICATION, PROJECT, NAMESPACE, CLAIM, ROUTE, NETWORK, BUDGET, SEALED)
    ),
    ("gone", SERVICE, None, None),
    ("unreached", ROUTE, put(f"{RULE}/matches/0/path/value", "/seldon/seldon/iris/b"), "is answered no more"),
    (
        "unreached",
        ROUTE,
        put(f"{RULE}/backendRefs/0/name", "other"),
        "leads elsewhere: `iris-iris:9000` → `other:9000`",
    ),
    ("unreached", ROUTE, put(f"{RULE}/timeouts", {"request": "9s"}), None),
    (
        "unspoken",
        DEPLOYMENT,
        put("spec/protocol", "v2"),
        "protocol `seldon` → `v2`: the orchestrator answers clients of `seldon` no more",
    ),
    ("unspoken", DEPLOYMENT, put("spec/protocol", "seldon"), None),
    ("unspoken", ALONE, put("spec/protocol", "v2"), None),
    # Seldon's former name of the same protocol.
    (
        "unspoken",
        {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "protocol": "kfserving"}},
        put("spec/protocol", "v2"),
        None,
    ),
    ("unprobed", DEPLOYMENT, drop(f"{SERVER}/readinessProbe"), "`readinessProbe` of `iris` goes: "),
    ("unprobed", DEPLOYMENT, put(f"{SERVER}/readinessProbe/periodSeconds", 9), None),
    ("immutable", CLAIM, put("spec/accessModes", ["ReadWriteOnce"]), "`spec.accessModes` is immutable"),
    (
        "immutable",
        CLAIM,
        put("spec/storageClassName", "fast"),
        "`spec.storageClassName` none → `fast` is immutable",
    ),
    (
        "immutable",
        CLAIM,
        put("spec/resources/requests/storage", "10Gi"),
        "storage `20Gi` → `10Gi`: a claim cannot shrink",
    ),
    ("immutable", CLAIM, put("spec/resources/requests/storage", "30Gi"), None),
    ("immutable", JOB, put("spec/template/spec/restartPolicy", "Never"), "`spec.template` is immutable"),
    ("immutable", SMOKE, put("spec/template/spec/restartPolicy", "Never"), None),
    ("immutable", JOB, put("spec/activeDeadlineSeconds", 9), None),
    ("immutable", BINDING, put("roleRef/name", "two"), "`roleRef` is immutable"),
    ("immutable", {**LOCK, "immutable": True}, put("data/other", "x"), "`data` is immutable"),
    (
        "network_opened",
        NETWORK,
        put("spec/egress/0/to/0/ipBlock/cidr", "0.0.0.0/0"),
        "egress opens: `to 0.0.0.0/0, ports TCP 443`",
    ),
    ("network_opened", NETWORK, drop("spec/egress/0/to/0/ipBlock/except"), "egress opens: `to 10.0.0.0/8"),
    (
        "network_opened",
        NETWORK,
        drop("spec/ingress/0/from"),
        "ingress opens: `from anywhere, ports TCP 9000`",
    ),
    ("network_opened", NETWORK, put("spec/policyTypes", ["Ingress"]), "Egress is restricted no more"),
    (
        "network_opened",
        NETWORK,
        put("spec/podSelector", {"matchLabels": {"app": "b"}}),
        "is for other pods: `app: iris`",
    ),
    ("network_opened", NETWORK, put("spec/egress/0/to/0/ipBlock/cidr", "10.2.0.0/16"), None),
    ("network_opened", NETWORK, put("spec/ingress", []), None),
    (
        "route_opened",
        ROUTE,
        add(f"{RULE}/matches", {"path": {"value": "/"}}),
        "is asked by another path: `/`",
    ),
    (
        "route_opened",
        ROUTE,
        add("spec/parentRefs", {"name": "public"}),
        "another Gateway leads to it: `name: public`",
    ),
    ("route_opened", ROUTE, put("spec/hostnames", []), "hosts `models.example` → `any`"),
    ("route_opened", ROUTE, add(f"{RULE}/matches", {"path": {"value": "/seldon/seldon/iris/b"}}), None),
    ("rights_given", ROLE, put("rules/0/verbs", ["*"]), "`Role iris` changes: rights in the cluster"),
    ("rights_given", SERVICE, put("spec/type", "NodePort"), "type `ClusterIP` → `NodePort`"),
    ("rights_given", SERVICE, put("spec/ports", []), None),
    *(
        ("pod_security_weakened", DEPLOYMENT, edit, said)
        for edit, said in (
            (put(f"{SERVER}/securityContext/privileged", True), "`iris`: is privileged"),
            (put(f"{SERVER}/securityContext/allowPrivilegeEscalation", True), "`iris`: may gain privileges"),
            (put(f"{SERVER}/securityContext/runAsUser", 0), "`iris`: may run as root"),
            (drop(f"{PODS}/securityContext/runAsNonRoot"), "may run as root"),
            (drop(f"{PODS}/securityContext/seccompProfile"), "has no seccomp profile"),
            (drop(f"{SERVER}/securityContext/readOnlyRootFilesystem"), "may write its root file system"),
            (drop(f"{SERVER}/securityContext/capabilities"), "keeps capabilities"),
            (put(f"{SERVER}/ports", [{"hostPort": 80}]), "opens a port of its node"),
            (put(f"{PODS}/hostNetwork", True), "`hostNetwork` is on"),
            (put(f"{PODS}/automountServiceAccountToken", True), "may talk to the Kubernetes API"),
            (add(f"{PODS}/volumes", {"name": "node", "hostPath": {"path": "/"}}), "mounts `/` of its node"),
        )
    ),
    (
        "pod_security_weakened",
        DEPLOYMENT,
        add(f"{PODS}/containers", {"name": "proxy", "image": "proxy"}),
        "`proxy`: may gain privileges",
    ),
    (
        "pod_security_weakened",
        NAMESPACE,
        put("metadata/labels", {"pod-security.kubernetes.io/enforce": "privileged"}),
        "Pod Security `baseline` → `privileged`",
    ),
    ("pod_security_weakened", NAMESPACE, put("metadata/labels", {}), "Pod Security `baseline` → none"),
    (
        "pod_security_weakened",
        NAMESPACE,
        put("metadata/labels", {"pod-security.kubernetes.io/enforce": "restricted"}),
        None,
    ),
    ("pod_security_weakened", DEPLOYMENT, add(f"{PODS}/containers", container("proxy")), None),
    (
        "seal_widened",
        SEALED,
        put("metadata/annotations", {"sealedsecrets.bitnami.com/cluster-wide": "true"}),
        "its scope is `cluster-wide` now",
    ),
    ("seal_widened", SEALED, put("spec/encryptedData/key", "AgB"), None),
    ("project_widened", PROJECT, add("spec/sourceRepos", "*"), "`sourceRepos` allows `*`"),
    (
        "project_widened",
        PROJECT,
        add("spec/destinations", {"server": "*", "namespace": "*"}),
        "`destinations` allows `server: *, namespace: *`",
    ),
    (
        "project_widened",
        PROJECT,
        add("spec/namespaceResourceWhitelist", {"group": "*", "kind": "*"}),
        "`namespaceResourceWhitelist` allows `group: *, kind: *`",
    ),
    ("project_widened", PROJECT, drop("spec/namespaceResourceWhitelist"), "every kind is allowed"),
    (
        "project_widened",
        PROJECT,
        put("spec/namespaceResourceBlacklist", []),
        "has `group: , kind: Secret` no more",
    ),
    ("project_widened", PROJECT, put("spec/sourceRepos", []), None),
    (
        "health_changed",
        HEALTH,
        put("data/resource.customizations.health.x_Y", "return b\n"),
        "`health.x_Y` changes: Argo CD judges by it",
    ),
    (
        "health_changed",
        HEALTH,
        put("data/resource.customizations.health.x_Y", "-- why\nif a then\n return b\nend\n"),
        None,
    ),
    (
        "sync_weakened",
        APPLICATION,
        put("spec/source/targetRevision", "HEAD"),
        "`targetRevision` `main` → `HEAD`",
    ),
    ("sync_weakened", APPLICATION, put("spec/source/repoURL", "https://other"), "another source is applied"),
    ("sync_weakened", APPLICATION, put(f"{APP}/automated/selfHeal", False), "`selfHeal` `true` → `false`"),
    ("sync_weakened", APPLICATION, drop(f"{APP}/automated/prune"), "`prune` `true` → none"),
    ("sync_weakened", APPLICATION, drop(f"{APP}/automated"), "nothing is applied by itself"),
    (
        "sync_weakened",
        APPLICATION,
        put(f"{APP}/syncOptions", ["PruneLast=true"]),
        "`ServerSideApply=true` goes",
    ),
    (
        "sync_weakened",
        APPLICATION,
        add(f"{APP}/syncOptions", "Replace=true"),
        "sync option `Replace=true` is new",
    ),
    ("sync_weakened", NAMESPACE, put("metadata/annotations", {}), "sync option `Prune=confirm` goes"),
    ("sync_weakened", APPLICATION, put(f"{APP}/retry/limit", 20), None),
    (
        "unlocked",
        DEPLOYMENT,
        put(f"{PODS}/initContainers/1/volumeMounts", []),
        "mounts `requirements.lock` no more",
    ),
    ("unlocked", DEPLOYMENT, put(f"{PODS}/initContainers/1/env", []), "mounts `requirements.lock` no more"),
    (
        "unlocked",
        DEPLOYMENT,
        put(f"{PODS}/initContainers/0/args", ["fetch", "s3://m", "/mnt/models"]),
        "checks the model's digest no more",
    ),
    ("unlocked", LOCK, None, "each start resolves the model's packages anew"),
    ("unlocked", LOCK, put("data", {"requirements.lock": "numpy==2\n"}), None),
    ("untested", SMOKE, None, "the smoke test goes"),
    ("untested", SMOKE, put("metadata/annotations", {}), "the smoke test runs after no sync"),
    (
        "untested",
        SMOKE,
        put("spec/template/spec/containers/0/args", ["smoke", "--image=a"]),
        "the smoke test is without `--expected`",
    ),
    (
        "untested",
        SMOKE,
        put("spec/template/spec/containers/0/volumeMounts", []),
        "the smoke test mounts `/mnt/expected` no more",
    ),
    ("untested", EXPECTED, None, "the smoke test has nothing to compare with"),
    ("untested", JOB, None, None),
)


@pytest.mark.parametrize(
    ("rule", "entry", "edit", "said"), CASES, ids=[f"{rule}-{said or 'none'}" for rule, _, _, said in CASES]
)
def test_what_is_a_danger_and_the_like_of_it_that_is_none(
    rule: str, entry: Entry, edit: Edit | None, said: str | None
) -> None:
    after = copy.deepcopy(entry) if edit else None
    if edit and after is not None:
        edit(after)
    texts = found(entry, after)
    if said is None:
        assert texts == []
    else:
        assert any(said in text for text in texts), texts


def test_what_is_new_or_the_same_is_no_danger() -> None:
    for entry in (DEPLOYMENT, CLAIM, NETWORK, ROUTE, APPLICATION, PROJECT, NAMESPACE, SMOKE):
        assert found(None, entry) == []
        assert changes([entry], [copy.deepcopy(entry)]) == []


def test_each_rule_has_both_kinds_of_cases() -> None:
    names = [rule.__name__ for rule in RULES]
    for name in names:
        said = [case[3] for case in CASES if case[0] == name]
        assert None in said, name
        assert any(said), name
    assert {case[0] for case in CASES} == set(names)


def test_the_page_has_the_list() -> None:
    page = (ROOT / "docs/review.md").read_text()
    listed = re.findall(
        r"^- (.+)$", page.partition("## What counts as danger")[2].partition("\n## ")[0], re.M
    )
    assert listed == [(inspect.getdoc(rule) or "").rstrip(".") for rule in RULES]
