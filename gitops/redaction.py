"""Redaction of secrets: sealed and plain ones, and variables that hold credentials.

What is left out still shows that it has changed, and nothing else: not even a hash, which would let a weak
password be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

HIDDEN = "(not shown)"
CHANGED = "(not shown, changed)"
# Sealing the same value again gives other text.
SEALED_ANEW = "(sealed anew, the same or another value)"

# Where the values stand: https://github.com/bitnami-labs/sealed-secrets#sealedsecrets-as-templates-for-secrets and
# Kubernetes' Secret. spec.data is the form of SealedSecret's first version.
_VALUES = {"SealedSecret": ("spec.encryptedData", "spec.data"), "Secret": ("data", "stringData", "sops")}
SECRETS = tuple(_VALUES)
# kubectl keeps a copy of the whole object in it.
_COPY = "kubectl.kubernetes.io/last-applied-configuration"

# What kubeseal writes is longer still; paths and URIs are told apart by their short parts.
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{100,}={0,2}")
_SHORT = 20

_WORD = r"(?:token|pass(?:word|wd|phrase)?|secret|api[-_]?key|access[-_]?key|secret[-_]?key|credentials?)"
# --token VALUE, as two arguments. The name of a Secret to pull images by is none.
_NAMED = rf"(?<![\w-])--?(?:(?![\w-]*pull-secret)[\w-]+[-_])?{_WORD}"
_OPTION = re.compile(_NAMED, re.IGNORECASE)
# curl's --user NAME:PASSWORD.
_USER_OPTION = r"(?<![\w-])(?:-u|--(?:proxy-)?user)"
_USER_VALUE = r"[^\s:/\"'$]+:(?!//)\S"
# NAME=value of a shell.
_VARIABLE = (
    r"(?<![\w-])\w*(?:secret|password|passwd|token|api_?key|access_key|access_key_id|secret_key|_pass|_pwd)="
)
# A line of YAML, a member of JSON, a header of HTTP. A token is also a word of a text, so only a long one counts.
_FIELD = (
    r"(?<![\w.-])[\w.-]*(?:password|passwd|passphrase|\bpass|_pass|api[-_]?key|access[-_]?key|secret[-_]?key|client[-_]?secret"
    r"|authorization|token(?=[\\\"':=\s]+(?:(?:bearer|basic)\s+)?[^\s\"']{16}))"
    r"\\?[\"']?(?:[ \t]*:[ \t]*|[ \t]+=[ \t]+)(?:(?:bearer|basic|token)[ \t]+)?+"
)
# Addresses that let whoever knows them write: their path is the credential.
_WEBHOOK = (
    r"https://(?:hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/"
    r"|[\w.-]+\.webhook\.office\.com/webhookb2/|chat\.googleapis\.com/v1/spaces/)"
)
# A password after the user's name, or a token in place of both: by how GitHub, GitLab and Hugging Face begin theirs, or long.
_USER = (
    r"://(?:[^/@\s:]*:(?=[^/@\s]+@)"
    r"|(?=(?:gh[a-z]_|github_pat_|glpat-|hf_|(?=[^/@\s:]*[0-9])[^/@\s:]{20})[^/@\s:]*@))"
)
# What Kubernetes or a shell puts in is no value.
_GIVEN = r"(?!\$[({\w])"
_ADDRESS = re.compile(rf"{_USER}{_GIVEN}[^/@\s]|{_WEBHOOK}{_GIVEN}[^\s&\"']", re.IGNORECASE)
# Within quotes all is the value, else a word, of a field the rest of the line; a quote inside of it ends nothing.
_QUOTED = rf"(?P<quote>[\"']){_GIVEN}(?P<quoted>(?:\\.|(?!(?P=quote))[^\\\n])+)(?P=quote)"
_WORD_OF_SHELL = r"[^\s&\"'](?:[^\s&\"']|[\"'](?=[^\s&\"',}\])]))*"
_REST_OF_LINE = (
    r"(?!(?:null|true|false|-?[0-9.]+)[ \t]*[,}\]])[^\s\"'{\[](?:[^\n\"']|[\"'](?=[^\s\"',}\])]))*"
)
_IN_TEXT = re.compile(
    rf"(?:(?P<field>{_FIELD})|(?P<user>{_USER})|{_WEBHOOK}|{_VARIABLE}"
    rf"|{_NAMED}(?:=|\s+(?=[^\s-]))|{_USER_OPTION}(?:=|\s+)(?=[\"']?{_USER_VALUE})"
    rf"|[?&](?:[\w-]+[-_])?(?:{_WORD}|sig|signature|key)=)"
    rf"(?(user){_GIVEN}(?P<password>[^/@\s]+)"
    rf"|(?:{_QUOTED}|[\"']?{_GIVEN}(?P<bare>(?(field){_REST_OF_LINE}|{_WORD_OF_SHELL}))))",
    re.IGNORECASE,
)
# One of these, case aside, stands in the line that a match of _IN_TEXT begins in, and that ends at most so many lines with text later.
_HINTS = ("token", "pass", "secret", "key", "cred", "author", "pwd", "user", "-u", "://", "?", "&")
_LINES = 2
# --token=VALUE as one argument: all of it, spaces too.
_ARGUMENT = re.compile(rf"(?P<option>{_NAMED}=)(?![\"']){_GIVEN}(?P<value>.+)", re.IGNORECASE | re.DOTALL)
# Lists that are a command line.
_COMMAND = re.compile(r"(?:args|command)$", re.IGNORECASE)
# What follows such a word and is none: a number, a user's, a switch, a file.
_HARMLESS = re.compile(r"[0-9.:]+|true|false|null|/[\w./-]*", re.IGNORECASE)


class Redactor:
    """Leaves the values out of an object, and then out of what became of it.

    The first value at a path is ``HIDDEN``, and any other one after it at the same path ``CHANGED``, of a
    SealedSecret ``SEALED_ANEW``.
    """

    def __init__(self) -> None:
        self._seen: dict[str, Any] = {}
        self._changed = CHANGED

    def hide(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy of a rendered object without its values."""
        kind = str(entry.get("kind"))
        self._changed = SEALED_ANEW if kind == "SealedSecret" else CHANGED
        copy = self._walk(entry, "", _VALUES.get(kind, ()), _variables(kind))
        return dict(copy)

    def _walk(self, value: Any, path: str, values: tuple[str, ...], variables: str) -> Any:
        if path in values:
            if isinstance(value, Mapping):
                return {key: self._hidden(entry, f"{path}.{key}") for key, entry in value.items()}
            return self._hidden(value, path)
        if isinstance(value, Mapping):
            return {
                key: self._hidden(entry, f"{path}.{key}")
                if key == _COPY
                or (key == "value" and _credential(value))
                or (path == variables and _is_named(str(key), entry))
                else self._walk(entry, f"{path}.{key}" if path else str(key), values, variables)
                for key, entry in value.items()
            }
        if isinstance(value, list):
            return [
                self._hidden(entry, f"{path}[{index}]")
                if _follows(value, index)
                else self._walk(entry, f"{path}[{_name(entry, index)}]", values, variables)
                for index, entry in enumerate(value)
            ]
        return self._text(value, path) if isinstance(value, str) else value

    def _text(self, value: str, path: str) -> str:
        """Return a text without the credentials in it: of options, in addresses, and addresses that are one."""
        if argument := _ARGUMENT.fullmatch(value):
            return argument["option"] + self._hidden(argument["value"], f"{path}:{argument['option']}")
        return "\n".join(
            _IN_TEXT.sub(lambda found: self._replaced(found, path), piece) if suspect else piece
            for suspect, piece in _pieces(value)
        )

    def _replaced(self, found: re.Match[str], path: str) -> str:
        text, value = found[0], _value(found)
        before, _, after = text.rpartition(value)
        return before + self._hidden(value, f"{path}:{before}") + after

    def _hidden(self, value: Any, path: str) -> str:
        return HIDDEN if self._seen.setdefault(path, value) == value else self._changed


