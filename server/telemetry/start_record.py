"""What the init containers of a pod tell the server of: a small file beside what each of them leaves in the volume.

.fetch.json         beside the model's MLmodel: {"seconds", "bytes", "digest", "model_version"}
.environment.json   in the environment's folder: {"seconds"}
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
from pathlib import Path
from typing import Any

FETCH, ENVIRONMENT = ".fetch.json", ".environment.json"
MOST_BYTES = 64 * 1024

log = logging.getLogger(__name__)


def write(file: Path, **said: Any) -> None:
    """Write what a start has to tell. It goes on without, where that cannot be written."""
    aside = file.with_name(f"{file.name}.new")
    try:
        aside.write_text(json.dumps(said), encoding="utf-8")
        aside.replace(file)
    except OSError as error:
        log.warning("%s: cannot be written (%s); metrics lack what it would have told", file, error.strerror)
        with contextlib.suppress(OSError):
            aside.unlink()


def read(file: Path) -> dict[str, Any]:
    """Return what a start has told, or nothing where it has left no such file, or another one."""
    try:
        if file.stat().st_size > MOST_BYTES:
            return {}
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def number(said: dict[str, Any], name: str) -> float | None:
    """Return a number that a start has told, or None."""
    value = said.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value)


def text(said: dict[str, Any], name: str) -> str:
    """Return a text that a start has told, or ""."""
    value = said.get(name)
    return value if isinstance(value, str) else ""
