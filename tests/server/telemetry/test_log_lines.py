"""Lines of the log: JSON and text, and what clients and models try to put into them."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys

import pytest

from server.errors import BadSetting
from server.telemetry.access_log import address
from server.telemetry.call_record import Telemetry, forget
from server.telemetry.log_lines import JsonFormatter, TextFormatter, configure, escaped
from tests.project import ROOT

OURS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ serve: ")
FORGED = "2026-11-30 12:00:00,000 ERROR serve: all is lost"


@pytest.fixture(autouse=True)
def no_call():
    yield
    forget()


def line(formatter, message, *arguments, error=None):
    record = logging.LogRecord("server.api", logging.ERROR, __file__, 1, message, arguments, error)
    return formatter("serve").format(record)


def calling(puid, path="/predict", **headers):
    record = Telemetry().begin("rest", path, "10.0.0.1", headers, path=path)
    record.puid = puid
    return record


def raised(text):
    try:
        int(text)
    except ValueError:
        return sys.exc_info()


def test_a_line_has_what_is_known_of_its_call():
    calling("one", traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    said = json.loads(line(JsonFormatter, "%s of %d", "three", 4))
    assert said.pop("time").endswith("Z")
    assert said == {
        "level": "ERROR",
        "process": "serve",
        "logger": "server.api",
        "message": "three of 4",
        "puid": "one",
        "path": "/predict",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }
    text = line(TextFormatter, "three")
    assert OURS.sub("", text) == "three puid=one path=/predict trace_id=4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_line_of_no_call_has_none():
    assert OURS.sub("", line(TextFormatter, "three")) == "three"
    assert "puid" not in json.loads(line(JsonFormatter, "three"))


@pytest.mark.parametrize("formatter", [JsonFormatter, TextFormatter])
@pytest.mark.parametrize(
    "hostile",
    [
        f"a\n{FORGED}",
        f"a\r\n{FORGED}",
        f"a\x85{FORGED}",
        f"a\u2028{FORGED}",
        "\x1b[2J\x1b]0;owned\x07",
        "\u202etxt",
        "\x9b31m",
    ],
)
def test_nothing_of_a_client_begins_a_line_or_moves_a_terminal(formatter, hostile):
    calling(hostile, f"/{hostile}")
    said = line(formatter, "%s", hostile, error=raised(hostile))
    assert sum(OURS.match(each) is not None for each in said.splitlines()) <= 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]", said)
    if formatter is JsonFormatter:
        assert len(said.splitlines()) == 1
        assert json.loads(said)["message"] == hostile


def test_what_a_client_chooses_is_cut():
    calling("p" * 100_000, "/" + "x" * 100_000)
    assert len(line(JsonFormatter, "short")) < 1000
    assert len(line(JsonFormatter, "y" * 100_000, error=raised("z" * 100_000))) < 40_000
    assert escaped("ö" * 300) == "ö" * 255 + "…"


@pytest.mark.parametrize(
    ("peer", "shown"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "::1"),
        ("ipv4:127.0.0.1:53712", "127.0.0.1"),
        ("ipv6:%5B::1%5D:53712", "::1"),
        ("ipv6:[fe80::1]:1", "fe80::1"),
        ("unix:", "unix:"),
    ],
)
def test_a_clients_address_has_no_port(peer, shown):
    assert address(peer) == shown


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environ", "stream", "is_json"),
    [
        ({}, io.StringIO, False),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, io.StringIO, True),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, Terminal, False),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "LOG_FORMAT": "text"}, io.StringIO, False),
        ({"LOG_FORMAT": "JSON"}, Terminal, True),
    ],
)
def test_lines_are_json_in_a_pod_and_text_on_a_terminal(environ, stream, is_json, restored):
    sink = stream()
    configure("serve", environ, sink)
    logging.getLogger("x").info("three")
    assert sink.getvalue().startswith("{") == is_json


@pytest.mark.parametrize(
    ("environ", "level"),
    [
        ({}, logging.INFO),
        ({"SELDON_LOG_LEVEL": "debug"}, logging.DEBUG),
        ({"SELDON_LOG_LEVEL": "DEBUG", "LOG_LEVEL": "ERROR"}, logging.ERROR),
        ({"SELDON_LOG_LEVEL": "WARNING", "LOG_LEVEL": ""}, logging.WARNING),
    ],
)
def test_seldons_level_counts_where_there_is_no_own(environ, level, restored):
    configure("serve", environ, io.StringIO())
    assert logging.getLogger().level == level


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT='xml': must be one of json, text"),
        (
            {"SELDON_LOG_LEVEL": "loud"},
            "SELDON_LOG_LEVEL='loud': must be one of CRITICAL, FATAL, ERROR, WARN, WARNING, INFO, DEBUG, NOTSET",
        ),
    ],
)
def test_what_it_cannot_be_is_refused(environ, message, restored):
    with pytest.raises(BadSetting) as refused:
        configure("serve", environ, io.StringIO())
    assert str(refused.value) == message


@pytest.fixture
def restored():
    """Put pytest's own handlers, and the hooks, back."""
    root = logging.getLogger()
    before, level, hook = list(root.handlers), root.level, sys.excepthook
    yield
    logging.captureWarnings(False)
    root.handlers[:], sys.excepthook = before, hook
    root.setLevel(level)


def test_what_is_not_caught_is_a_line_too():
    script = (
        "import sys, threading, warnings; from server.telemetry.log_lines import configure\n"
        "configure('serve', {'LOG_FORMAT': 'json'})\n"
        "warnings.warn('old')\n"
        "thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()\n"
        "raise KeyError('gone')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    said = [json.loads(each) for each in done.stderr.splitlines()]
    assert done.returncode == 1
    assert [each["level"] for each in said] == ["WARNING", "CRITICAL", "CRITICAL"]
    assert "old" in said[0]["message"]
    assert [each["exception"].splitlines()[-1] for each in said[1:]] == [
        "ZeroDivisionError: division by zero",
        "KeyError: 'gone'",
    ]
