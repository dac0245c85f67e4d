"""The program that ends a run's processes when the run itself has ended, however that came about.

It leads the process group that all of them are in, and standard input is a pipe that only the run
holds: the kernel closes it even when the run is killed. Started with -I and without this package.
"""

from __future__ import annotations

import os
import signal
import sys
import time

GRACE_SECONDS = 5.0


def main() -> None:
    """Wait for the end of standard input, then end the group, this process with it."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
