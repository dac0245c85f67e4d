"""The value of an expression in the contexts that GitHub gives it, and of texts with ``${{ }}`` in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.workflows.expression.functions import FUNCTIONS, Function
from tests.workflows.expression.syntax import (
    BadExpression,
    Binary,
    Call,
    Context,
    Filter,
    Index,
    Literal,
    Node,
    Not,
    parse,
    walk,
)
from tests.workflows.expression.value import Value, equal, kind, less, member, to_string, truthy

STATUS = ("success", "failure", "always", "cancelled")


class _Filtered(list[Any]):
    """What ``.*`` gave: a member of it is the list of its members' members."""


@dataclass(frozen=True)
class Scope:
    """The contexts and the functions, by their names in small letters, that an expression may use."""

    contexts: Mapping[str, Value]
    functions: Mapping[str, Function] = field(default_factory=dict)

    def evaluate(self, text: str) -> Value:
        """Return the value of an expression without ``${{ }}``.

        Raises:
            BadExpression: GitHub would refuse it here.
        """
        return self._value(parse(text), text.strip())

    def fill(self, text: str) -> Value:
        """Return ``text`` with its ``${{ }}`` filled in; the value itself where it is nothing else."""
        parts = list(split(text))
        if len(parts) == 1 and parts[0][0]:
            return self.evaluate(parts[0][1])
        return "".join(to_string(self.evaluate(part)) if is_ else part for is_, part in parts)

    def filled(self, value: Any) -> Any:
        """Return a part of a workflow with all of its texts filled in."""
        match value:
            case str():
                return self.fill(value)
            case Mapping():
                return {self.fill(key): self.filled(each) for key, each in value.items()}
            case list():
                return [self.filled(each) for each in value]
        return value

    def text(self, value: Any) -> str:
        """Return the text that a part of a workflow is once it is filled in."""
        return to_string(self.filled(value))

    def holds(self, condition: Any) -> bool:
        """Return whether an ``if`` holds: ``success()`` is asked as well where it asks for no status."""
        text = to_string(condition)
        parts = list(split(text))
        whole = not any(is_ for is_, _ in parts)
        expressions = [text] if whole else [part for is_, part in parts if is_]
        if not text.strip():
            return truthy(self.evaluate("success()"))
        asked = any(
            isinstance(node, Call) and node.name.lower() in STATUS
            for each in expressions
            for node in walk(parse(each))
        )
        if not asked and not truthy(self.evaluate("success()")):
            return False
        return truthy(self.evaluate(text) if whole else self.fill(text))

    def _value(self, node: Node, text: str) -> Value:
        match node:
            case Literal(value):
                return value
            case Context(name):
                if name.lower() not in self.contexts:
                    raise BadExpression(
                        f"{text!r}: no context {name!r} here: {', '.join(sorted(self.contexts)) or 'none'}"
                    )
                return self.contexts[name.lower()]
            case Index(of, key):
                value = self._value(of, text)
                name = self._value(key, text)
                if isinstance(value, _Filtered):
                    found = (member(each, name) for each in value)
                    return _Filtered(each for each in found if each is not None)
                return member(value, name)
            case Filter(of):
                return _all(self._value(of, text))
            case Not(of):
                return not truthy(self._value(of, text))
            case Binary("&&" | "||" as operator, left, right):
                first = self._value(left, text)
                return first if truthy(first) == (operator == "||") else self._value(right, text)
            case Binary(operator, left, right):
                return _compare(operator, self._value(left, text), self._value(right, text))
            case Call(name, arguments):
                return self._call(name, [self._value(each, text) for each in arguments], text)

    def _call(self, name: str, arguments: list[Value], text: str) -> Value:
        known = {**FUNCTIONS, **self.functions}
        if name.lower() not in known:
            raise BadExpression(f"{text!r}: no function {name!r} here")
        fewest, most, function = known[name.lower()]
        if len(arguments) < fewest or (most is not None and len(arguments) > most):
            raise BadExpression(f"{text!r}: {name} does not take {len(arguments)} arguments")
        return function(*arguments)


def split(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the parts of ``text``, each with whether it stood in ``${{ }}``; a string in there may have ``}}``.

    Raises:
        BadExpression: a ``${{`` has no end.
    """
    while text:
        before, opened, rest = text.partition("${{")
        if before:
            yield False, before
        if not opened:
            return
        end, quoted = 0, False
        while quoted or not rest.startswith("}}", end):
            if end >= len(rest):
                raise BadExpression(f"{text!r}: '${{{{' has no '}}}}'")
            quoted ^= rest[end] == "'"
            end += 1
        yield True, rest[:end]
        text = rest[end + 2 :]


def _all(value: Value) -> _Filtered:
    values: Value = [each for part in value for each in _all(part)] if isinstance(value, _Filtered) else value
    match kind(values):
        case "object":
            return _Filtered(values.values())
        case "array":
            return _Filtered(values)
    return _Filtered()


def _compare(operator: str, left: Value, right: Value) -> bool:
    match operator:
        case "==":
            return equal(left, right)
        case "!=":
            return not equal(left, right)
        case "<":
            return less(left, right)
        case ">":
            return less(right, left)
        case "<=":
            return less(left, right) or equal(left, right)
    return less(right, left) or equal(left, right)
