"""The steps on the cluster: the certificate and the secrets, what Argo CD is given, its Applications, and a request."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from gitops.doctor.cluster import ARGO_CD, SEALED_SECRETS, SELDON_CORE
from gitops.errors import BadCertificate, ClusterFailed, UpFailed
from gitops.git import git
from gitops.kubectl import get, kubectl
from gitops.manifests.applications import FOLDER, applications
from gitops.manifests.rendered import Rendered
from gitops.manifests.secrets import SEALED
from gitops.manifests.site import read_site
from gitops.manifests.tree import Tree, load
from gitops.seal import certificate, kubeseal
from gitops.seal.command import fetch_certificate, seal
from gitops.seal.needs import needs
from gitops.seal.secrets import Secret
from gitops.seal.values import Ask
from gitops.up.polling import Wait
from gitops.up.step import Step
from server.errors import BadExpectation, BadSetting
from server.pins import expectation
from server.pins.expectation import Expectation
from server.pins.protocols import protocol

POLL_SECONDS = 5.0
# As docs/install.md has it: fields that somebody else owns are this repository's from now on.
_APPLY = ("--server-side", "--force-conflicts", "--kustomize", FOLDER)


@dataclass(frozen=True)
class Target:
    """Where the fork below ``root`` is served, by the account of kubectl.

    The values of Secrets come from ``lines``, ``environ`` or ``ask`` (gitops.seal.values). ``wait`` is for Argo CD.
    """

    root: Path
    environ: Mapping[str, str]
    lines: TextIO | None
    ask: Ask | None
    wait: Wait


def secrets(target: Target) -> tuple[Step, Step]:
    """Return the steps: the cluster's certificate, and what is sealed to it."""
    return (
        Step(
            "certificate",
            (SEALED_SECRETS,),
            lambda: _certificate(target),
            lambda: f"write the controller's to {certificate.FILE}",
            lambda: _fetch(target),
        ),
        Step(
            "secrets",
            (SEALED_SECRETS,),
            lambda: _sealed(target),
            lambda: f"seal {', '.join(secret.name for secret in _unsealed(target))}",
            lambda: _seal(target),
        ),
    )


def serving(target: Target) -> tuple[Step, Step]:
    """Return the steps: what Argo CD is given, and what it makes of it."""
    return (
        Step(
            "Argo CD",
            (ARGO_CD,),
            lambda: _applied(target),
            lambda: f"`kubectl apply {' '.join(_APPLY)}`",
            lambda: _apply(target),
        ),
        Step(
            "Applications",
            (ARGO_CD, SELDON_CORE),
            lambda: _healthy(target),
            lambda: f"wait until {', '.join(_names(target))} are Healthy",
            lambda: _wait(target),
        ),
    )


def _certificate(target: Target) -> str:
    found = certificate.check(kubeseal.fetch(""), "what the cluster answers")
    try:
        same = certificate.read(target.root / certificate.FILE).pem == found.pem
    except BadCertificate:
        same = False
    return f"{certificate.FILE} is the controller's, valid until {found.ends:%Y-%m-%d}" if same else ""


def _fetch(target: Target) -> str:
    out = io.StringIO()
    fetch_certificate("", root=target.root, out=out)
    return out.getvalue().splitlines()[0]


def _tree(target: Target) -> Tree:
    return load(target.root)


def _unsealed(target: Target) -> list[Secret]:
    """Return the Secrets that are to be sealed and that the controller cannot open as they are, or that lack a key."""
    tree = _tree(target)
    wanted = [secret for secret, _ in needs(tree, read_site(target.root)).secrets()]
    there = {
        (entry["metadata"].get("namespace"), entry["metadata"]["name"]): entry
        for rendered in tree.rendered.values()
        for entry in rendered.objects
        if entry.get("kind") == SEALED
    }
    return [secret for secret in wanted if not _opens(secret, there.get((secret.namespace, secret.name)))]


def _opens(secret: Secret, entry: Mapping[str, Any] | None) -> bool:
    keys = set((entry or {}).get("spec", {}).get("encryptedData") or ())
    return entry is not None and keys.issuperset(secret.keys) and kubeseal.opens(entry)


def _sealed(target: Target) -> str:
    return "" if _unsealed(target) else "the controller can open all that the overlays need"


def _seal(target: Target) -> str:
    names, out = [secret.name for secret in _unsealed(target)], io.StringIO()
    seal(names, root=target.root, environ=target.environ, lines=target.lines, ask=target.ask, out=out)
    # Who exported an account to upload models may not mean it for pods.
    marked = ": taken from the environment"
    taken = [line.removesuffix(marked) for line in out.getvalue().splitlines() if line.endswith(marked)]
    given = f", with {', '.join(taken)} of the environment: pods get those" if taken else ""
    return f"sealed {', '.join(names)}{given}"


def _applied(target: Target) -> str:
    if not (target.root / FOLDER).is_dir():
        raise UpFailed(f"there is no {FOLDER}/ here: docs/install.md says how Flux, or you, apply the rest")
    # 1: there are differences. https://kubernetes.io/docs/reference/kubectl/generated/kubectl_diff/
    code, _ = kubectl("diff", *_in(target, _APPLY), codes=(0, 1))
    return "" if code else f"has what {FOLDER}/ says"


