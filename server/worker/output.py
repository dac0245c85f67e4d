"""What the model prints and logs, with the ids (puid) of the predictions that it computes meanwhile.

It goes where it goes without this: to stdout and stderr, which are the container's log.
"""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import traceback
from datetime import datetime, timezone
from typing import Any

# So many ids stand behind a line that is written for a batch.
MOST_SHOWN = 4

# What a terminal acts upon, and what some viewers take for the end of a line or turn round.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_PLAIN = re.compile("[!#-~]+")

# Of a traceback; an exception may hold the data that it complains of.
MOST_CHARACTERS = 16_384

_puids: list[str] = []
# Whether the server's lines of the log are JSON, as it says in the handshake.
json_lines = False


def under_way(puids: list[str] | None) -> None:
    """Note the predictions that are computed from now on; none are, where that is None or empty."""
    global _puids
    _puids = puids or []


def capture() -> None:
    """Have lines that end during a call say for which prediction they were written.

    It must come before the model is loaded, which may keep ``sys.stderr``. Records of ``logging`` get an attribute ``puid``.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, Output(stream.buffer, stream.encoding, stream.errors, line_buffering=True))
    before = logging.getLogRecordFactory()

    def made(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = before(*arguments, **named)
        record.puid = " ".join(map(_quoted, _puids))
        return record

    logging.setLogRecordFactory(made)


class Output(io.TextIOWrapper):
    """A text stream that puts ``puid=…`` behind lines that end during a call, unless they are JSON, which has a form to keep."""

    # The first character of the line that has not ended.
    _first = ""

    def write(self, text: str) -> int:
        """Write text, and return how many characters it has."""
        *lines, rest = text.split("\n")
        if lines and _puids:
            mark = _mark()
            firsts = [self._first or lines[0][:1], *(line[:1] for line in lines[1:])]
            lines = [line + mark if first not in ("", "{") else line for line, first in zip(lines, firsts)]
        super().write("\n".join([*lines, rest]))
        self._first = rest[:1] if lines else self._first or rest[:1]
        return len(text)


def traceback_text(error: BaseException) -> str:
    """Return an exception's traceback, as UTF-8 can have it, from its end."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip("\n")
    return text[-MOST_CHARACTERS:].encode("utf-8", "backslashreplace").decode()


def write_exception(error: BaseException, message: str) -> None:
    """Write an exception of no call to stderr, as ``write_error`` does.

    Its text may be a client's, and shall begin no line that could be taken for one of the server's, JSON or not.
    """
    write_error(message, traceback_text(error))


def write_error(message: str, exception: str = "") -> None:
    """Write an error to stderr: a line of JSON like the server's where those are JSON (``json_lines``), else text."""
    if not json_lines:
        safe = _CONTROL.sub(_escape, f"{message}\n{exception}" if exception else message)
        sys.stderr.write(safe.replace("\n", "\n  | ") + "\n")
        return
    time = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {"time": time, "level": "ERROR", "process": "model", "logger": "worker", "message": message}
    if _puids:
        line["puid"] = " ".join(_puids[:MOST_SHOWN])
    if exception:
        line["exception"] = exception
    sys.stderr.write(json.dumps(line) + "\n")


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _quoted(puid: str) -> str:
    """Return an id, which a client may have chosen, as one word: in quotes where it is none, as in the server's own lines."""
    return puid if _PLAIN.fullmatch(puid) else json.dumps(puid)


def _mark() -> str:
    more = len(_puids) - MOST_SHOWN
    shown = "".join([" puid=" + _quoted(puid) for puid in _puids[:MOST_SHOWN]])
    return f"{shown} and {more} more" if more > 0 else shown
