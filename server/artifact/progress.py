"""The progress of a transfer, logged every few seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

INTERVAL_SECONDS = 5.0

log = logging.getLogger(__name__)


class Progress:
    """Counts the files and bytes of a model as they arrive; a context manager that logs them meanwhile.

    Safe to be used by several threads.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.bytes = 0
        self.total = 0
        self._watched: Path | None = None
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._reporter = threading.Thread(target=self._report, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._reporter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._reporter.join()

    @property
    def seconds(self) -> float:
        """How long this has been under way."""
        return time.monotonic() - self._began

    def expect(self, size: int) -> None:
        """Add ``size`` bytes to the total."""
        with self._lock:
            self.total += size

    def add(self, size: int) -> None:
        """Count ``size`` bytes as transferred."""
        with self._lock:
            self.bytes += size

    @contextmanager
    def watching(self, folder: Path) -> Iterator[None]:
        """Count what appears below ``folder`` in the block, which some library writes there."""
        self._watched = folder
        try:
            yield
        finally:
            self._watched = None
            self.bytes = _size_of(folder)

    def _report(self) -> None:
        before = 0
        while not self._done.wait(INTERVAL_SECONDS):
            if self._watched is not None:
                self.bytes = _size_of(self._watched)
            rate = (self.bytes - before) / INTERVAL_SECONDS
            before = self.bytes
            share = f" of {size(self.total)} ({100 * self.bytes // self.total} %)" if self.total else ""
            log.info("%s: %s%s, %s/s", self.uri, size(self.bytes), share, size(rate))


def _size_of(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        # A file may be renamed meanwhile.
        with suppress(FileNotFoundError):
            total += path.lstat().st_size if path.is_file() else 0
    return total


def size(count: float) -> str:
    """Return ``count`` bytes as people read it, as in ``24.9 kB``; powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
