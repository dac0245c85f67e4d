"""A real S3 server on loopback, for the local run and the tests: versitygw over a folder."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from gitops.errors import StartFailed
from gitops.local import ports
from gitops.tools import tool

START_SECONDS = 20.0

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
        """Return obstore's client of ``bucket``."""
        return S3Store(
            bucket,
            endpoint=self.endpoint,
            access_key_id=self.access_key,
            secret_access_key=self.secret_key,
            region="us-east-1",
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
