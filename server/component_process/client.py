"""The client of the node's process, which the wrapper's processes share and the first of them starts.

Blocking: the stock wrapper has threads, no event loop.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import server
from server import errors
from server.api.node import Role
from server.errors import NotReady, ServerError
from server.ipc import wire
from server.ipc.connection import FrameConnection
from server.model.worker_process import STOP_SECONDS
from server.schema.json_arrays import as_written
from server.schema.request import Answer, Request

ROOT = Path(server.__file__).resolve().parents[1]
BACKLOG = 128


class NodeClient:
    """A node in a process of its own, shared by this process and all that it forks.

    The first one starts the node's process and the others join it; whoever finds it gone starts it again. It ends
    with the last of them, however they end.

    Args:
        environ: the environment variables of the node's process (server.settings).
        environment: the folder that the verb ``environment`` made.
    """

    def __init__(self, environ: Mapping[str, str], environment: Path) -> None:
        self._environ = dict(environ)
        self._environment = environment.absolute()
        self._folder = Path(tempfile.mkdtemp(prefix="mlflow-server-"))
        atexit.register(self._remove, os.getpid())
        self._address = str(self._folder / "socket")
        # Kept, for Python warns of one that is forgotten while it runs.
        self._process: subprocess.Popen[bytes] | None = None
        self._threads = threading.local()
        # The node's process loads the model from now on, and lives as long as this process.
        self._kept: socket.socket | None = self._connect()
        os.register_at_fork(after_in_child=self._part)

    def load(self) -> None:
        """Return when the model is loaded.

        Raises:
            ModelNotLoaded: it cannot be.
        """
        try:
            self._call({"call": "load"}, [])
        except NotReady:
            # It may have ended with the process before this one; once more starts it again.
            self._call({"call": "load"}, [])

    def healthy(self) -> None:
        """Return if the model can be called.

        Raises:
            NotReady: it cannot.
        """
        self._call({"call": "healthy"}, [])

    def answer(self, role: Role, request: Request) -> tuple[Answer, dict[str, Any]]:
        """Call the node as server.api.node.Node.answer does, and raise what it raises."""
        call = {"call": "answer", "role": role, "kind": request.kind}
        header, values = self._call(
            {**call, "names": request.names, "meta": request.meta}, [as_written(request.values)]
        )
        return Answer(values[0], header["names"]), header["meta"]

    def close(self) -> None:
        """End the node's process, in the one thread of the one process that has used it."""
        connection: FrameConnection | None = getattr(self._threads, "connection", None)
        for opened in (connection, self._kept):
            if opened is not None:
                opened.close()
        self._threads.connection = self._kept = None
        if self._process is not None:
            try:
                # It ends the model's process first, which it gives time to end by itself.
                self._process.wait(3 * STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _call(self, header: dict[str, Any], values: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        try:
            connection = self._connection()
            connection.send(wire.pack(header, values))
            header, values = connection.receive()
        except BaseException as error:
            # Whatever it is, half a frame may be under way.
            self._threads.connection = None
            if not isinstance(error, EOFError | OSError):
                raise
            raise NotReady(
                "the node's process ended before it answered; it is started again: send the request again"
            ) from error
        if header["event"] == "error":
            kind = getattr(errors, header["error"])
            raise kind(header["message"]) if issubclass(kind, ServerError) else ServerError(header["message"])
        return header, values

    def _connection(self) -> FrameConnection:
        """Return this thread's connection."""
        if getattr(self._threads, "connection", None) is None:
            self._threads.connection = FrameConnection(self._connect())
        connection: FrameConnection = self._threads.connection
        return connection

    def _connect(self) -> socket.socket:
        """Return a connection to the node's process, started where none runs."""
        connection = socket.socket(socket.AF_UNIX)
        with self._alone():
            try:
                connection.connect(self._address)
            except (FileNotFoundError, ConnectionRefusedError):
                self._start(connection)
        return connection

    def _start(self, connection: socket.socket) -> None:
        """Start the node's process with ``connection`` as its first one, so that it ends with that."""
        Path(self._address).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._address)
            listener.listen(BACKLOG)
            connection.connect(self._address)
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "server.component_process.server",
                    str(listener.fileno()),
                    self._environment,
                ],
                cwd=ROOT,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C is for the wrapper, whose end ends it.
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _part(self) -> None:
        """Leave a parent's connections to the parent, in the process that it forked."""
        self._threads = threading.local()
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _remove(self, owner: int) -> None:
        if os.getpid() == owner:
            shutil.rmtree(self._folder, ignore_errors=True)
