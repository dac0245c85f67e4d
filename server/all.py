"""The verb ``all``: fetch, environment and serve in one go, for where there is no Kubernetes.

In a pod each of them is a container that gets its own secrets only. Here each replaces the one before (exec), and with
it the process's environment: what a process was started with stays readable in /proc/<pid>/environ for every process
of its user, and so for the model.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

from server import settings
from server.errors import BadSetting
from server.model.environ import is_harmless, matches, named
from server.settings_loader import PARAMETERS

# Names what the model may read.
MODEL_ENVIRONMENT = "SERVER_MODEL_ENVIRONMENT"

log = logging.getLogger(__name__)

# Shell patterns.
# Of the operator, whose place somebody may take who starts the image by hand.
_OPERATOR = ("PREDICTIVE_UNIT_*", "PREDICTOR_*", "SELDON_*")
# What the lines of the log are, and how traces are sent.
_LOG = ("LOG_LEVEL", "LOG_FORMAT", "KUBERNETES_SERVICE_HOST", "OTEL_*")
# How packages are downloaded (docs.astral.sh/uv/reference/environment), and where the Pythons are.
_DOWNLOADS = (
    *("UV_*", "PIP_*", "PYENV_*", "XDG_*", "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
)


@dataclass(frozen=True)
class Order:
    """The arguments of the verb: the model at ``source``, put below ``folder``; ``passed`` names further variables for the model."""

    source: str
    folder: Path
    digest: str | None
    passed: tuple[str, ...]

    @property
    def model(self) -> Path:
        """The folder of the model."""
        return self.folder / "model"

    @property
    def environment(self) -> Path:
        """The folder of its environment."""
        return self.folder / "environment"

    def arguments(self, step: str) -> list[str]:
        """Return the command line of the next step, ``step``."""
        if step == "serve":
            return ["serve", "--environment", str(self.environment)]
        options = ["--digest", self.digest] if self.digest else []
        for name in self.passed:
            options += ["--pass", name]
        return ["all", self.source, "--folder", str(self.folder), *options, "--step", step]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes to its parser."""
    parser.add_argument("source", metavar="SOURCE", help="as for fetch")
    parser.add_argument("--digest", metavar="sha256:…", help="as for fetch")
    parser.add_argument(
        "--folder",
        metavar="FOLDER",
        type=Path,
        help="folder to put model and environment in (all, where temporary files are)",
    )
    parser.add_argument(
        "--parameter", metavar="NAME=VALUE", action="append", default=[], help="graph parameter, once or more"
    )
    parser.add_argument(
        "--pass",
        dest="passed",
        metavar="NAME",
        action="append",
        default=[],
        help="environment variable that the model may read, once or more",
    )
    # The step that the replaced process runs next.
    parser.add_argument("--step", choices=("fetch", "environment"), default="fetch", help=argparse.SUPPRESS)


def parameters(given: Sequence[str], model: Path, environ: Mapping[str, str]) -> str:
    """Return the graph parameters as the operator writes them: those of ``environ``, then NAME=VALUE, and the folder.

    Raises:
        BadSetting: one of ``given`` has another form.
    """
    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise BadSetting(f"--parameter {text!r}: must have the form NAME=VALUE, as in xtype=DataFrame")
        values[name] = value
    values["model_uri"] = str(model.absolute())
    try:
        listed: list[dict[str, Any]] = json.loads(environ.get(PARAMETERS) or "[]")
        kept = [entry for entry in listed if entry["name"] not in values]
    except (ValueError, TypeError, KeyError) as error:
        raise BadSetting(
            f"{PARAMETERS}={environ[PARAMETERS]!r}: must be a JSON list of objects with name, value and type"
        ) from error
    made = [{"name": name, "value": value, "type": "STRING"} for name, value in values.items()]
    return json.dumps([*kept, *made])


def narrowed(environ: Mapping[str, str], step: str, passed: Sequence[str]) -> dict[str, str]:
    """Return the variables of ``environ`` that ``step`` gets: what it reads, and no secret of a step before."""
    patterns = [*_LOG, *_OPERATOR, *_names(settings.ServeSettings), *passed]
    if step == "environment":
        patterns += [*_DOWNLOADS, *_names(settings.EnvironmentSettings)]
    else:
        patterns += named(environ.get(MODEL_ENVIRONMENT, ""))
    kept = [name for name in environ if is_harmless(name) or matches(name, patterns)]
    return {name: environ[name] for name in kept}


def replace(order: Order, step: str, environ: Mapping[str, str]) -> NoReturn:
    """Go on with ``step`` in a new process image, which keeps the process id."""
    kept = narrowed(environ, step, order.passed)
    if step == "serve" and order.passed:
        kept[MODEL_ENVIRONMENT] = " ".join((kept.get(MODEL_ENVIRONMENT, ""), *order.passed)).strip()
    if left := sorted(set(environ) - set(kept)):
        log.info("out of the reach of %s: %s; --pass NAME lets one through", step, ", ".join(left))
    # As this one was started: isolated (-I) or not.
    options = sys.orig_argv[1 : sys.orig_argv.index("-m")]
    os.execve(sys.executable, [sys.executable, *options, "-m", "server", *order.arguments(step)], kept)  # noqa: S606


def _names(kind: type) -> list[str]:
    return [name for field in fields(kind) for name in field.metadata["env"]]
