"""Progress: steps with their times, on a terminal with spinners, elsewhere as plain lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

from rich.console import Console
from rich.live import Live
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

# What takes longer is mentioned before it is done, where no spinner shows it.
LONG_SECONDS = 2.0


class Progress:
    """Steps that run at the same time: a line for each that is done, and spinners for the others on a terminal.

    With ``brief`` a step that is done before anybody waits for it has no line.
    """

    def __init__(self, console: Console, *, brief: bool = False) -> None:
        self._console = console
        self._brief = brief
        self._animated = console.is_terminal and not console.is_dumb_terminal
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=console,
        )
        self._live = Live(self._bars, console=console, transient=True, refresh_per_second=8)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show that ``what`` is being done, and when the block ends, how long it took and whether it failed."""
        began = time.monotonic()
        task = self._bars.add_task(what, total=None)
        mention = threading.Timer(LONG_SECONDS, self.say, [f"{'...':>6}{'':11}{what}"])
        if self._animated:
            self._live.start()
        else:
            mention.start()
        mark, style = "", ""
        try:
            yield
            mark, style = "ok", "green"
        except Exception:
            mark, style = "failed", "red"
            raise
        finally:
            mention.cancel()
            self._bars.remove_task(task)
            if not self._bars.tasks:
                # Between steps the terminal is as it was, its cursor too.
                self._live.stop()
            seconds = time.monotonic() - began
            # A step that was interrupted is neither.
            if mark and not (self._brief and seconds < LONG_SECONDS):
                line = f" {seconds:6.1f} s  {what}"
                self.say(Text.assemble((f"{mark:>6}", style), line))

    def say(self, line: str | Text = "") -> None:
        """Print a line as it is, however long."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def step(what: str) -> AbstractContextManager[None]:
    """Show on standard error that ``what`` is being done, as far as that takes longer than a person waits without wondering."""
    return _errors().step(what)


@cache
def _errors() -> Progress:
    return Progress(Console(stderr=True), brief=True)
