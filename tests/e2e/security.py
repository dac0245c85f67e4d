"""That the project's own containers meet Pod Security "restricted", as the cluster runs them.

Seldon's orchestrator beside them does not, and is not the project's: it does not count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gitops.manifests.image import is_project_image
from gitops.manifests.rendered import from_objects
from gitops.policies import pods
from tests.cluster.namespace import Namespace
from tests.e2e.errors import E2eError
from tests.e2e.report import Report

POLICIES = (
    pods.privileged,
    pods.host_access,
    pods.root_user,
    pods.root_filesystem,
    pods.capabilities,
    pods.seccomp,
)
# What the kernel says of a process in the container: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
_PROCESS = """
import json, os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
try:
    os.open("/written", os.O_CREAT)
    root = "writable"
except OSError as error:
    root = error.strerror
print(json.dumps({
    "user": os.getuid(),
    "capabilities": int(status["CapEff"], 16),
    "no new privileges": int(status["NoNewPrivs"]),
    "seccomp": int(status["Seccomp"]),
    "root file system": root,
}))
"""
_FILTERED = 2


def breaches(pods: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what of "restricted" the project's containers in ``pods`` do not meet, by the rules of `make check`."""
    rendered = from_objects("", None, [_own(pod) for pod in pods])
    return [
        f"{breach.owner}: {breach.value} ({policy.id})"
        for policy in POLICIES
        for breach in policy.judge(rendered)
    ]


def privileges(found: Mapping[str, Any]) -> list[str]:
    """Return what a process may do and should not, from what the kernel said of it."""
    wrong = []
    if found["user"] == 0:
        wrong.append("it runs as root")
    if found["capabilities"]:
        wrong.append(f"it has the capabilities {found['capabilities']:#x}")
    if found["no new privileges"] != 1:
        wrong.append("it may gain privileges")
    if found["seccomp"] != _FILTERED:
        wrong.append("no seccomp profile filters its system calls")
    if found["root file system"] != "Read-only file system":
        wrong.append(f"its root file system is not read-only ({found['root file system']})")
    return wrong


def check(namespace: Namespace, pods: Sequence[Mapping[str, Any]], report: Report) -> None:
    """Judge ``pods`` by their manifests and by what runs in them.

    Raises:
        E2eError: one of the project's containers may do more than "restricted" allows.
    """
    wrong = breaches(pods)
    for pod in pods:
        name = pod["metadata"]["name"]
        for container in (
            entry["name"] for entry in pod["spec"]["containers"] if is_project_image(entry["image"])
        ):
            said = namespace.kubectl(
                *("exec", name, "--container", container, "--", "python", "-I", "-c", _PROCESS)
            )
            wrong += [f"Pod {name}, container {container}: {what}" for what in privileges(json.loads(said))]
    if wrong:
        raise E2eError(f"the project's containers do not meet Pod Security restricted: {'; '.join(wrong)}")
    report.ok(f"{len(pods)} pods: the project's containers are not root and meet Pod Security restricted")


def _own(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pod with the project's containers alone."""
    spec = dict(pod["spec"])
    for key in ("initContainers", "containers"):
        spec[key] = [entry for entry in spec.get(key, ()) if is_project_image(entry["image"])]
    return {**pod, "apiVersion": "v1", "kind": "Pod", "spec": spec}
