"""A pod beside the deployments, of the same image: it serves the package index and sends the requests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.kubectl import ClusterError
from tests.cluster.namespace import Namespace

NAME = "helper"
URL = f"http://{NAME}:8080/"
LOAD, CALL = ((Path(__file__).parent / name).read_text() for name in ("load.py", "call.py"))

_UNPACK = "import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode='r|').extractall('/index', filter='data')"
# A node may learn of a Service's new pod a moment after it is ready, and a gateway of a new route: it answers with a
# status of the third argument until then.
_ASK = """
import json, sys, time, urllib.error, urllib.request
url, body, not_yet = sys.argv[1], sys.argv[2].encode(), json.loads(sys.argv[3])
asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})
for seconds in (0.5, 1, 2, 4, 8, 16, 0):
    try:
        print(urllib.request.urlopen(asked, timeout=60).read().decode())
        break
    except urllib.error.HTTPError as error:
        if not seconds or error.code not in not_yet:
            sys.exit(f"{url} answers {error.code}: {error.read()[:500].decode(errors='replace')}")
    except urllib.error.URLError as error:
        if not seconds or not isinstance(error.reason, ConnectionRefusedError):
            sys.exit(f"{url}: {error.reason}")
    time.sleep(seconds)
"""


@dataclass
class Load:
    """What was sent until the block ended."""

    answered: int = 0
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Helper:
    namespace: Namespace

    def python(self, code: str, *arguments: str, stdin: bytes = b"") -> str:
        return self.namespace.kubectl(*_exec(code, *arguments), stdin=stdin)

    def serve(self, index: bytes) -> None:
        self.python(_UNPACK, stdin=index)

    def ask(self, url: str, message: object, *, not_yet: Sequence[int] = ()) -> Any:
        """Return the answer; statuses of ``not_yet`` are waited out for half a minute."""
        return json.loads(self.python(_ASK, url, json.dumps(message), json.dumps(not_yet)))

    def ask_grpc(self, target: str, message: object, metadata: Mapping[str, str] | None = None) -> Any:
        return json.loads(self.python(CALL, target, json.dumps(message), json.dumps(metadata or {})))

    @contextmanager
    def load(self, url: str, message: object) -> Iterator[Load]:
        """Send the message again and again beside the block."""
        command = ["kubectl", "--namespace", self.namespace.name, *_exec(LOAD, url, json.dumps(message))]
        result = Load()
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as load:
            try:
                yield result
            finally:
                said, error = load.communicate(timeout=120)
        if load.returncode != 0:
            raise ClusterError(f"sending requests to {url}: {error.decode(errors='replace').strip()}")
        counted = json.loads(said)
        result.answered, result.failed = counted["answered"], tuple(counted["failed"])


def ask_from_here(url: str, message: object, *, not_yet: Sequence[int] = ()) -> Any:
    """Return the answer to this machine, as of ``Helper.ask``.

    Raises:
        ClusterError: it is not 200, or there is none.
    """
    command = [sys.executable, "-I", "-c", _ASK, url, json.dumps(message), json.dumps(not_yet)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        raise ClusterError(done.stderr.strip())
    return json.loads(done.stdout)


def _exec(code: str, *arguments: str) -> list[str]:
    return ["exec", "--stdin", NAME, "--", "python", "-I", "-c", code, *arguments]


def objects(image: str, pull_secret: str) -> list[dict[str, Any]]:
    """Return the helper's pod and Service."""
    pod = {
        "automountServiceAccountToken": False,
        "imagePullSecrets": [{"name": pull_secret}],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumes": [{"name": "index", "emptyDir": {"sizeLimit": "1Gi"}}],
        "containers": [
            {
                "name": "helper",
                "image": image,
                "command": ["python", "-I", "-m", "http.server", "8080", "--directory", "/index"],
                "volumeMounts": [{"name": "index", "mountPath": "/index"}],
                "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }
    labels = {"app.kubernetes.io/name": NAME}
    return [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": NAME, "labels": labels}, "spec": pod},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME},
            "spec": {"selector": labels, "ports": [{"port": 8080}]},
        },
    ]
