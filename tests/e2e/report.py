"""What a person reads while it runs: a line for each step, with the time since the start."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TextIO


@dataclass
class Report:
    """Lines on ``out``; ``passed`` is what was found right, in order."""

    out: TextIO
    began: float = field(default_factory=time.monotonic)
    passed: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Tell what is going on."""
        self._line("    ", text)

    def ok(self, text: str) -> None:
        """Tell what was found right."""
        self.passed.append(text)
        self._line("ok  ", text)

    def _line(self, mark: str, text: str) -> None:
        self.out.write(f"{time.monotonic() - self.began:5.0f} s  {mark}{text}\n")
        self.out.flush()
