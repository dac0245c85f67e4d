"""The package indexes that a model's requirements are installed from: what they have."""

from __future__ import annotations

import logging
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from server.environment.requirements import Requirements
from server.environment.uv import Uv, UvError

log = logging.getLogger(__name__)

_ABSENT = re.compile(r"\bwas not found in the (?:package registry|provided package locations)\b")


@dataclass(frozen=True)
class PackageIndex:
    """The indexes that ``uv`` knows and ``listed`` names. ``scratch`` is for a file."""

    uv: Uv
    listed: Requirements
    scratch: Path

    def has(self, name: str) -> bool:
        """Whether they have a package of this name, in any version.

        Where they cannot be reached the answer is yes: the installation reports what is missing.
        """
        source = self.scratch / "asked.txt"
        source.write_text("".join(f"{line}\n" for line in (*self.listed.options, name)))
        flags = [flag for flag in self.listed.flags if flag != "--require-hashes"]
        arguments = (
            "--no-deps",
            "--no-build",
            "--no-header",
            "--python",
            sys.executable,
            *flags,
            str(source),
        )
        try:
            self.uv.run("--quiet", "pip", "compile", *arguments)
        except UvError as error:
            return _ABSENT.search(str(error)) is None
        return True
