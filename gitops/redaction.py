"""Redaction of secrets: sealed and plain ones, and variables that hold credentials.

What is left out still shows that it has changed, and nothing else: not even a hash, which would let a weak
password be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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


_WORD = r"(?:token|password|passwd|secret|api[-_]?key|access[-_]?key|secret[-_]?key|credentials?)"
# --token VALUE, as two arguments. The name of a Secret to pull images by is none.
_NAMED = rf"(?<![\w-])--?(?:(?!\S*pull-secret)[\w-]+[-_])?{_WORD}"
_OPTION = re.compile(_NAMED, re.IGNORECASE)
# Addresses that let whoever knows them write: their path is the credential.
_WEBHOOK = (
    r"https://(?:hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/"
    r"|[\w.-]+\.webhook\.office\.com/webhookb2/|chat\.googleapis\.com/v1/spaces/)"
)
_USER = r"://[^/@\s:]*:(?=[^/@\s]+@)"
# What Kubernetes or a shell puts in is no value.
_VALUE = r"(?!\$[({\w])(?P<value>(?:(?<=:)[^/@\s]+|[^\s&\"']+))"
_IN_TEXT = re.compile(
    rf"(?P<before>{_NAMED}(?:=|\s+(?=[^\s-]))[\"']?"
    rf"|(?<![\w-])(?:[a-z]\w*_)?(?:secret|password|token|api_key|access_key|access_key_id)=[\"']?"
    rf"|[?&](?:[\w-]+[-_])?(?:{_WORD}|sig|signature|key)="
    rf"|\bauthorization:\s*(?:(?:bearer|basic|token)\s+)?"
    rf"|{_USER}|{_WEBHOOK}){_VALUE}",
    re.IGNORECASE,
)
_ADDRESS = re.compile(rf"(?:{_USER}|{_WEBHOOK}){_VALUE}", re.IGNORECASE)
# Lists that are a command line.
_COMMAND = re.compile(r"(?:args|command)$", re.IGNORECASE)
# What follows such a word and is none: a number, a switch, a file.
_HARMLESS = re.compile(r"[0-9.]+|true|false|/[\w./-]*", re.IGNORECASE)


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
        copy = self._walk(entry, "", _VALUES.get(kind, ()))
        return dict(copy)

    def _walk(self, value: Any, path: str, values: tuple[str, ...]) -> Any:
        if path in values:
            if isinstance(value, Mapping):
                return {key: self._hidden(entry, f"{path}.{key}") for key, entry in value.items()}
            return self._hidden(value, path)
        if isinstance(value, Mapping):
            return {
                key: self._hidden(entry, f"{path}.{key}")
                if key == _COPY or (key == "value" and _credential(value))
                else self._walk(entry, f"{path}.{key}" if path else str(key), values)
                for key, entry in value.items()
            }
        if isinstance(value, list):
            return [
                self._hidden(entry, f"{path}[{index}]")
                if _follows(value, index)
                else self._walk(entry, f"{path}[{_name(entry, index)}]", values)
                for index, entry in enumerate(value)
            ]
        return self._text(value, path) if isinstance(value, str) else value

    def _text(self, value: str, path: str) -> str:
        """Return a text without the credentials in it: of options, in addresses, and addresses that are one."""
        return _IN_TEXT.sub(
            lambda found: found["before"] + self._hidden(found["value"], f"{path}:{found['before']}"), value
        )

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
    kind: Literal["variable", "argument", "address"]


def credentials(value: Any, path: str = "") -> Iterator[Credential]:
    """Yield the credentials in a rendered object: variables, options of command lines, and addresses with one in them."""
    if isinstance(value, Mapping):
        named = _credential(value)
        if named:
            yield Credential(f"{path}: {value['name']} has its value", "variable")
        for key, entry in value.items():
            if not (named and key == "value"):
                yield from credentials(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            if isinstance(entry, str) and _COMMAND.search(path) and _is_given(value, index):
                yield Credential(f"{path}[{index}] has a credential", "argument")
            else:
                yield from credentials(entry, f"{path}[{index}]")
    elif isinstance(value, str) and _ADDRESS.search(value):
        yield Credential(f"{path} has an address with a credential", "address")


def _is_given(arguments: list[Any], index: int) -> bool:
    """Whether an argument holds a credential: in its text, or as the value of the option before it."""
    text = str(arguments[index])
    if _follows(arguments, index) and not _HARMLESS.fullmatch(text):
        return True
    return any(not _HARMLESS.fullmatch(found["value"]) for found in _IN_TEXT.finditer(text))


def _follows(arguments: list[Any], index: int) -> bool:
    """Whether an argument is the value of an option that takes a credential."""
    text = arguments[index]
    return bool(
        index
        and isinstance(text, str)
        and not text.startswith(("-", "$(", "${"))
        and _OPTION.fullmatch(str(arguments[index - 1]))
    )


def _credential(variable: Mapping[str, Any]) -> bool:
    name, value = variable.get("name"), variable.get("value")
    return isinstance(name, str) and isinstance(value, str) and is_credential(name, value)


def _name(entry: Any, index: int) -> str:
    return str(entry["name"]) if isinstance(entry, Mapping) and "name" in entry else str(index)


_CREDENTIAL = re.compile(r"(^|_)(SECRET|PASSWORD|TOKEN|API_KEY|ACCESS_KEY|ACCESS_KEY_ID)$", re.IGNORECASE)


def is_credential(name: str, value: str) -> bool:
    """Whether a variable looks like one that nobody but its reader may see: by its name, or the address that it holds.

    What Kubernetes puts in for ``$(NAME)`` is none.
    """
    named = _CREDENTIAL.search(name) and not re.fullmatch(r"\$\(\w+\)", value)
    return bool(value and (named or _ADDRESS.search(value)))
