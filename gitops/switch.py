"""A variable of the Makefile that switches something on or off, as in DRY_RUN=1.

``python3 -m gitops.switch NAME`` says for the Makefile whether the variable is on or off; it needs the standard library alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from gitops.errors import BadArgument

_ON, _OFF = ("1", "yes", "true"), ("0", "no", "false")


def is_on(name: str, value: str, *, default: bool = False) -> bool:
    """Return whether the ``value`` of the variable ``name`` switches it on, in whatever case; empty is ``default``.

    Raises:
        BadArgument: it is none of the values that a switch has.
    """
    word = value.strip().lower()
    if word not in ("", *_ON, *_OFF):
        raise BadArgument(
            f"{name} {value!r}: must be {', '.join(_ON)} to switch it on, or {', '.join(_OFF)} to switch it off"
        )
    return word in _ON if word else default


def add_switch(parser: argparse.ArgumentParser, name: str, text: str, *, default: bool = False) -> None:
    """Declare the option of the variable ``name``, as --dry-run of DRY_RUN, which takes that variable's value."""
    parser.add_argument(
        f"--{name.lower().replace('_', '-')}",
        default=default,
        type=lambda value: is_on(name, value, default=default),
        metavar="1|0",
        help=text,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Print on or off, and return the exit code: 2 for a value that a switch cannot have."""
    parser = argparse.ArgumentParser(prog="python3 -m gitops.switch", description=__doc__)
    parser.add_argument("name", metavar="NAME", help="variable of the environment")
    name = parser.parse_args(argv).name
    try:
        sys.stdout.write("on\n" if is_on(name, os.environ.get(name, "")) else "off\n")
    except BadArgument as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
