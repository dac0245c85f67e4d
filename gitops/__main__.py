"""The commands over the manifests (--help lists them)."""

from __future__ import annotations

import argparse
import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from gitops.commands import COMMANDS, GROUPS
from gitops.errors import GitopsError
from gitops.terminal import paint

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "python -m gitops"
_TOP = """\
The commands over the manifests. `make NAME` runs most of them, with variables in place of options: `make help`."""
_EXIT_CODES = """\
exit codes: 0; 1: something was found, or could not be done, as a line `error: …` on standard error says; 2: an argument
or a variable is wrong; 130: Ctrl-C. What --json prints, and all else that the commands have in common: docs/commands.md"""


def parser(chosen: str = "") -> argparse.ArgumentParser:
    """Return the command line's parser, with the arguments of the command ``chosen``: no other module is imported."""
    top = argparse.ArgumentParser(
        prog=PROGRAM,
        description=_TOP,
        epilog=f"{_listing()}\n\nexamples:\n{_examples('check', 'demo', 'promote')}\n\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version)
    commands = top.add_subparsers(
        dest="command", required=True, metavar="COMMAND", help="one of those below; each has --help"
    )
    for name, entry in COMMANDS.items():
        summary = f"{entry.summary[0].upper()}{entry.summary[1:]}."
        command = commands.add_parser(
            name,
            description=summary,
            epilog=f"examples:\n{_examples(name)}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == chosen:
            module, _, function = entry.declare.partition(":")
            command.set_defaults(run=getattr(import_module(module), function)(command))
            if command.description != summary:
                command.description = f"{summary} {command.description}"
    return top


def _listing() -> str:
    width = max(map(len, COMMANDS)) + 2
    return "\n\n".join(
        "\n".join([f"{group}:", *(f"  {name:{width}}{entry.summary}" for name, entry in commands.items())])
        for group, commands in GROUPS.items()
    )


def _examples(*names: str) -> str:
    return "\n".join(
        f"  # {what}\n  {PROGRAM} {name} {arguments}".rstrip()
        for name in names
        for arguments, what in COMMANDS[name].examples.items()
    )


class _Version(argparse.Action):
    """Print the version; git is asked for the commit only then."""

    def __init__(self, **named: Any) -> None:
        super().__init__(nargs=0, help="say which version this is, and of which commit", **named)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from gitops.version import version

        print(f"seldon-mlflow-gitops {version(ROOT)}")
        parser.exit()


class _Log(logging.Handler):
    """Writes to what standard error is now: progress on a terminal stands in for it for a while."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{self.format(record)}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code (gitops.errors)."""
    given = sys.argv[1:] if argv is None else argv
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As standard error has it: what a terminal's encoding lacks must not end a command that has written its files.
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[_Log()])
    try:
        chosen = next(iter(given), "")
        top = parser(chosen)
        if chosen and not chosen.startswith("-") and chosen not in COMMANDS:
            near = get_close_matches(chosen, COMMANDS, 1)
            meant = f"did you mean {near[0]}?" if near else "choose one of those that --help lists"
            top.error(f"COMMAND {chosen!r}: there is no such command; {meant}")
        arguments = top.parse_args(given)
        return int(arguments.run(arguments, ROOT))
    except GitopsError as error:
        print(paint(f"error: {error}", sys.stderr), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(paint("error: interrupted", sys.stderr), file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Who reads has gone, as head does. Python would write the rest when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


if __name__ == "__main__":
    sys.exit(main())
