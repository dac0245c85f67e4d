"""The verbs of the image: fetch, environment, serve, all, smoke, inspect, lock."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from server import __version__, container, settings
from server import all as steps
from server.errors import ServerError
from server.settings_loader import PARAMETERS, load

PROGRAM = "python -m server"
# Of each verb: arguments, each with what they do.
EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "fetch": {
        "s3://models/churn/8 /mnt/models --digest sha256:…": "by AWS_ACCESS_KEY_ID and the like; other bytes are refused",
        "models:/churn@champion model": "by MLFLOW_TRACKING_URI",
    },
    "environment": {"model environment": "by the lock of ENVIRONMENT_LOCK, else resolved now"},
    "serve": {
        "--environment environment": "PREDICTIVE_UNIT_PARAMETERS names the model's folder, as Seldon's operator does"
    },
    "all": {
        "s3://models/churn/8": "at http://0.0.0.0:9000",
        "file:///models/churn --parameter predict_method=predict_proba --pass MY_TOKEN": "a graph parameter, and a variable that the model reads",
    },
    "smoke": {
        "http://127.0.0.1:9000 --model-digest sha256:… --expected expected.json": "by Seldon's protocol",
        "http://127.0.0.1:9000 --model-digest sha256:… --expected expected.json --protocol v2 --node churn": "by the Open Inference Protocol",
    },
    "inspect": {
        "s3://models/churn/8": "for a person",
        "model --json": "for a program: what contract.json holds",
    },
    "lock": {
        "model -o requirements.lock": "for the Pythons of the image",
        "model --python 3.12": "for this one, printed",
    },
}
_EXIT_CODES = """\
exit codes: 0; 2: a setting or an argument is wrong; 10 to 17: the model's files; 20 to 23: its environment; 30 and 31: its
process; 40 to 42: the smoke test; 1: anything else. Each has its cause and its fix in docs/errors.md; settings are variables: docs/settings.md"""


def _fetch(arguments: argparse.Namespace) -> None:
    from server.artifact.fetch import fetch

    _clean_up_on_sigterm()
    fetch(
        arguments.source,
        arguments.dest,
        load(settings.FetchSettings, os.environ),
        digest=arguments.digest,
    )


def _environment(arguments: argparse.Namespace) -> None:
    from server.environment.build import build

    _clean_up_on_sigterm()
    build(arguments.model, arguments.env, load(settings.EnvironmentSettings, os.environ))


def _serve(arguments: argparse.Namespace) -> None:
    from server.model.environ import model_environ, tell_unknown
    from server.model.worker_process import WorkerProcess, interpreter
    from server.operating_system import adopt_orphans, hide_memory

    chosen = load(settings.ServeSettings, os.environ, container.read_annotations())
    # Until serve listens for it; the model's process ends with this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    container.raise_file_descriptor_limit()
    adopt_orphans()
    hide_memory()
    python = interpreter(chosen, arguments.environment)
    worker = WorkerProcess(python, model_environ(chosen), chosen.model_processes)
    # The server multiplies no matrices, and it is forked.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    try:
        # What is imported from here on takes a while, in which the model's process starts, and then loads the model.
        from server.model.handshake import handshake, read

        worker.tell(handshake(chosen, read(chosen)))
        tell_unknown(chosen, os.environ)
        from server.serving.serve import serve

        serve(chosen, arguments.environment, worker)
    finally:
        worker.end()


def _all(arguments: argparse.Namespace) -> None:
    # Not the parser's default: other verbs run where nothing can be written.
    folder = arguments.folder or Path(tempfile.gettempdir(), "all")
    order = steps.Order(arguments.source, folder, arguments.digest, tuple(arguments.passed))
    environ = dict(os.environ)
    if arguments.step == "fetch":
        listed = steps.parameters(arguments.parameter, order.model, environ)
        _fetch(argparse.Namespace(source=order.source, dest=order.model, digest=order.digest))
        steps.replace(order, "environment", environ | {PARAMETERS: listed})
    _environment(argparse.Namespace(model=order.model, env=order.environment))
    steps.replace(order, "serve", environ)


def _smoke(arguments: argparse.Namespace) -> None:
    from server.pins.expectation import read
    from server.pins.protocols import protocol
    from server.pins.smoke import smoke

    _clean_up_on_sigterm()
    smoke(
        arguments.url,
        arguments.model_digest,
        arguments.image,
        read(arguments.expected),
        seconds=arguments.timeout,
        asking=protocol(arguments.protocol, arguments.node),
    )


def _inspect(arguments: argparse.Namespace) -> None:
    from server.pins.contract import inspect

    _clean_up_on_sigterm()
    print(inspect(arguments.source, load(settings.FetchSettings, os.environ), as_json=arguments.json))


def _lock(arguments: argparse.Namespace) -> None:
    from server.environment.requirements_lock import check_output
    from server.pins.locking import make

    if arguments.output:
        check_output(arguments.output)
    text = make(arguments.model, load(settings.EnvironmentSettings, os.environ), arguments.python or ())
    if arguments.output:
        arguments.output.write_text(text)
    else:
        print(text, end="")


def _clean_up_on_sigterm() -> None:
    """Let finally blocks run: a pod that is deleted meanwhile must leave nothing half made in a volume."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Fetch an MLflow model, make its Python environment and serve it. In a pod each verb is a container.",
        epilog=f"examples:\n{_examples(*EXAMPLES)}\n\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "--version",
        action="version",
        version=f"seldon-mlflow-server {__version__}",
        help="say which version this is",
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB", help="each has --help")

    fetch = verbs.add_parser("fetch", help="copy a model folder here and check that it is the right one")
    fetch.add_argument(
        "source", metavar="SOURCE", help="s3://, gs://, az://, https://, file://, models:/ or runs:/"
    )
    fetch.add_argument("dest", metavar="DEST", type=Path, help="folder to put the model in")
    fetch.add_argument("--digest", metavar="sha256:…", help="the model's digest; anything else is refused")
    fetch.set_defaults(run=_fetch)

    environment = verbs.add_parser("environment", help="make the model's own Python environment")
    environment.add_argument("model", metavar="MODEL", type=Path, help="folder of the model")
    environment.add_argument("env", metavar="ENV", type=Path, help="folder to make the environment in")
    environment.set_defaults(run=_environment)

    serve = verbs.add_parser("serve", help="serve the model")
    serve.add_argument(
        "--environment", metavar="ENV", type=Path, required=True, help="folder that `environment` made"
    )
    serve.set_defaults(run=_serve)

    everything = verbs.add_parser("all", help="fetch, environment and serve in one go, without Kubernetes")
    steps.add_arguments(everything)
    everything.set_defaults(run=_all)

    smoke = verbs.add_parser("smoke", help="see that a service serves a model and answers as expected")
    smoke.add_argument("url", metavar="URL", help="http://HOST:PORT of the service")
    smoke.add_argument(
        "--model-digest",
        metavar="sha256:…",
        action="append",
        required=True,
        help="digest of the model that it must serve; of a graph's models, all",
    )
    smoke.add_argument(
        "--protocol", metavar="PROTOCOL", default="seldon", help="protocol to ask by: seldon or v2 (seldon)"
    )
    smoke.add_argument("--node", metavar="NODE", default="", help="graph node, for protocol v2")
    smoke.add_argument("--image", metavar="IMAGE", default="", help="image that must answer (any)")
    smoke.add_argument(
        "--expected", metavar="FILE", type=Path, required=True, help="request and response: expected.json"
    )
    smoke.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=300.0, help="how long to wait for it (300)"
    )
    smoke.set_defaults(run=_smoke)

    inspect = verbs.add_parser("inspect", help="say what a model is without loading it")
    inspect.add_argument("source", metavar="SOURCE", help="as for fetch, or a folder")
    inspect.add_argument("--json", action="store_true", help="print JSON")
    inspect.set_defaults(run=_inspect)

    lock = verbs.add_parser("lock", help="pin the model's requirements with hashes, for an overlay")
    lock.add_argument("model", metavar="MODEL", type=Path, help="folder of the model")
    lock.add_argument("-o", "--output", metavar="FILE", type=Path, help="file to write instead of printing")
    lock.add_argument(
        "--python",
        metavar="X.Y",
        action="append",
        help="minor version of Python to lock for, once or more; default: those of the image, and the model's",
    )
    lock.set_defaults(run=_lock)
    for name, verb in verbs.choices.items():
        verb.epilog, verb.formatter_class = (
            f"examples:\n{_examples(name)}",
            argparse.RawDescriptionHelpFormatter,
        )
    return top


def _examples(*names: str) -> str:
    return "\n".join(
        f"  # {what}\n  {PROGRAM} {name} {arguments}"
        for name in names
        for arguments, what in EXAMPLES[name].items()
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb and return its exit code (server.errors)."""
    # Not for gitops, which reads the verbs and has fewer packages.
    from server.telemetry import log_lines

    given = sys.argv[1:] if argv is None else argv
    top, chosen = parser(), next(iter(given), "")
    if chosen and not chosen.startswith("-") and chosen not in EXAMPLES:
        near = get_close_matches(chosen, EXAMPLES, 1)
        meant = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(EXAMPLES)}"
        top.error(f"VERB {chosen!r}: there is no such verb; {meant}")
    arguments = top.parse_args(given)
    try:
        log_lines.configure(arguments.verb)
        arguments.run(arguments)
    except ServerError as error:
        logging.error("%s", error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