def redacted(text: str) -> str:
    """Return ``text`` without what looks sealed, long runs of base64, wherever it came from: kustomize quotes patches."""
    return _BASE64.sub(lambda run: HIDDEN if _looks_sealed(run[0]) else run[0], text)


def _looks_sealed(run: str) -> bool:
    """Whether a part of the run that is too long for a name mixes digits, small letters and capitals."""
    return any(
        len(part) >= _SHORT and all(any(map(test, part)) for test in (str.isdigit, str.islower, str.isupper))
        for part in run.split("/")
    )


@dataclass(frozen=True)
class Credential:
    """A credential in a rendered object: ``path`` says where it stands, ``kind`` as what."""

    path: str
    kind: Literal["variable", "data", "argument", "address"]


def credentials(entry: Mapping[str, Any]) -> Iterator[Credential]:
    """Yield the credentials in a rendered object: variables, data of a ConfigMap, command lines, and addresses."""
    yield from _found(entry, "", _variables(str(entry.get("kind"))))


def _found(value: Any, path: str, variables: str) -> Iterator[Credential]:
    if isinstance(value, Mapping):
        named = _credential(value)
        if named:
            yield Credential(f"{path}: {value['name']} has its value", "variable")
        for key, entry in value.items():
            below = f"{path}.{key}" if path else str(key)
            if path == variables and (_is_named(str(key), entry) or _has_field(entry)):
                yield Credential(f"{below} has a credential", "data")
            elif not (named and key == "value"):
                yield from _found(entry, below, variables)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            if isinstance(entry, str) and _COMMAND.search(path) and _is_given(value, index):
                yield Credential(f"{path}[{index}] has a credential", "argument")
            else:
                yield from _found(entry, f"{path}[{index}]", variables)
    elif isinstance(value, str) and _ADDRESS.search(value):
        yield Credential(f"{path} has an address with a credential", "address")


