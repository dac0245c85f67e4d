"""The server itself, whose descriptors others of the same user may count: ``python -m tests.server.visible serve …``.

It hides them in /proc from all but root; test_supervised.py holds that it does.
"""

from __future__ import annotations

import runpy
from unittest import mock

with mock.patch("server.operating_system.hide_memory"):
    runpy.run_module("server", run_name="__main__", alter_sys=True)
