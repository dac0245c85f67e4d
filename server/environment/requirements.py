"""Lists of pip requirements: the requirements file format, read into one flat list.

Source: https://pip.pypa.io/en/stable/reference/requirements-file-format/. uv reads the flat list that
``Requirements.text`` makes; this reader follows -r and -c, which may stand anywhere, and knows the file and
line of each requirement, for messages and for what is added to a list.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Specifier
from packaging.utils import canonicalize_name

from server.errors import BadRequirements

# Options of the format that uv reads in a file, by their long names.
_INDEX = {"--index-url", "--extra-index-url", "--find-links", "--no-index", "--no-binary", "--only-binary"}
# Options of the format that are flags of uv's command line.
_FLAGS = {"--require-hashes": ("--require-hashes",), "--pre": ("--prerelease", "allow")}
# Options that change nothing here: uv always prefers wheels, and hosts are trusted by a setting of uv only.
_WITHOUT_MEANING = {"--prefer-binary", "--trusted-host", "--use-feature"}
_SHORT = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-i": "--index-url",
    "-f": "--find-links",
    "-e": "--editable",
}
_COMMENT = re.compile(r"(^|\s+)#.*$")
_HASH = re.compile(r"\s+--hash[=\s]\s*\S+")


@dataclass(frozen=True)
class Requirement:
    """A requirement, and where it stands: ``source`` is a file of the model folder, ``line`` counts from 1.

    ``name`` is the package's normalised name, or None where only the file or URL that is asked for knows it.
    """

    text: str
    source: str
    line: int
    name: str | None

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}: {self.text}"


@dataclass
class Requirements:
    """Requirements and constraints in their order, options of the format as lines, and flags for uv."""

    entries: list[Requirement] = field(default_factory=list)
    constraints: list[Requirement] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        """Normalised names of the packages that are asked for."""
        return {entry.name for entry in self.entries if entry.name is not None}

    @property
    def text(self) -> str:
        """The flat list without its constraints, in the requirements file format."""
        return "".join(f"{line}\n" for line in (*self.options, *(entry.text for entry in self.entries)))


def read(path: Path, folder: Path) -> Requirements:
    """Return what the requirements file ``path``, and the files it includes, ask for.

    Raises:
        BadRequirements: a line cannot be read, or a file is missing or is outside ``folder``.
    """
    result = Requirements()
    _read(path, folder, result, constraint=False, within=())
    return result


def parse(lines: Iterable[tuple[int, str]], path: Path, folder: Path) -> Requirements:
    """Return what ``lines``, numbered lines of the file ``path`` below ``folder``, ask for.

    Raises:
        BadRequirements: as ``read``.
    """
    result = Requirements()
    _parse(lines, path, folder, result, constraint=False, within=(path.resolve(),))
    return result


def requirement(text: str, source: str, line: int) -> Requirement:
    """Return ``text``, a requirement by name, URL or path, with its hashes if it has any.

    Raises:
        BadRequirements: it is none of these.
    """
    plain = _HASH.sub("", text)
    if _is_location(plain):
        return Requirement(text, source, line, None)
    try:
        return Requirement(text, source, line, canonicalize_name(Specifier(plain).name))
    except InvalidRequirement as error:
        raise BadRequirements(
            f"{source}, line {line}: {text!r} is not a requirement ({str(error).splitlines()[0]}); "
            "write name==version, as pip reads it, and log the model again"
        ) from error


def _read(
    path: Path, folder: Path, result: Requirements, *, constraint: bool, within: tuple[Path, ...]
) -> None:
    resolved = path.resolve()
    if resolved in within:
        return
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequirements(
            f"{_source(path, folder)}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8 text'}); "
            "log the model again"
        ) from error
    _parse(_joined(text), path, folder, result, constraint=constraint, within=(*within, resolved))


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of ``text`` with their numbers, those that end with a backslash joined to the next."""
    start, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        if line.endswith("\\") and not _COMMENT.match(line):
            held += line[:-1]
            continue
        yield start, held + line
        start, held = 0, ""
    if held:
        yield start, held


def _parse(
    lines: Iterable[tuple[int, str]],
    path: Path,
    folder: Path,
    result: Requirements,
    *,
    constraint: bool,
    within: tuple[Path, ...],
) -> None:
    source = _source(path, folder)
    for number, raw in lines:
        line = _COMMENT.sub("", raw).strip()
        if not line:
            continue
        if not line.startswith("-"):
            (result.constraints if constraint else result.entries).append(requirement(line, source, number))
            continue
        option, value = _option(line, source, number)
        if option in ("--requirement", "--constraint"):
            included = path.parent / value
            if "://" in value or not included.resolve().is_relative_to(folder.resolve()):
                raise BadRequirements(
                    f"{source}, line {number}: {line!r} is not a file of the model folder; "
                    "put what it lists into the model's own requirements and log the model again"
                )
            _read(included, folder, result, constraint=constraint or option == "--constraint", within=within)
        elif option in _INDEX:
            result.options.append(f"{option} {value}".strip())
        elif option in _FLAGS:
            result.flags.extend(_FLAGS[option])
        elif option not in _WITHOUT_MEANING:
            known = sorted({"--requirement", "--constraint", *_INDEX, *_FLAGS, *_WITHOUT_MEANING})
            raise BadRequirements(
                f"{source}, line {number}: {option} is not an option that a model's requirements can have "
                f"({', '.join(known)}); remove it and log the model again"
            )


def _option(line: str, source: str, number: int) -> tuple[str, str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise BadRequirements(
            f"{source}, line {number}: {line!r} cannot be read ({error}); correct it and log the model again"
        ) from error
    name, equals, value = words[0].partition("=")
    if name[:2] in _SHORT and not name.startswith("--") and len(name) > 2:
        # The value may follow a short option at once: -rother.txt
        name, value, equals = name[:2], words[0][2:], "="
    return _SHORT.get(name, name), value if equals else " ".join(words[1:])


def _is_location(text: str) -> bool:
    return "://" in text.split(" @ ")[0].split(";")[0] or bool(
        re.match(r"^(\.{0,2}/|[^\s@;\[]+(/|\.whl\b|\.tar\.gz\b|\.zip\b))", text)
    )


def _source(path: Path, folder: Path) -> str:
    resolved, root = path.resolve(), folder.resolve()
    return str(resolved.relative_to(root) if resolved.is_relative_to(root) else path)
