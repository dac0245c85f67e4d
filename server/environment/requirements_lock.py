"""A requirements.lock: the resolved requirements of one model, with hashes, and what they were resolved for.

It is a requirements file whose first lines are comments that bind it to the model: its digest, the Pythons and
platforms for which it was checked, and the Pythons for which the requirements do not resolve. The last of them is a
hash of all other lines: it shows a reviewer what was edited by hand, and no more, since it is no signature.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server.artifact.digest import model_digest
from server.environment import requirements_file
from server.environment.requirements import Requirements
from server.errors import BadLock, BadSetting

FILE = "requirements.lock"
_AGAIN = "make it again with `python -m server lock MODEL -o requirements.lock`"
_HEADER = re.compile(
    r"^# (?P<key>model|python|python left out|platform|content): (?P<value>.+)$", re.MULTILINE
)


@dataclass(frozen=True)
class Lock:
    """A lock: ``digest`` of its model, minor versions of Python, platforms such as ``linux-x86_64``.

    ``left_out`` are the Pythons for which the requirements did not resolve. ``content`` is the hash that it names of
    its other lines, empty where it was written before there was one, and ``actual`` that of the lines that it has.
    """

    digest: str
    pythons: tuple[str, ...]
    platforms: tuple[str, ...]
    requirements: Requirements
    left_out: tuple[str, ...] = ()
    content: str = ""
    actual: str = ""


def render(
    digest: str,
    pythons: Sequence[str],
    platforms: Sequence[str],
    requirements: str,
    left_out: Sequence[str] = (),
) -> str:
    """Return the text of a lock whose ``requirements`` are lines with hashes."""
    without = f"# python left out: {', '.join(left_out)}\n" if left_out else ""
    header = (
        "# Written by `python -m server lock`; belongs to this model and no other.\n"
        f"# model: {digest}\n# python: {', '.join(pythons)}\n{without}# platform: {', '.join(platforms)}\n"
    )
    return f"{header}# content: {_content(header + requirements)}\n{requirements}"


def _content(text: str) -> str:
    """Return the hash of the lines of a lock but the one that names it."""
    lines = [line.rstrip() for line in text.splitlines() if not line.startswith("# content: ")]
    return f"sha256:{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"


def check_output(file: Path) -> None:
    """Find out whether a lock can be written to ``file``, before the resolution, which can take minutes.

    Raises:
        BadSetting: it cannot.
    """
    if file.is_dir():
        why = "that is a folder"
    elif not file.parent.is_dir():
        why = f"there is no folder {file.parent}"
    elif not os.access(file if file.exists() else file.parent, os.W_OK):
        why = "it is not allowed to write there"
    else:
        return
    raise BadSetting(
        f"--output {str(file)!r}: must be a file that can be written, and {why}; make the folder or name another file"
    )


def digest(model: Path) -> str:
    """Return the digest that a lock of ``model`` names: the model's, without a lock that lies in its folder."""
    return model_digest(model, without=FILE)


def find(model: Path, given: Path | None) -> Lock | None:
    """Return the lock of ``model``: the file ``given`` if it is there, else the one in its folder, or None.

    Raises:
        BadLock: the lock is of another model, cannot be read, or has a requirement without a hash.
    """
    for path in (given, model / FILE):
        if path is not None and path.is_file():
            return _checked(path, model)
    return None


def _checked(path: Path, model: Path) -> Lock:
    lock = read(path)
    actual = digest(model)
    if lock.digest != actual:
        raise BadLock(f"{path}: belongs to the model {lock.digest}, and this model is {actual}; {_AGAIN}")
    for entry in lock.requirements.entries:
        if not entry.hashed:
            raise BadLock(f"{path}: {entry} has no hash, and a lock is installed with hashes only; {_AGAIN}")
    return lock


def read(path: Path) -> Lock:
    """Return the lock in the file ``path``.

    Raises:
        BadLock: it does not begin as `python -m server lock` writes it.
        BadRequirements: a requirement in it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadLock(f"{path}: cannot be read ({error}); {_AGAIN}") from error
    said = {match["key"]: match["value"] for match in _HEADER.finditer(text)}
    missing = [key for key in ("model", "python", "platform") if key not in said]
    if missing:
        raise BadLock(
            f"{path}: has no line `# {missing[0]}: …`, so nothing says what it belongs to; {_AGAIN}"
        )
    return Lock(
        said["model"],
        tuple(said["python"].split(", ")),
        tuple(said["platform"].split(", ")),
        requirements_file.read(path, path.parent),
        tuple(said["python left out"].split(", ")) if "python left out" in said else (),
        said.get("content", ""),
        _content(text),
    )