def _in(target: Target, arguments: tuple[str, ...]) -> tuple[str, ...]:
    return (*arguments[:-1], str(target.root / arguments[-1]))


def _apply(target: Target) -> str:
    _, text = kubectl("apply", *_in(target, _APPLY))
    return f"given {len(text.splitlines())} objects"


def _names(target: Target) -> list[str]:
    found = applications(_tree(target))
    return [entry.name for entry in found.known] if found else []


def _states(target: Target, names: list[str]) -> dict[str, str]:
    """Return why each Application of ``names`` is not as it should be, empty where it is.

    Raises:
        ClusterFailed: the cluster or origin does not answer.
    """
    site = read_site(target.root)
    listed = get("applications.argoproj.io", "--namespace", site.argocd_namespace) or {}
    there = {entry["metadata"]["name"]: entry.get("status") or {} for entry in listed.get("items", ())}
    # Whatever is merged meanwhile, Argo CD follows.
    branch = f"refs/heads/{site.revision}"
    tip = git(target.root, "ls-remote", "--exit-code", "origin", branch, fail=ClusterFailed).split()[0]
    return {name: fault(there.get(name), tip) for name in names}


def fault(status: Mapping[str, Any] | None, tip: str) -> str:
    """Return why an Application with this ``status`` does not serve the commit ``tip`` as it should, empty where it does."""
    if status is None:
        return "is not there yet"
    health, sync = status.get("health") or {}, status.get("sync") or {}
    operation = status.get("operationState") or {}
    words = f"{sync.get('status') or 'Unknown'}, {health.get('status') or 'Unknown'}"
    # An old sync says nothing of the new commit, and one whose smoke test failed is Synced and Healthy too.
    phase, revision = operation.get("phase", "Succeeded"), sync.get("revision", "")
    if words == "Synced, Healthy" and phase == "Succeeded" and revision == tip:
        return ""
    said = [
        " ".join(str(entry["message"]).split())
        for entry in (
            *(status.get("conditions") or ()),
            *_failed(operation),
            *([operation] if phase != "Succeeded" else []),
            health,
        )
        if entry.get("message")
    ]
    commit = f" of {revision[:7] or 'no commit'}, not yet {tip[:7]}" if revision != tip else ""
    return f"{words}{commit}{f': {said[0]}' if said else ''}"


def _failed(operation: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield what did not go well in a sync, as a smoke test: its own message says only that something did not."""
    for entry in (operation.get("syncResult") or {}).get("resources") or ():
        if entry.get("hookPhase") in ("Failed", "Error") or entry.get("status") == "SyncFailed":
            yield {"message": f"{entry['kind']} {entry['name']}: {entry.get('message', '')}"}


def _healthy(target: Target) -> str:
    try:
        states = _states(target, _names(target))
    except ClusterFailed:
        return ""  # It is asked again, and what fails is told.
    return "" if any(states.values()) else f"{', '.join(states) or 'none is wanted'}: Synced and Healthy"


def _wait(target: Target) -> str:
    """Wait for the Applications, and tell of each change.

    Raises:
        ClusterFailed: one is not Healthy within the time; the message says what Argo CD says of each.
    """
    names, last = _names(target), dict[str, str]()

    def look() -> dict[str, str] | None:
        states = _states(target, names)
        for name, state in states.items():
            if last.get(name) != state:
                target.wait.tell(f"         {name}: {state or 'Synced, Healthy'}")
        last.update(states)
        return None if any(states.values()) else states

    outcome = target.wait.until(look, POLL_SECONDS)
    if outcome.found is None:
        listed = "".join(f"\n  {name}: {state}" for name, state in last.items() if state)
        raise ClusterFailed(
            f"not Healthy within {target.wait.seconds / 60:.0f} minutes (docs/install.md, What Argo CD says):{listed}"
            f"{outcome.failure}"
        )
    return f"{', '.join(outcome.found)}: Synced and Healthy"


def request(root: Path) -> Iterator[str]:
    """Yield the commands that ask a model of the tree ``root`` what its expected.json asks."""
    for folder, rendered in load(root).rendered.items():
        found = _expected(root / folder) if rendered.overlay and rendered.node else None
        if found is not None and rendered.node is not None:
            yield from _asking(rendered, found)
            return


def _expected(folder: Path) -> Expectation | None:
    try:
        return expectation.read(folder / expectation.FILE)
    except BadExpectation:
        return None  # `make check` says so.


def _asking(rendered: Rendered, expected: Expectation) -> Iterator[str]:
    (deployment,) = rendered.deployments
    node = deployment.predictors[0].graph.name
    try:
        asking = protocol(deployment.protocol, node)
        body = shlex.quote(json.dumps(asking.request(expected)))
    except (BadExpectation, BadSetting) as error:
        yield f"{deployment.name} speaks {deployment.protocol}: {error}"
        return
    path = f"/seldon/{deployment.namespace}/{deployment.name}{asking.predictions}"
    service = f"service/{deployment.name}-{node}"
    yield f"Ask {deployment.name}, through kubectl (from clients: http://HOST{path}, docs/install.md):"
    yield f"  kubectl --namespace {deployment.namespace} port-forward {service} 9000 &"
    yield f"  curl --header 'Content-Type: application/json' --data {body} http://127.0.0.1:9000{asking.predictions}"
