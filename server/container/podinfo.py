"""The annotations of the SeldonDeployment, which the operator mounts into each container (downward API).

Format:
https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

FILE = Path("/etc/podinfo/annotations")

log = logging.getLogger(__name__)


def read_annotations(file: Path = FILE) -> dict[str, str]:
    """Return the annotations, or none where there is no such file.

    A line that is not a name, an equals sign and a quoted value is logged and passed over.
    """
    if not file.is_file():
        return {}
    found = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, quoted = line.partition("=")
        try:
            value = json.loads(quoted)
        except ValueError:
            value = None
        if isinstance(value, str):
            found[name] = value
        else:
            log.warning('%s: %r is passed over: it must be name="value"', file, line)
    return found
