"""A JSON body as a value, whose large arrays of numbers become numpy arrays without a Python object for each number.

An array of numbers is cut out of the body and parsed by simdjson, the rest by orjson with a mark in its place. What
simdjson cannot tell exactly, such as an integer of more than 64 bits, and whatever is no array of numbers, orjson parses
with all the rest: the value is the same either way.
"""

from __future__ import annotations

import itertools
import json
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import orjson

from server.errors import BadData
from server.schema.json_arrays import Doubles, check_depth, doubles

try:
    import simdjson
except ImportError:  # There is no wheel for the newest Python: orjson parses all of a body.
    simdjson = None  # type: ignore[assignment]

# A shorter array takes longer this way.
LEAST_BYTES = 512
# An array with more dimensions stays with the rest, and so do all after so many others that are short or not of numbers.
MOST_DIMENSIONS, MOST_OTHERS = 8, 32
# Rows of fewer bytes are told to be of one length by the text, which is quicker than to ask each for its length.
NARROW_BYTES = 128
# Bytes for each byte of an array's text, and for each number or list (simdjson's index and tape, the array), rounded up.
_TEXT, _PARSED = 3, 60

# The most that orjson and the decoding to a table took for JSON that is nothing but one of these, in bytes (CPython 3.11
# to 3.13, 8 MB of each), rounded up: per value, per list, per object and per member of one.
_VALUE, _LIST, _OBJECT, _MEMBER = 120, 64, 240, 100
# Text is decoded to one byte a character, or several times that where it is not ASCII, beside the body itself.
_ASCII, _WIDE = 2, 9

_OPENING = re.compile(rb"[\[ \t\r\n]*+")
_DIGITS = b"-0123456789"
_NUMBERS = b"-+.0123456789eE \t\r\n"
# No client knows it, so that what is found in its place is what was cut out.
_MARK = secrets.token_hex(16)

# The objects of a message, and the members of these, that may be arrays: {"data": {"ndarray": …}} and so on.
Places = Callable[[Any], Iterator[tuple[dict[str, Any], str]]]
# Takes so many more bytes from the budget.
More = Callable[[int], None]


