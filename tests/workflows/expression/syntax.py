"""The syntax of GitHub's expressions: a text becomes a tree.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#literals
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tests.workflows.expression.value import Value, number


class BadExpression(Exception):
    """An expression that GitHub would refuse; the message names it."""


@dataclass(frozen=True)
class Literal:
    value: Value


@dataclass(frozen=True)
class Context:
    name: str


@dataclass(frozen=True)
class Index:
    of: Node
    key: Node


@dataclass(frozen=True)
class Filter:
    """All members: ``of.*``."""

    of: Node


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    of: Node


@dataclass(frozen=True)
class Binary:
    operator: str
    left: Node
    right: Node


Node: TypeAlias = Literal | Context | Index | Filter | Call | Not | Binary

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^']|'')*')
    | (?P<number>[+-]?(?:\d|\.\d)[0-9A-Za-z.]*(?:(?<=[eE])[+-]\d+)?|-Infinity)
    | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
    | (?P<symbol>==|!=|<=|>=|&&|\|\||[!<>()\[\],.*])
    )""",
    re.VERBOSE,
)
_WORDS: dict[str, Value] = {
    "null": None,
    "true": True,
    "false": False,
    "NaN": math.nan,
    "Infinity": math.inf,
}
# From what binds least.
_OPERATORS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="))


def parse(text: str) -> Node:
    """Return the tree of the expression ``text``, which stands without ``${{ }}``.

    Raises:
        BadExpression: it is none.
    """
    parser = _Parser(text)
    tree = parser.binary(0)
    if parser.here[1]:
        raise parser.unexpected()
    return tree


def walk(node: Node) -> Iterator[Node]:
    """Yield ``node`` and all nodes below it."""
    yield node
    match node:
        case Index(of, key):
            below: tuple[Node, ...] = (of, key)
        case Filter(of) | Not(of):
            below = (of,)
        case Call(_, arguments):
            below = arguments
        case Binary(_, left, right):
            below = (left, right)
        case _:
            below = ()
    for each in below:
        yield from walk(each)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0

    @property
    def here(self) -> tuple[str, str]:
        """The next token: its kind and text, both empty at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "")

    def unexpected(self) -> BadExpression:
        what = f"unexpected {self.here[1]!r}" if self.here[1] else "unexpected end"
        return BadExpression(f"{self._text.strip()!r}: {what}")

    def _take(self, *symbols: str) -> str | None:
        kind, text = self.here
        if kind == "symbol" and text in symbols:
            self._at += 1
            return text
        return None

    def _expect(self, symbol: str) -> None:
        if self._take(symbol) is None:
            raise self.unexpected()

    def binary(self, level: int) -> Node:
        if level == len(_OPERATORS):
            return self._unary()
        left = self.binary(level + 1)
        while operator := self._take(*_OPERATORS[level]):
            left = Binary(operator, left, self.binary(level + 1))
        return left

    def _unary(self) -> Node:
        if self._take("!"):
            return Not(self._unary())
        return self._members(self._primary())

    def _members(self, node: Node) -> Node:
        while symbol := self._take(".", "["):
            if self._take("*"):
                node = Filter(node)
            elif symbol == "[":
                node = Index(node, self.binary(0))
            else:
                kind, name = self.here
                if kind != "name":
                    raise self.unexpected()
                self._at += 1
                node = Index(node, Literal(name))
            if symbol == "[":
                self._expect("]")
        return node

    def _primary(self) -> Node:
        kind, text = self.here
        if self._take("("):
            node = self.binary(0)
            self._expect(")")
            return node
        if kind not in ("string", "number", "name"):
            raise self.unexpected()
        self._at += 1
        if kind == "string":
            return Literal(text[1:-1].replace("''", "'"))
        if kind == "number":
            return self._number(text)
        if text in _WORDS:
            return Literal(_WORDS[text])
        return Call(text, self._arguments()) if self._take("(") else Context(text)

    def _number(self, text: str) -> Node:
        value = number(text)
        if math.isnan(value):
            raise BadExpression(f"{self._text.strip()!r}: {text!r} is no number")
        return Literal(value)

    def _arguments(self) -> tuple[Node, ...]:
        if self._take(")"):
            return ()
        found = [self.binary(0)]
        while self._take(","):
            found.append(self.binary(0))
        self._expect(")")
        return tuple(found)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise BadExpression(f"{text.strip()!r}: unexpected {text[at:].strip()[:1]!r}")
        assert found.lastgroup is not None
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()
