"""`make e2e`: the overlays on the cluster of KUBECONFIG, from secrets to a rollout under load (docs/cluster.md)."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from gitops.errors import GitopsError
from server.errors import ServerError
from tests import step_summary
from tests.cluster.kubectl import ClusterError
from tests.e2e.errors import E2eError
from tests.e2e.report import Report
from tests.e2e.run import run
from tests.e2e.settings import read


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Return the exit status: 0 where all was right, 1 where something was not, 130 where it was stopped."""
    # A workflow that is cancelled sends SIGTERM: clean up as after Ctrl-C.
    signal.signal(signal.SIGTERM, _stop)
    report = Report(sys.stdout)
    said, code = "", 0
    try:
        run(read(os.environ), os.environ, report, input if sys.stdin.isatty() else None, sys.stderr)
        report.say(f"all {len(report.passed)} checks passed")
    except KeyboardInterrupt:
        said, code = "stopped", 130
    except (E2eError, ClusterError, GitopsError, ServerError) as error:
        said, code = str(error), 1
    if said:
        print(f"e2e: {said}", file=sys.stderr)
    step_summary.write(f"make e2e: {len(report.passed)} checks passed", report.passed, said)
    return code


if __name__ == "__main__":
    sys.exit(main())