def nowhere(_: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield no place: all arrays of numbers are lists."""
    return iter(())


class _Numbers(NamedTuple):
    """The text of an array of numbers, and the number of its dimensions."""

    text: bytes
    dimensions: int

    @property
    def cost(self) -> int:
        return _TEXT * len(self.text) + _PARSED * (self.text.count(b",") + self.text.count(b"[") + 1)

    def array(self) -> np.ndarray | None:
        """Return the array, or None where it has no shape, or numpy has no exact value for one of its numbers."""
        try:
            parsed: Any = simdjson.Parser().parse(self.text)
            try:
                cells = np.frombuffer(parsed.as_buffer(of_type="i"), np.int64)
            except TypeError:
                cells = np.frombuffer(parsed.as_buffer(of_type="d"), np.float64)
            shape = self._shape(parsed, len(cells))
        except (ValueError, TypeError, RuntimeError):
            return None
        if shape is None:
            return None
        array = cells.reshape(shape)
        # With a point in each number none is written as a whole one.
        plain = array.dtype.kind == "i" or self.text.count(b".") == array.size
        return array if plain else doubles(array, self.text)

    def _shape(self, parsed: Any, cells: int) -> tuple[int, ...] | None:
        """Return the shape of an array, or None where its rows are of several lengths, or cells are lists."""
        if self.dimensions == 1:
            return (cells,)
        rows = len(parsed)
        if cells < rows:
            return None
        if self.dimensions == 2 and len(self.text) < rows * NARROW_BYTES:
            row = b"[%b]" % (b"," * (cells // rows - 1))
            whole = b"[%b%b]" % ((row + b",") * (rows - 1), row)
            return (rows, cells // rows) if self.text.translate(None, _NUMBERS) == whole else None
        shape = _lengths(parsed, self.dimensions)
        lists = 0 if shape is None else sum(itertools.accumulate(shape[:-1], int.__mul__, initial=1))
        return shape if self.text.count(b"[") == lists else None


def _lengths(parsed: Any, dimensions: int) -> tuple[int, ...] | None:
    """Return the lengths of lists in lists down to so many dimensions, or None where they differ."""
    if dimensions == 1:
        return (len(parsed),)
    found = {_lengths(entry, dimensions - 1) for entry in parsed}
    inner = found.pop() if len(found) == 1 else None
    return None if inner is None else (len(parsed), *inner)


class JsonBody:
    """A JSON body, in which arrays of numbers have been found; ``content`` is its bytes."""

    def __init__(self, content: bytes) -> None:
        self.content = self._rest = content
        self._numbers: list[_Numbers] = []
        if len(content) >= LEAST_BYTES and simdjson is not None:
            self._cut()

    @property
    def cost(self) -> int:
        """An upper bound of the memory that the value takes, in bytes."""
        return json_cost(self._rest) + sum(numbers.cost for numbers in self._numbers)

    def parse(self, places: Places, more: More) -> Any:
        """Return the value, in which an array of numbers is a numpy array where one of the ``places`` has it, else lists.

        ``more`` is called with what it takes beyond ``cost``, before it is taken.

        Raises:
            BadData: the body is empty, not JSON or nested too deeply.
            ServerError: what ``more`` raises.
        """
        if self._numbers:
            try:
                check_depth(self._rest)
                message = orjson.loads(self._rest)
                if self._fill(message, places, more):
                    return message
            except orjson.JSONDecodeError:
                pass  # Parsing all of it tells where.
            more(max(0, json_cost(self.content) - self.cost))
        return parse(self.content)

    def _fill(self, message: Any, places: Places, more: More) -> bool:
        """Put arrays where their marks are, and return whether there was a place for each, and each was an array."""
        filled = 0
        for parent, member in places(message):
            value = parent.get(member)
            if isinstance(value, str) and value.startswith(_MARK):
                numbers = self._numbers[int(value[len(_MARK) :])]
                array = numbers.array()
                if array is None:
                    return False
                if isinstance(array, Doubles):
                    more(max(0, json_cost(numbers.text) - numbers.cost))  # It may become lists.
                parent[member] = array
                filled += 1
        return filled == len(self._numbers)

    def _cut(self) -> None:
        """Take arrays of numbers out of the rest."""
        body, parts = self.content, []
        begin = end = others = 0
        while others < MOST_OTHERS and (start := body.find(b"[", end)) >= 0:
            end = _OPENING.match(body, start).end()  # type: ignore[union-attr]  # It matches anything.
            dimensions = body.count(b"[", start, end)
            closing = b"]" * dimensions
            others += 1
            if dimensions > MOST_DIMENSIONS or body[end : end + 1] not in _DIGITS:
                continue
            found = body.find(closing, end)
            if found < 0:
                continue
            end = found + dimensions
            text = body[start:end] if end - start >= LEAST_BYTES else b'"'
            # Neither text nor objects, null, true or false.
            if b'"' in text or b"u" in text or b"l" in text:
                continue
            others -= 1
            parts += [body[begin:start], b'"%b%d"' % (_MARK.encode(), len(self._numbers))]
            self._numbers.append(_Numbers(text, dimensions))
            begin = end
        self._rest = b"".join((*parts, body[begin:])) if parts else body


def parse(body: bytes) -> Any:
    """Return the value that a JSON body holds.

    Raises:
        BadData: the body is empty, not JSON or nested too deeply.
    """
    if not body.strip():
        raise BadData('the body is empty: send a JSON object such as {"data": {"ndarray": [[…], …]}}')
    check_depth(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"NaN" in body or b"Infinity" in body:
            # Not JSON, but what Python's own encoder writes for them.
            try:
                return json.loads(body)
            except (ValueError, RecursionError):
                pass  # The first error is the clearer one.
        raise BadData(f"the body is not JSON: {error}") from error


def json_cost(body: bytes) -> int:
    """Return an upper bound of the memory that JSON takes once it is parsed, in bytes, without parsing it."""
    cost = len(body) * (_ASCII if body.isascii() else _WIDE) + _VALUE * (body.count(b",") + 1)
    return cost + _LIST * body.count(b"[") + _OBJECT * body.count(b"{") + _MEMBER * body.count(b":")
