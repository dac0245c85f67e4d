"""The requirements file format: files of pip requirements that may include others, read into one flat list.

Source: https://pip.pypa.io/en/stable/reference/requirements-file-format/. uv gets the flat list; reading it here
tells the file and line of each requirement, which messages name, and what a list lacks.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from server.environment import uv
from server.environment.requirements import Requirements, requirement
from server.errors import BadRequirements

# Options of the format that uv reads in a file, by their long names; the last one has no value.
_INDEX = {"--index-url", "--extra-index-url", "--find-links", "--no-binary", "--only-binary", "--no-index"}
# Options of the format that are flags of uv's command line.
_FLAGS = {"--require-hashes": ("--require-hashes",), "--pre": ("--prerelease", "allow")}
# Options that change nothing here: uv prefers wheels anyway, and only a setting of uv can make it trust a host.
_WITHOUT_MEANING = {"--prefer-binary", "--trusted-host", "--use-feature"}
_SHORT = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-i": "--index-url",
    "-f": "--find-links",
    "-e": "--editable",
}
_COMMENT = re.compile(r"(^|\s+)#.*$")


def read(path: Path, folder: Path) -> Requirements:
    """Return what the requirements file ``path``, and the files it includes, ask for.

    Raises:
        BadRequirements: a line cannot be read, or a file is missing or is outside ``folder``.
    """
    reader = _Reader(folder)
    reader.file(path, constraint=False, within=())
    return reader.result


def parse(lines: Iterable[tuple[int, str]], path: Path, folder: Path) -> Requirements:
    """Return what ``lines``, numbered lines of the file ``path`` below ``folder``, ask for.

    Raises:
        BadRequirements: as ``read``.
    """
    reader = _Reader(folder)
    reader.lines(lines, path, constraint=False, within=())
    return reader.result


@dataclass
class _Reader:
    folder: Path
    result: Requirements = field(default_factory=Requirements)

    def file(self, path: Path, *, constraint: bool, within: tuple[Path, ...]) -> None:
        if path.resolve() in within:
            return
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise BadRequirements(
                f"{self._source(path)}: cannot be read ({why}); log the model again"
            ) from error
        self.lines(_joined(text), path, constraint=constraint, within=(*within, path.resolve()))

    def lines(
        self, lines: Iterable[tuple[int, str]], path: Path, *, constraint: bool, within: tuple[Path, ...]
    ) -> None:
        source = self._source(path)
        for number, raw in lines:
            line = _COMMENT.sub("", raw).strip()
            origin = f"{source}, line {number}"
            if not line:
                continue
            if not line.startswith("-"):
                kept = self.result.constraints if constraint else self.result.entries
                kept.append(requirement(line, origin))
                continue
            option, value = _option(line, origin)
            if option in ("--requirement", "--constraint"):
                self.file(
                    self._included(path, value, origin),
                    constraint=constraint or option == "--constraint",
                    within=within,
                )
            else:
                self._set(option, value, origin)

    def _set(self, option: str, value: str, origin: str) -> None:
        if option == "--find-links" and "://" not in value:
            # uv takes a folder in a file as relative to that file, which is not the model's.
            self.result.flags.extend((option, value))
        elif option in _INDEX:
            self.result.options.append(f"{option} {value}".strip())
        elif option in _FLAGS:
            if _FLAGS[option][0] not in self.result.flags:
                self.result.flags.extend(_FLAGS[option])
        elif option not in _WITHOUT_MEANING:
            known = sorted({"--requirement", "--constraint", *_INDEX, *_FLAGS, *_WITHOUT_MEANING})
            raise BadRequirements(
                f"{origin}: {option} is not an option that a model's requirements can have "
                f"({', '.join(known)}); remove it and log the model again"
            )

    def _included(self, path: Path, value: str, origin: str) -> Path:
        included = path.parent / value
        if "://" in value or not included.resolve().is_relative_to(self.folder.resolve()):
            raise BadRequirements(
                f"{origin}: {uv.redacted(value)!r} is not a file of the model folder; "
                "put what it lists into the model's own requirements and log the model again"
            )
        return included

    def _source(self, path: Path) -> str:
        return str(path.resolve().relative_to(self.folder.resolve()))


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of ``text`` with their numbers, one that ends with a backslash joined to the next."""
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


def _option(line: str, origin: str) -> tuple[str, str]:
    """Return the long name of the option in ``line`` and its value."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise BadRequirements(
            f"{origin}: {uv.redacted(line)!r} cannot be read ({error}); correct it and log the model again"
        ) from error
    name, equals, value = words[0].partition("=")
    if not name.startswith("--") and name[:2] in _SHORT and len(words[0]) > 2:
        # The value of a short option may follow it at once: -rother.txt
        name, equals, value = name[:2], "=", words[0][2:]
    return _SHORT.get(name, name), value if equals else " ".join(words[1:])
