"""Take docs/demo.png, the picture of the demo's page, in Chromium: ``make demo``, then ``.venv/bin/python -m tests.picture``.

An argument is the demo's address, where it is not http://127.0.0.1:8080.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.browser import tab
from tests.project import ROOT

PICTURE = ROOT / "docs" / "demo.png"
GATEWAY = "http://127.0.0.1:8080"
OVERLAY = "pipeline"


def main() -> int:
    """Return the exit status."""
    with tempfile.TemporaryDirectory() as profile, tab(Path(profile)) as page:
        page.look(width=880, height=1150, scheme="light")
        page.open(
            f"{(*sys.argv[1:], GATEWAY)[0]}/#{OVERLAY}", until="document.querySelector('h2 .state.ready')"
        )
        page.evaluate("document.querySelector('button.primary').click()")
        page.wait("document.querySelector('form table')")
        page.screenshot(PICTURE, whole=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
