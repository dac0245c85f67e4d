"""Doors that open: of the network, of a pod to its node, of rights in the cluster."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from gitops.diff.danger.danger import Danger, both, pods, shown, transition
from gitops.diff.objects import Change
from gitops.manifests.unstructured import nested, nested_list, nested_map
from gitops.markdown import code

# https://kubernetes.io/docs/concepts/security/pod-security-standards/, the strictest last.
_LEVELS = ("privileged", "baseline", "restricted")
_ENFORCE = "pod-security.kubernetes.io/enforce"
_DIRECTIONS = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}
_RIGHTS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
_OUTSIDE = ("LoadBalancer", "NodePort")


def network_opened(change: Change) -> Iterator[Danger]:
    """A NetworkPolicy that allows more, or other pods than before."""
    if not both(change, "NetworkPolicy"):
        return
    name = code(change.title)
    before, after = nested_map(change.before, "spec"), nested_map(change.after, "spec")
    if before.get("podSelector") != after.get("podSelector"):
        old, new = (nested_map(side, "podSelector", "matchLabels") for side in (before, after))
        yield Danger(f"{name}: is for other pods: {transition(old, new)}", "podSelector")
    for kind, (field, peers) in _DIRECTIONS.items():
        if kind in nested_list(before, "policyTypes") and kind not in nested_list(after, "policyTypes"):
            yield Danger(f"{name}: {kind} is restricted no more", "policyTypes")
        for rule in nested_list(after, field):
            if not any(_within(rule, old, peers) for old in nested_list(before, field)):
                yield Danger(f"{name}: {field} opens: {shown(_rule(rule, peers))}", field)


def route_opened(change: Change) -> Iterator[Danger]:
    """An HTTPRoute that more hosts, paths or Gateways lead to."""
    if not both(change, "HTTPRoute"):
        return
    name = code(change.title)
    before, after = nested_map(change.before, "spec"), nested_map(change.after, "spec")
    for gateway in nested_list(after, "parentRefs"):
        if gateway not in nested_list(before, "parentRefs"):
            yield Danger(f"{name}: another Gateway leads to it: {shown(gateway)}", "parentRefs")
    hosts = nested_list(before, "hostnames"), nested_list(after, "hostnames")
    if hosts[0] and (not hosts[1] or set(map(str, hosts[1])) - set(map(str, hosts[0]))):
        yield Danger(
            f"{name}: hosts {transition(', '.join(map(str, hosts[0])), ', '.join(map(str, hosts[1])) or 'any')}",
            "hostnames",
        )
    old = _prefixes(before)
    for path in _prefixes(after):
        if not any(f"{path.rstrip('/')}/".startswith(f"{prefix.rstrip('/')}/") for prefix in old):
            yield Danger(f"{name}: is asked by another path: {code(path)}", "value", path)


def pod_security_weakened(change: Change) -> Iterator[Danger]:
    """Pod Security that a Namespace enforces no more, or a pod that gives up what protects its node."""
    if both(change, "Namespace"):
        old, new = (
            nested_map(side, "metadata", "labels").get(_ENFORCE) for side in (change.before, change.after)
        )
        if old in _LEVELS and (new not in _LEVELS or _LEVELS.index(new) < _LEVELS.index(old)):
            yield Danger(
                f"{code(change.title)}: Pod Security {transition(old, new)}", _ENFORCE, str(new or "")
            )
    if change.before is None or change.after is None:
        return
    before, after = set(_weak(change.before)), list(_weak(change.after))
    for owner, message, field in after:
        if (owner, message, field) not in before:
            yield Danger(f"{code(owner)}: {message}", field)


def rights_given(change: Change) -> Iterator[Danger]:
    """A Role or a binding of one that is new or another, and a Service that is reached from outside of the cluster."""
    if change.kind in _RIGHTS and change.after is not None:
        state = "is new" if change.before is None else "changes"
        yield Danger(f"{code(change.title)} {state}: rights in the cluster", "rules")
    old, new = (nested(side, "spec", "type") for side in (change.before, change.after))
    if change.kind == "Service" and new in _OUTSIDE and old not in _OUTSIDE:
        yield Danger(
            f"{code(change.title)}: type {transition(old, new)}: reached from outside of the cluster",
            "type",
            new,
        )


def seal_widened(change: Change) -> Iterator[Danger]:
    """A SealedSecret whose scope widens: it opens under another name or in another namespace."""
    if not both(change, "SealedSecret"):
        return
    for scope in ("cluster-wide", "namespace-wide"):
        key = f"sealedsecrets.bitnami.com/{scope}"
        old, new = (
            nested_map(side, "metadata", "annotations").get(key) for side in (change.before, change.after)
        )
        if str(new).lower() == "true" and str(old).lower() != "true":
            yield Danger(f"{code(change.title)}: its scope is {code(scope)} now", key)


def _weak(entry: object) -> Iterator[tuple[str, str, str]]:
    """Yield what does not protect the node of each pod: whose, in words, and the field."""
    for place, pod in pods(entry):
        owner = f"pod {place}".strip()
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(field):
                yield owner, f"{code(field)} is on", field
        if pod.get("automountServiceAccountToken") is not False:
            yield owner, "may talk to the Kubernetes API", "automountServiceAccountToken"
        for volume in nested_list(pod, "volumes"):
            if "hostPath" in volume:
                yield (
                    owner,
                    f"mounts {code(str(nested(volume, 'hostPath', 'path')))} of its node",
                    "hostPath",
                )
        context = nested_map(pod, "securityContext")
        for key in ("initContainers", "containers"):
            for container in nested_list(pod, key):
                for message, field in _weak_container(container, context):
                    yield str(nested(container, "name")), message, field


def _weak_container(container: Any, context: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    own = {**context, **nested_map(container, "securityContext")}
    capabilities = nested_map(own, "capabilities")
    if own.get("privileged"):
        yield "is privileged", "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges", "allowPrivilegeEscalation"
    if own.get("runAsNonRoot") is not True or own.get("runAsUser") == 0:
        yield "may run as root", "runAsUser" if own.get("runAsUser") == 0 else "runAsNonRoot"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "may write its root file system", "readOnlyRootFilesystem"
    if "ALL" not in nested_list(capabilities, "drop"):
        yield "keeps capabilities", "capabilities"
    if nested_list(capabilities, "add"):
        yield f"gets the capabilities {code(', '.join(map(str, capabilities['add'])))}", "capabilities"
    if nested(own, "seccompProfile", "type") not in ("RuntimeDefault", "Localhost"):
        yield "has no seccomp profile", "seccompProfile"
    if any("hostPort" in port for port in nested_list(container, "ports")):
        yield "opens a port of its node", "hostPort"


def _within(rule: Any, old: Any, peers: str) -> bool:
    """Whether all that ``rule`` of a NetworkPolicy allows is allowed by ``old`` too; an empty list allows all."""
    for field, inside in (("ports", _port_within), (peers, _peer_within)):
        allowed, wanted = nested_list(old, field), nested_list(rule, field)
        if allowed and not (
            wanted and all(any(inside(entry, other) for other in allowed) for entry in wanted)
        ):
            return False
    return True


def _port_within(port: Any, old: Any) -> bool:
    return bool(port == old or (nested(old, "port") is None and _protocol(port) == _protocol(old)))


def _protocol(port: Any) -> str:
    return str(nested(port, "protocol") or "TCP")


def _peer_within(peer: Any, old: Any) -> bool:
    block, allowed = nested_map(peer, "ipBlock"), nested_map(old, "ipBlock")
    if not (block and allowed):
        return bool(peer == old)
    try:
        inner, outer = (ipaddress.ip_network(str(side.get("cidr")), False) for side in (block, allowed))
        if inner.version != outer.version or not inner.subnet_of(outer):  # type: ignore[arg-type]
            return False
    except ValueError:
        return bool(peer == old)
    return set(nested_list(allowed, "except")) <= set(nested_list(block, "except"))


def _rule(rule: Any, peers: str) -> str:
    """Return a rule in a line: to or from whom, and the ports."""
    whom = [
        str(
            nested_map(peer, "ipBlock").get("cidr")
            or ", ".join(f"{key} {value}" for key, value in peer.items())
        )
        for peer in nested_list(rule, peers)
    ]
    ports = [f"{_protocol(port)} {nested(port, 'port') or 'all'}" for port in nested_list(rule, "ports")]
    return f"{peers} {', '.join(whom) or 'anywhere'}, ports {', '.join(ports) or 'all'}"


def _prefixes(spec: Mapping[str, Any]) -> list[str]:
    return [
        str(nested_map(match, "path").get("value", "/"))
        for rule in nested_list(spec, "rules")
        for match in nested_list(rule, "matches") or [{}]
    ]
