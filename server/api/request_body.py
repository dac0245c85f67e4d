"""The message of a REST request: a JSON body, the form field or query parameter ``json``, or a multipart form.

The stock wrapper takes them all (flask_utils.py of seldon-core 1.17.1).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from python_multipart import FormParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, parse_options_header

from server.api.routes import HttpRequest
from server.errors import BadData, BodyTooLarge
from server.protocol.json_body import JsonBody, More, Places, json_cost, parse

MULTIPART = b"multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"
# Each field and part, and each escaped byte, costs many times what it has in bytes. Large tables come as JSON, and files
# as parts.
MAX_FORM_BYTES, MAX_FIELDS = 1024 * 1024, 64
MAX_BOUNDARY = 70  # RFC 2046, 5.1.1


class RequestBody:
    """The body of a request, whose message is not parsed yet."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._content_type = request.headers.get("content-type", "")
        self._multipart = "multipart/form-data" in self._content_type
        # curl sends every body as urlencoded by default, so JSON is tried in any case.
        self._form = self._content_type.startswith(URLENCODED) and request.body.lstrip()[:1] not in (
            b"{",
            b"[",
        )
        self._json = None if self._multipart or self._form else JsonBody(request.body)

    @property
    def cost(self) -> int:
        """An upper bound of the memory that the message takes once parsed, in bytes."""
        body = json_cost(self._request.body) if self._json is None else self._json.cost
        return body + json_cost(self._request.query.encode())

    def message(self, places: Places, more: More) -> Any:
        """Return the message, parsed from JSON; a file of a multipart form is bytes.

        See JsonBody.parse for numpy arrays in ``places``, and ``more``.

        Raises:
            BadData: there is no message, or it is not JSON, or the form is broken.
        """
        body = self._request.body
        if self._multipart:
            return _multipart(self._content_type, body)
        if self._form:
            _check(len(body))
            field = _field(body.decode("utf-8", "replace"))
            if field:
                return parse(field)
        field = _field(self._request.query)
        return parse(field or body) if field or self._json is None else self._json.parse(places, more)


def _field(text: str) -> bytes:
    """Return the field ``json`` of a query or an urlencoded form, or nothing."""
    if "json=" not in text:
        return b""
    try:
        return parse_qs(text, max_num_fields=MAX_FIELDS).get("json", [""])[0].encode()
    except ValueError as error:
        raise _too_many() from error


def _check(size: int) -> None:
    if size > MAX_FORM_BYTES:
        raise BodyTooLarge(
            f"the urlencoded form has {size} bytes: it may have {MAX_FORM_BYTES}; send the message as JSON (application/json)"
        )


def _too_many() -> BodyTooLarge:
    return BodyTooLarge(
        f"the form has too many fields: it may have {MAX_FIELDS}; send the message as JSON (application/json)"
    )


def _multipart(content_type: str, body: bytes) -> dict[str, Any]:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != MULTIPART or not boundary:
        raise BadData(f"Content-Type {content_type!r}: multipart/form-data needs a boundary")
    if len(boundary) > MAX_BOUNDARY:
        raise BadData(
            f"the boundary of the multipart form has {len(boundary)} characters: it may have {MAX_BOUNDARY}"
        )
    if body.count(b"--" + boundary) > MAX_FIELDS + 1:
        raise _too_many()
    found: dict[str, Any] = {}

    def on_field(field: Field) -> None:
        name, value = _text("a field's name", field.field_name), field.value or b""
        found[name] = _text(name, value) if name == "strData" else parse(value)

    def on_file(file: File) -> None:
        name = _text("a file's field", file.field_name)
        file.file_object.seek(0)
        content = file.file_object.read()
        found[name] = content if name == "binData" else _text(name, content)

    try:
        # The body is in memory already and no larger than the limit: nothing is spooled to disk.
        parser = FormParser(
            "multipart/form-data",
            on_field,
            on_file,
            boundary=boundary,
            config={"MAX_MEMORY_FILE_SIZE": len(body) + 1, "MAX_BODY_SIZE": len(body) + 1},
        )
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise BadData(f"the multipart form is broken: {error}") from error
    if not found:
        raise BadData("the multipart form is empty: send a field such as data, jsonData, strData or binData")
    return found


def _text(what: str, value: bytes | None) -> str:
    try:
        return (value or b"").decode()
    except UnicodeDecodeError as error:
        raise BadData(f"{what} is not UTF-8: {error.reason} at byte {error.start}") from error