def _variables(kind: str) -> str:
    """Return the path of the map whose entries envFrom makes variables of; a Secret's is left out as a whole."""
    return "data" if kind == "ConfigMap" else "stringData"


def _has_field(value: Any) -> bool:
    """Whether a file in a ConfigMap has a credential in a line of YAML or a member of JSON."""
    return isinstance(value, str) and any(
        found["field"] and not _HARMLESS.fullmatch(_value(found).strip())
        for suspect, piece in _pieces(value)
        if suspect
        for found in _IN_TEXT.finditer(piece)
    )


def _is_given(arguments: list[Any], index: int) -> bool:
    """Whether an argument holds a credential: in its text, or as the value of the option before it."""
    text = str(arguments[index])
    if _follows(arguments, index) and not _HARMLESS.fullmatch(text):
        return True
    return any(not _HARMLESS.fullmatch(_value(found).strip()) for found in _IN_TEXT.finditer(text))


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the text in pieces of whole lines, each with whether _IN_TEXT may match in it.

    It takes a hundred times as long to match all of a lock, most of which are hashes.
    """
    whole = text.casefold()
    if not any(hint in whole for hint in _HINTS):
        yield False, text
        return
    near = 0
    marked = []
    for line in text.split("\n"):
        folded = line.casefold()
        if any(hint in folded for hint in _HINTS):
            near = _LINES + 1
        marked.append((near > 0, line))
        near -= bool(line.strip())
    for suspect, lines in groupby(marked, key=itemgetter(0)):
        yield suspect, "\n".join(line for _, line in lines)


def _value(found: re.Match[str]) -> str:
    return found["password"] or found["quoted"] or found["bare"] or ""


def _follows(arguments: list[Any], index: int) -> bool:
    """Whether an argument is the value of an option that takes a credential."""
    text = arguments[index]
    if not index or not isinstance(text, str) or text.startswith(("-", "$(", "${")):
        return False
    option = str(arguments[index - 1])
    return bool(
        _OPTION.fullmatch(option) or (re.fullmatch(_USER_OPTION, option) and re.match(_USER_VALUE, text))
    )


def _credential(variable: Mapping[str, Any]) -> bool:
    name, value = variable.get("name"), variable.get("value")
    return isinstance(name, str) and isinstance(value, str) and is_credential(name, value)


def _name(entry: Any, index: int) -> str:
    return str(entry["name"]) if isinstance(entry, Mapping) and "name" in entry else str(index)


_CREDENTIAL = re.compile(
    r"((^|[_.-])(SECRET|TOKEN|PASS|API[_-]?KEY|SECRET[_-]?KEY|ACCESS[_-]?KEY([_-]ID)?)|[_.-]PWD"
    r"|PASSWORD|PASSWD|PASSPHRASE|^(PROXY-)?AUTHORIZATION)$",
    re.IGNORECASE,
)


def _is_named(name: str, value: Any) -> bool:
    """Whether a text is a credential by the name that it has. What Kubernetes puts in for ``$(NAME)`` is none."""
    return (
        isinstance(value, str)
        and bool(value and _CREDENTIAL.search(name))
        and not re.fullmatch(r"\$\(\w+\)", value)
    )


def is_credential(name: str, value: str) -> bool:
    """Whether a variable looks like one that nobody but its reader may see: by its name, or the address that it holds."""
    return _is_named(name, value) or bool(_ADDRESS.search(value))
