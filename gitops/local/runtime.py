"""The runtime of a serving container: this checkout's server, or the stock wrapper with its component class."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from gitops import tools
from gitops.errors import NotRunnable
from gitops.progress import Progress

# Arguments and environment variables.
Command = tuple[list[str], dict[str, str]]
# The command of this checkout's server to the one that is run.
Runtime = Callable[[Command], Command]

SERVER, SELDON_CORE = "server", "seldon-core"
COMPONENT = "server.component.MLFlowServer"
# A socket's path has at most 103 bytes on macOS (107 on Linux), of which the wrapper's names take 35.
LONGEST_PATH = 68
_PARAMETERS = "PREDICTIVE_UNIT_PARAMETERS"


def runtime(name: str, state: Path, progress: Progress) -> Runtime:
    """Return the runtime of this name, SERVER or SELDON_CORE, installed if need be.

    Raises:
        WrapperNotInstalled: the stock wrapper cannot be installed.
        NotRunnable: the path of ``state``, the folder that a run writes in, is too long for it.
    """
    if name == SERVER:
        return server
    temporary = state / "tmp"
    if len(os.fsencode(temporary)) > LONGEST_PATH:
        raise NotRunnable(
            f"{temporary}: the stock wrapper puts sockets into a folder whose path has at most {LONGEST_PATH} "
            f"bytes; move this repository to a shorter path, or run the server itself (RUNTIME={SERVER})"
        )
    # What was killed left its files.
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    with progress.step("seldon-core in its own environment"):
        return seldon_core(tools.seldon_core_python(), temporary)


def server(command: Command) -> Command:
    """Run what the manifest says."""
    return command


def seldon_core(python: Path, temporary: Path) -> Runtime:
    """Return the runtime that serves by the wrapper whose interpreter is ``python``.

    Init containers stay as they are. ``temporary`` is the folder for the wrapper's temporary files.
    """

    def run(command: Command) -> Command:
        arguments, environ = command
        verb, *options = arguments[arguments.index("server") + 1 :]
        if verb != "serve":
            return command
        if options[:1] != ["--environment"] or len(options) != 2:
            raise NotRunnable(
                f"serve {' '.join(options)}: the stock wrapper's component class takes --environment only; "
                f"run it by the server itself (RUNTIME={SERVER})"
            )
        parameters = json.loads(environ.get(_PARAMETERS, "[]"))
        parameters.append({"name": "environment", "value": options[1], "type": "STRING"})
        # It knows no OUTPUT_TRANSFORMER; which method answers depends on the path alone.
        kind = environ.get("SERVICE_TYPE", "MODEL")
        return [
            *(str(python), *tools.SELDON_CORE_PROGRAM, COMPONENT),
            *(
                "--service-type",
                "MODEL" if kind == "OUTPUT_TRANSFORMER" else kind,
                "--parameters",
                json.dumps(parameters),
            ),
        ], {**environ, "TMPDIR": str(temporary)}

    return run
