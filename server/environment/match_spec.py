"""A conda match specification, ``[channel::]name[version[build]]``, and what its version means to pip.

Source: https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html#package-match-specifications.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet

_MATCH = re.compile(r"^(?:[^\s:]+::)?(?P<name>[A-Za-z0-9_.\-]+)\s*(?P<rest>.*)$", re.DOTALL)
# Fields in brackets, as in numpy[version='>=1.19,<2', build=py38*].
_BRACKETS = re.compile(r"^(?P<before>[^\[]*)\[(?P<fields>.*)\]\s*$")
_FIELD = re.compile(r"""(?P<key>\w+)\s*=\s*(?P<value>'[^']*'|"[^"]*"|[^,\s]+)""")
# A version with what may follow it: =1.19.2=py38h0 and "1.19.2 py38h0" name a build of just this version.
_BUILT = re.compile(r"^=?\s*(?P<version>[^=<>!~|,\s]+)(?:=|\s+)(?P<build>[^=<>!~|,\s]+)$")
_PART = re.compile(r"^(?P<operator>==|!=|<=|>=|~=|=|<|>|)\s*(?P<version>[^=<>!~\s]+)$")


@dataclass(frozen=True)
class MatchSpec:
    """A package of conda as it is written, ``text``, with its name in lower case and its version, "" for any."""

    text: str
    name: str
    version: str

    @property
    def shown(self) -> str:
        """The version without the build, and without = before a version alone."""
        built = _BUILT.match(self.version)
        return built["version"] if built else self.version.lstrip("= ")

    def specifiers(self) -> tuple[str, ...]:
        """Return the version as pip writes it, as in ``>=1.19,<2``: one for each of the alternatives (1.19|1.20).

        Raises:
            ValueError: it is no version that pip knows.
        """
        return tuple(_specifier(alternative.strip()) for alternative in self.version.split("|"))


def read(text: str) -> MatchSpec:
    """Return the match specification ``text``; a text that is not one, such as the URL of a file, counts as a name."""
    match = _MATCH.match(text.strip())
    if match is None or "://" in text:
        return MatchSpec(text.strip(), text.strip(), "")
    version = match["rest"].strip()
    brackets = _BRACKETS.match(version)
    if brackets:
        fields = {field["key"]: field["value"].strip("'\"") for field in _FIELD.finditer(brackets["fields"])}
        version = brackets["before"].strip() or fields.get("version", "")
    return MatchSpec(text.strip(), match["name"].lower(), version)


def _specifier(version: str) -> str:
    built = _BUILT.match(version)
    if built:
        version = built["version"] if "*" in built["version"] else f"=={built['version']}"
    if version in ("", "*", "=*"):
        return ""
    text = ",".join(_part(part.strip()) for part in version.split(","))
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        raise ValueError(f"{version!r} is no version that pip knows") from error
    return text


def _part(part: str) -> str:
    match = _PART.match(part)
    if match is None:
        raise ValueError(f"{part!r} is no version that pip knows")
    operator, version = match["operator"], match["version"]
    begins = version.removesuffix("*").removesuffix(".")
    if operator in ("", "==") and begins == version:
        return f"=={version}"
    if operator in ("", "=", "=="):
        # One = means any version that begins so, with or without a star.
        return f"=={begins}.*"
    return f"{operator}{version if operator == '!=' else begins}"
