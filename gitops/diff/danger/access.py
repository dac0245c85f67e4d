"""Doors that open: of the network, of a pod to its node, of rights in the cluster."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from gitops.diff.danger.danger import Danger, at, both, entries, mapping, shown, turned
from gitops.diff.danger.pods import pods
from gitops.diff.markdown import code
from gitops.diff.objects import Change

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
    before, after = mapping(change.before, "spec"), mapping(change.after, "spec")
    if before.get("podSelector") != after.get("podSelector"):
        old, new = (mapping(side, "podSelector", "matchLabels") for side in (before, after))
        yield Danger(f"{name}: is for other pods: {turned(old, new)}", "podSelector")
    for kind, (field, peers) in _DIRECTIONS.items():
        if kind in entries(before, "policyTypes") and kind not in entries(after, "policyTypes"):
            yield Danger(f"{name}: {kind} is restricted no more", "policyTypes")
        for rule in entries(after, field):
            if not any(_within(rule, old, peers) for old in entries(before, field)):
                yield Danger(f"{name}: {field} opens: {shown(_rule(rule, peers))}", field)


def route_opened(change: Change) -> Iterator[Danger]:
    """An HTTPRoute that more hosts, paths or Gateways lead to."""
    if not both(change, "HTTPRoute"):
        return
    name = code(change.title)
    before, after = mapping(change.before, "spec"), mapping(change.after, "spec")
    for gateway in entries(after, "parentRefs"):
        if gateway not in entries(before, "parentRefs"):
            yield Danger(f"{name}: another Gateway leads to it: {shown(gateway)}", "parentRefs")
    hosts = entries(before, "hostnames"), entries(after, "hostnames")
    if hosts[0] and (not hosts[1] or set(map(str, hosts[1])) - set(map(str, hosts[0]))):
        yield Danger(
            f"{name}: hosts {turned(', '.join(map(str, hosts[0])), ', '.join(map(str, hosts[1])) or 'any')}",
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
            mapping(side, "metadata", "labels").get(_ENFORCE) for side in (change.before, change.after)
        )
        if old in _LEVELS and (new not in _LEVELS or _LEVELS.index(new) < _LEVELS.index(old)):
            yield Danger(f"{code(change.title)}: Pod Security {turned(old, new)}", _ENFORCE, str(new or ""))
    if change.before is None or change.after is None:
        return
    before, after = set(_weak(change.before)), list(_weak(change.after))
    for owner, said, field in after:
        if (owner, said, field) not in before:
            yield Danger(f"{code(owner)}: {said}", field)


def rights_given(change: Change) -> Iterator[Danger]:
    """A Role or a binding of one that is new or another, and a Service that is reached from outside of the cluster."""
    if change.kind in _RIGHTS and change.after is not None:
        state = "is new" if change.before is None else "changes"
        yield Danger(f"{code(change.title)} {state}: rights in the cluster", "rules")
    old, new = (at(side, "spec", "type") for side in (change.before, change.after))
    if change.kind == "Service" and new in _OUTSIDE and old not in _OUTSIDE:
        yield Danger(
            f"{code(change.title)}: type {turned(old, new)}: reached from outside of the cluster", "type", new
        )


def seal_widened(change: Change) -> Iterator[Danger]:
    """A SealedSecret whose scope widens: it opens under another name or in another namespace."""
    if not both(change, "SealedSecret"):
        return
    for scope in ("cluster-wide", "namespace-wide"):
        key = f"sealedsecrets.bitnami.com/{scope}"
        old, new = (
            mapping(side, "metadata", "annotations").get(key) for side in (change.before, change.after)
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
        for volume in entries(pod, "volumes"):
            if "hostPath" in volume:
                yield (
                    owner,
                    f"mounts {code(str(at(volume, 'hostPath', 'path')))} of its node",
                    "hostPath",
                )
        context = mapping(pod, "securityContext")
        for key in ("initContainers", "containers"):
            for container in entries(pod, key):
                for said, field in _weak_container(container, context):
                    yield str(at(container, "name")), said, field


def _weak_container(container: Any, context: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    own = {**context, **mapping(container, "securityContext")}
    capabilities = mapping(own, "capabilities")
    if own.get("privileged"):
        yield "is privileged", "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges", "allowPrivilegeEscalation"
    if own.get("runAsNonRoot") is not True or own.get("runAsUser") == 0:
        yield "may run as root", "runAsUser" if own.get("runAsUser") == 0 else "runAsNonRoot"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "may write its root file system", "readOnlyRootFilesystem"
    if "ALL" not in entries(capabilities, "drop"):
        yield "keeps capabilities", "capabilities"
    if entries(capabilities, "add"):
        yield f"gets the capabilities {code(', '.join(map(str, capabilities['add'])))}", "capabilities"
    if at(own, "seccompProfile", "type") not in ("RuntimeDefault", "Localhost"):
        yield "has no seccomp profile", "seccompProfile"
    if any("hostPort" in port for port in entries(container, "ports")):
        yield "opens a port of its node", "hostPort"


def _within(rule: Any, old: Any, peers: str) -> bool:
    """Whether all that ``rule`` of a NetworkPolicy allows is allowed by ``old`` too; an empty list allows all."""
    for field, inside in (("ports", _port_within), (peers, _peer_within)):
        allowed, wanted = entries(old, field), entries(rule, field)
        if allowed and not (
            wanted and all(any(inside(entry, other) for other in allowed) for entry in wanted)
        ):
            return False
    return True


def _port_within(port: Any, old: Any) -> bool:
    return bool(port == old or (at(old, "port") is None and _protocol(port) == _protocol(old)))


def _protocol(port: Any) -> str:
    return str(at(port, "protocol") or "TCP")


def _peer_within(peer: Any, old: Any) -> bool:
    block, allowed = mapping(peer, "ipBlock"), mapping(old, "ipBlock")
    if not (block and allowed):
        return bool(peer == old)
    try:
        inner, outer = (ipaddress.ip_network(str(side.get("cidr")), False) for side in (block, allowed))
        if inner.version != outer.version or not inner.subnet_of(outer):  # type: ignore[arg-type]
            return False
    except ValueError:
        return bool(peer == old)
    return set(entries(allowed, "except")) <= set(entries(block, "except"))


def _rule(rule: Any, peers: str) -> str:
    """Return a rule in a line: to or from whom, and the ports."""
    whom = [
        str(
            mapping(peer, "ipBlock").get("cidr") or ", ".join(f"{key} {value}" for key, value in peer.items())
        )
        for peer in entries(rule, peers)
    ]
    ports = [f"{_protocol(port)} {at(port, 'port') or 'all'}" for port in entries(rule, "ports")]
    return f"{peers} {', '.join(whom) or 'anywhere'}, ports {', '.join(ports) or 'all'}"


def _prefixes(spec: Mapping[str, Any]) -> list[str]:
    return [
        str(mapping(match, "path").get("value", "/"))
        for rule in entries(spec, "rules")
        for match in entries(rule, "matches") or [{}]
    ]
