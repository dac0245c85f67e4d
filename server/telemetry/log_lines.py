"""The lines of the log: JSON in a pod, text on a terminal. Whatever a client sends stands in them as what it is, escaped and cut."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

import orjson

from server.errors import BadSetting, ModelFailed, ServerError
from server.telemetry import log_writer
from server.telemetry.call_record import CallRecord, current
from server.telemetry.log_writer import LogHandler

# The most of a message and of a traceback, and of a string that a client sends.
LONGEST, LONGEST_VALUE = 16_384, 256
VARIABLES = ("LOG_LEVEL", "SELDON_LOG_LEVEL")
# Those of logging; libraries add others to it.
LEVELS = ("CRITICAL", "FATAL", "ERROR", "WARN", "WARNING", "INFO", "DEBUG", "NOTSET")
FORMATS = ("json", "text")
# A line's own fields, in the attribute of this name of a LogRecord, and a traceback that is not of this process.
FIELDS, TRACEBACK = "fields", "model_traceback"

# What a terminal acts upon, and what some viewers take for the end of a line or turn round.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_PLAIN = re.compile(r"[!#-~]+", re.ASCII)


def configure(process: str, environ: Mapping[str, str] = os.environ, stream: TextIO | None = None) -> None:
    """Log to stderr, in the format and from the level that the environment variables say.

    In a pod the format is JSON unless stderr is a terminal. What is raised and not caught, and warnings, are logged too.

    Args:
        process: what the lines are of: a verb, or a process of the server.
        environ: the environment variables LOG_LEVEL or SELDON_LOG_LEVEL, LOG_FORMAT, KUBERNETES_SERVICE_HOST.
        stream: where to instead of stderr.

    Raises:
        BadSetting: there is no such level or format; what is logged then is text.
    """
    stream = stream or sys.stderr
    handler = LogHandler(stream)
    handler.setFormatter(TextFormatter(process))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # No line has them, and each takes time (docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    sys.excepthook = _uncaught
    threading.excepthook = lambda hooked: (
        _uncaught(hooked.exc_type, hooked.exc_value, hooked.exc_traceback) if hooked.exc_value else None
    )
    in_pod = "KUBERNETES_SERVICE_HOST" in environ and not stream.isatty()
    chosen = environ.get("LOG_FORMAT", "").strip().lower() or ("json" if in_pod else "text")
    if chosen not in FORMATS:
        raise BadSetting(f"LOG_FORMAT={environ['LOG_FORMAT']!r}: must be one of {', '.join(FORMATS)}")
    handler.setFormatter(JsonFormatter(process) if chosen == "json" else TextFormatter(process))
    logging.getLogger().setLevel(_level(environ))


def _level(environ: Mapping[str, str]) -> str:
    for name in VARIABLES:
        if environ.get(name):
            level = environ[name].strip().upper()
            if level not in LEVELS:
                raise BadSetting(f"{name}={environ[name]!r}: must be one of {', '.join(LEVELS)}")
            return level
    return "INFO"


def _uncaught(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, where)
    else:
        logging.getLogger("server").critical("an error was not caught", exc_info=(kind, error, where))


def escaped(value: str, longest: int = LONGEST_VALUE) -> str:
    """Return a string with its control characters as Python writes them, and cut."""
    text = value if len(value) <= longest else value[: longest - 1] + "…"
    return text if text.isascii() and text.isprintable() else _CONTROL.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def is_json() -> bool:
    """Return whether the lines of this process are JSON."""
    handler = log_writer.handler()
    return handler is not None and isinstance(handler.formatter, JsonFormatter)


def log_error(log: logging.Logger, error: ServerError, fields: Mapping[str, Any] | None = None) -> None:
    """Log an error with the model's traceback, if it has one, and what is known of the call that this task answers, or ``fields``."""
    extra: dict[str, Any] = {TRACEBACK: error.traceback} if isinstance(error, ModelFailed) else {}
    if fields is not None:
        extra[FIELDS] = dict(fields)
    log.error("%s: %s", error.reason, error, extra=extra)


def call_fields(record: CallRecord | None = None) -> dict[str, Any]:
    """Return what a line says of a call, the one that this task answers if none is given: puid, path and trace id."""
    record = record or current()
    if record is None:
        return {}
    fields = {"puid": escaped(record.puid), "path": escaped(record.path), "trace_id": record.trace_id}
    return {name: value for name, value in fields.items() if value}


class _Formatter(logging.Formatter):
    """Gathers a line's fields.

    Args:
        process: what the lines are of.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        own: dict[str, Any] | None = getattr(record, FIELDS, None)
        return call_fields() if own is None else own

    def _exception(self, record: logging.LogRecord) -> str:
        if not record.exc_info or record.exc_info[1] is None:
            text: str = getattr(record, TRACEBACK, "")
        else:
            text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        return text[-LONGEST:]


class JsonFormatter(_Formatter):
    """A JSON object a line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line."""
        line: dict[str, Any] = {
            "time": _time(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage()[:LONGEST],
        }
        line.update(self._fields(record))
        if exception := self._exception(record):
            line["exception"] = exception
        try:
            text = orjson.dumps(line)
        except TypeError:  # Of halves of surrogate pairs.
            return json.dumps(line)
        return text.decode() if text.isascii() else json.dumps(line)


class TextFormatter(_Formatter):
    """A line as people read it. What comes behind a line feed, as in a traceback, is indented: no line that is not ours begins as ours do."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line, or several."""
        time = _time(record).astimezone()
        fields = "".join(
            f" {name}={_quoted(value)}" for name, value in self._fields(record).items() if value != ""
        )
        message = _indented(record.getMessage()[:LONGEST])
        line = f"{time:%Y-%m-%d %H:%M:%S},{time.microsecond // 1000:03d} {record.levelname} {self._process}: {message}{fields}"
        if exception := self._exception(record):
            line += "\n    " + _indented(exception)
        return line


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _indented(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "\n    ".join(_CONTROL.sub(_escape, line.replace("\t", "  ")) for line in text.split("\n"))


def _quoted(value: Any) -> str:
    """Return a field's value, in quotes where it is no plain word."""
    if isinstance(value, float):
        return f"{value:.6f}"
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
