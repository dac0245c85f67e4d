"""The forms in which a message may come over REST."""

from __future__ import annotations

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.api.request_body import RequestBody
from server.api.routes import HttpRequest
from server.errors import BadData, BodyTooLarge
from server.protocol.json_body import json_cost
from server.protocol.json_codec import places

SENT = '{"data": {"ndarray": [[1, 2]]}}'
MEANT = {"data": {"ndarray": [[1, 2]]}}
BOUNDARY = "frontier"


def message(request):
    return RequestBody(request).message(places, lambda more: None)


def form(*parts):
    lines = []
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        lines += [head.encode(), content, b"\r\n"]
    return b"".join([*lines, f"--{BOUNDARY}--\r\n".encode()])


def multipart(body, boundary=f"; boundary={BOUNDARY}"):
    return message(
        HttpRequest("POST", "/predict", headers={"content-type": f"multipart/form-data{boundary}"}, body=body)
    )


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"]
)
def test_json_in_the_body_whatever_its_type_is_said_to_be(content_type):
    request = HttpRequest("POST", "/predict", headers={"content-type": content_type}, body=SENT.encode())
    assert message(request) == MEANT


def test_json_in_a_form_field():
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = f"json={quote_plus(SENT)}&other=1".encode()
    assert message(HttpRequest("POST", "/predict", headers=headers, body=body)) == MEANT


def test_json_in_the_query():
    assert message(HttpRequest("GET", "/predict", query=f"json={quote_plus(SENT)}")) == MEANT


def test_fields_and_files_of_a_multipart_form():
    assert multipart(form(("data", None, b'{"ndarray": [[1]]}'), ("meta", None, b'{"puid": "p"}'))) == {
        "data": {"ndarray": [[1]]},
        "meta": {"puid": "p"},
    }
    assert multipart(form(("strData", None, b"text"))) == {"strData": "text"}
    assert multipart(form(("strData", "a.txt", b"text"))) == {"strData": "text"}
    assert multipart(form(("binData", "a.bin", b"\x00\xff" * 1_000_000))) == {
        "binData": b"\x00\xff" * 1_000_000
    }


REFUSED = {
    "no-boundary": (b"", "", "Content-Type 'multipart/form-data': multipart/form-data needs a boundary"),
    "long-boundary": (
        b"",
        f"; boundary={'x' * 300}",
        "the boundary of the multipart form has 300 characters: it may have 70",
    ),
    "no-form": (b"nothing", f"; boundary={BOUNDARY}", "the multipart form is broken: "),
    "empty": (f"--{BOUNDARY}--\r\n".encode(), f"; boundary={BOUNDARY}", "the multipart form is "),
    "field-not-json": (form(("data", None, b"{")), f"; boundary={BOUNDARY}", "the body is not JSON: "),
    "not-utf8": (form(("strData", None, b"\xff")), f"; boundary={BOUNDARY}", "strData is not UTF-8: "),
}


@pytest.mark.parametrize(("body", "boundary", "said"), REFUSED.values(), ids=REFUSED)
def test_a_broken_form_is_refused(body, boundary, said):
    with pytest.raises(BadData) as caught:
        multipart(body, boundary)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"json=" + b"%7B" * 400_000),
        ("application/x-www-form-urlencoded", b"json=1&" + b"a=&" * 100),
        (f"multipart/form-data; boundary={BOUNDARY}", form(*[("data", None, b"1")] * 100)),
    ],
    ids=["bytes", "fields", "parts"],
)
def test_a_form_that_costs_more_than_it_has_is_refused(kind, body):
    with pytest.raises(BodyTooLarge, match=r"it may have (64|1048576); send the message as JSON"):
        message(HttpRequest("POST", "/predict", headers={"content-type": kind}, body=body))


def test_a_form_of_numbers_costs_what_lists_of_them_do():
    numbers = b'{"data": {"ndarray": [' + b",".join([b"[0.5]"] * 1000) + b"]}}"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = b"json=" + numbers
    assert RequestBody(HttpRequest("POST", "/predict", headers=headers, body=body)).cost >= json_cost(body)
    whole = RequestBody(HttpRequest("POST", "/predict", headers=headers, body=numbers))
    assert whole.cost < json_cost(numbers)


@given(st.binary(max_size=200))
def test_any_bytes_as_a_multipart_form_are_a_message_or_bad_data(body):
    try:
        assert multipart(form(("strData", None, b"x")) + body) is not None
    except BadData as error:
        assert str(error)  # noqa: PT017  either is right
