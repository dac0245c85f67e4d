"""A real S3 server on loopback, for the local run and the tests (versitygw over a folder), and the secret of its account."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from gitops.errors import SealFailed, StartFailed
from gitops.local import ports
from gitops.manifests.documents import parse_objects
from gitops.manifests.site import read_site
from gitops.seal.certificate import DEMO_KEY
from gitops.seal.secrets import object_store
from gitops.seal.stores import ENDPOINT, USE_SSL
from gitops.seal.unseal import unseal
from gitops.tools import tool

if TYPE_CHECKING:
    from obstore.store import S3Credential

START_SECONDS = 20.0
# The discard port: nothing listens there.
NOWHERE = "http://127.0.0.1:9"

log = logging.getLogger(__name__)


class Store:
    """An S3 server on 127.0.0.1 whose buckets are folders below ``folder``; a context manager.

    It takes path-style requests signed with ``access_key`` and ``secret_key``; what is not given is
    made up. ``endpoint`` is its URL, known once it runs. Its process joins ``process_group``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        access_key: str | None = None,
        secret_key: str | None = None,
        process_group: int | None = None,
    ) -> None:
        self.folder = folder
        self.access_key = access_key or secrets.token_hex(10)
        self.secret_key = secret_key or secrets.token_urlsafe(30)
        self.port = 0
        self._group = process_group
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """URL of the server, with its scheme."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        binary = tool("versitygw")
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        metadata = self.folder / "metadata"
        metadata.mkdir(exist_ok=True)
        (self.port,) = ports.free(1)
        with (self.folder / "log").open("wb") as output:
            self._process = subprocess.Popen(
                # A folder for the metadata: not every file system has extended attributes.
                [binary, "--port", f"127.0.0.1:{self.port}", "posix", "--sidecar", metadata, data],
                # The credentials by the environment: anyone may read the arguments of a process.
                env={
                    "PATH": os.environ.get("PATH", ""),
                    "HOME": str(self.folder),
                    "ROOT_ACCESS_KEY_ID": self.access_key,
                    "ROOT_SECRET_ACCESS_KEY": self.secret_key,
                    # Kept alive as by S3; versitygw closes each connection otherwise.
                    "VGW_KEEP_ALIVE": "true",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=self._group,
            )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server; what it stored stays in the folder."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def upload(self, folder: Path, bucket: str, prefix: str) -> None:
        """Put every file of ``folder`` into ``bucket``, made if it is not there, below ``prefix``.

        Raises:
            StartFailed: the server refuses it.
        """
        (self.folder / "data" / bucket).mkdir(exist_ok=True)
        client = self.client(bucket)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            key = f"{prefix.strip('/')}/{file.relative_to(folder).as_posix()}"
            try:
                obstore.put(client, key, file)
            except BaseError as error:
                raise StartFailed(f"cannot put {file} at s3://{bucket}/{key}: {error}") from error

    def client(self, bucket: str) -> S3Store:
        """Return obstore's client of ``bucket``.

        What obstore is not given it takes from the environment, where a person may have an account of their own.
        """
        account: S3Credential = {
            "access_key_id": self.access_key,
            "secret_access_key": self.secret_key,
            "token": None,
            "expires_at": None,
        }
        return S3Store(
            bucket,
            endpoint=self.endpoint,
            credential_provider=lambda: account,
            region="us-east-1",
            skip_signature=False,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while self._process is not None and self._process.poll() is None and time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        output = (self.folder / "log").read_text(errors="replace").strip()
        raise StartFailed(f"versitygw does not listen on {self.endpoint}; it said:\n{output}")


def committed_secret(root: Path) -> dict[str, str]:
    """Return the object store's secret of the repository ``root``, empty where the demo key does not open it.

    Raises:
        BadManifest: site.yaml is not valid.
        BuildFailed: its file is not YAML.
    """
    key = root / DEMO_KEY
    if not key.is_file():
        return {}
    file = root / object_store(read_site(root)).file
    if not file.is_file():
        return {}
    (sealed,) = parse_objects(file.read_text(), origin=str(file))
    try:
        return unseal(sealed, key)
    except SealFailed:
        # Sealed to a cluster's key: a deployment's secrets are no business of this machine.
        return {}


def secret_values(store: Store | None, secret: Mapping[str, str]) -> dict[str, str]:
    """Return the content of any secret that a manifest names: ``secret``, with the store's own address in it.

    Where ``secret`` is empty, the store's account is in it too; without a store, one of nobody. It has the four keys of a secret made for
    Seldon's storage initializers: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL (host and port) and
    USE_SSL (whether they speak https).
    """
    endpoint = urlsplit(store.endpoint if store else NOWHERE)
    made_up = {
        "AWS_ACCESS_KEY_ID": store.access_key if store else "none",
        "AWS_SECRET_ACCESS_KEY": store.secret_key if store else "none",
        USE_SSL: str(endpoint.scheme == "https").lower(),
    }
    return {**made_up, **secret, ENDPOINT: endpoint.netloc}
