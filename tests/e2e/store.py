"""An S3 server in a pod of the namespace, with the example models: for clusters that reach no bucket with them.

The pod is of the project's image. Into it goes the versitygw of tools/go.mod, one static program, so nothing else is
pulled; its account is the one in the unsealed secret.
"""

from __future__ import annotations

import io
import json
import platform
import secrets
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gitops.manifests.site import Site
from gitops.tools import tool
from tests.cluster.namespace import Namespace
from tests.e2e.errors import E2eError

NAME, PORT = "store", 7070
# Starts once the program and the buckets are there.
_SERVE = """
import os, pathlib, time
while not pathlib.Path("/store/ready").exists():
    time.sleep(0.2)
command = ["/store/versitygw", "--port", ":7070", "posix", "--sidecar", "/store/metadata", "/store/data"]
os.execv(command[0], command)
"""
_PUT_PROGRAM = """
import json, os, pathlib, shutil, sys
for name in ("metadata", "data", *(f"data/{bucket}" for bucket in json.loads(sys.argv[1]))):
    pathlib.Path("/store", name).mkdir(exist_ok=True)
with open("/store/versitygw", "wb") as file:
    shutil.copyfileobj(sys.stdin.buffer, file)
os.chmod(file.name, 0o755)
pathlib.Path("/store/ready").touch()
"""
_PUT_OBJECTS = """
import os, sys, tarfile, obstore
from obstore.store import S3Store
stores = {}
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as files:
    for member in files:
        bucket, _, key = member.name.partition("/")
        if bucket not in stores:
            stores[bucket] = S3Store(
                bucket, endpoint="http://127.0.0.1:7070", region="us-east-1", virtual_hosted_style_request=False,
                access_key_id=os.environ["ROOT_ACCESS_KEY_ID"],
                secret_access_key=os.environ["ROOT_SECRET_ACCESS_KEY"], client_options={"allow_http": True},
            )
        obstore.put(stores[bucket], key, files.extractfile(member).read())
"""


def account() -> dict[str, str]:
    """Return the values of the store's secret, with an account made up for this run."""
    return {
        "AWS_ACCESS_KEY_ID": secrets.token_hex(10),
        "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
        "AWS_ENDPOINT_URL": f"http://{NAME}:{PORT}",
        "USE_SSL": "false",
    }


@dataclass(frozen=True)
class StorePod:
    """The pod ``store``; a ``machine`` is what Python calls a CPU (x86_64)."""

    namespace: Namespace

    def start(self, image: str, site: Site, buckets: Iterable[str], machine: str) -> None:
        """Start it with empty ``buckets`` on a node of this ``machine``.

        Raises:
            E2eError: this machine builds programs for another.
            ClusterError: it does not start.
        """
        refuse_other((platform.system(), platform.machine()), machine)
        self.namespace.apply(objects(image, site))
        # Not ready before it has its program.
        running = "--for=jsonpath={.status.phase}=Running"
        self.namespace.kubectl("wait", running, f"pod/{NAME}", "--timeout=180s")
        self._python(_PUT_PROGRAM, json.dumps(sorted(buckets)), stdin=tool("versitygw").read_bytes())
        self.namespace.kubectl("wait", "--for=condition=Ready", f"pod/{NAME}", "--timeout=60s")

    def put(self, models: Mapping[str, Path]) -> None:
        """Put the files of each folder below its URI."""
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as files:
            for uri, folder in models.items():
                place = urlsplit(uri)
                for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                    key = f"{place.path.strip('/')}/{file.relative_to(folder).as_posix()}"
                    files.add(file, arcname=f"{place.netloc}/{key}")
        self._python(_PUT_OBJECTS, stdin=content.getvalue())

    def _python(self, code: str, *arguments: str, stdin: bytes) -> str:
        command = ("exec", "--stdin", NAME, "--", "python", "-I", "-c", code, *arguments)
        return self.namespace.kubectl(*command, stdin=stdin)


def refuse_other(here: tuple[str, str], machine: str) -> None:
    """Refuse a machine (system, CPU) that does not build programs for Linux nodes of this ``machine``.

    Raises:
        E2eError: as said.
    """
    if here != ("Linux", machine):
        raise E2eError(
            f"STORE=pod builds the store's program for {' '.join(here)}, and the nodes are Linux {machine}: run it on a "
            "machine like them, or give the account of a store of your own"
        )


def objects(image: str, site: Site) -> list[dict[str, Any]]:
    """Return the pod and its Service."""
    labels = {"app.kubernetes.io/name": NAME}
    environ = {"ROOT_ACCESS_KEY_ID": "AWS_ACCESS_KEY_ID", "ROOT_SECRET_ACCESS_KEY": "AWS_SECRET_ACCESS_KEY"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": NAME, "labels": labels},
            "spec": {
                "automountServiceAccountToken": False,
                "imagePullSecrets": [{"name": site.image_pull_secret}],
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65532,
                    "fsGroup": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "volumes": [{"name": "store", "emptyDir": {"sizeLimit": "1Gi"}}],
                "containers": [
                    {
                        "name": NAME,
                        "image": image,
                        "command": ["python", "-I", "-c", _SERVE],
                        "env": [
                            *(
                                {
                                    "name": name,
                                    "valueFrom": {
                                        "secretKeyRef": {"name": site.object_store_secret, "key": key}
                                    },
                                }
                                for name, key in environ.items()
                            ),
                            {"name": "HOME", "value": "/store"},
                        ],
                        "volumeMounts": [{"name": "store", "mountPath": "/store"}],
                        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME},
            "spec": {"selector": labels, "ports": [{"port": PORT}]},
        },
    ]
