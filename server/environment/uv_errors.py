"""uv's failures as errors for the person who deploys the model: the requirements at fault and the fix."""

from __future__ import annotations

import re

from server.environment.requirements import Requirement, Requirements
from server.environment.uv import UvError
from server.errors import UnresolvableRequirements

# What uv's explanation holds, and the fix that belongs to it; the first that is found counts.
_FIXES = (
    ("no space left on device", "give the volume of the environment, or of the cache, more room"),
    (
        r"\b401\b|\b403\b",
        "check the credentials of the package index (UV_DEFAULT_INDEX, UV_INDEX, PIP_INDEX_URL, …)",
    ),
    (
        r"network (?:connectivity is|was) disabled|`--offline`",
        "put the missing wheels into the model's wheels/ folder, or turn ENVIRONMENT_OFFLINE off",
    ),
    (
        "failed to fetch|error sending request|request failed|dns error|certificate|timed out",
        "check the network and the package index (UV_DEFAULT_INDEX, PIP_INDEX_URL, SSL_CERT_FILE)",
    ),
    (
        "a compatible version may be available on a subsequent index",
        "have the versions of all indexes count, as pip does, with ENVIRONMENT_INDEX_STRATEGY=unsafe-best-match, if each "
        "index is trusted for every package; what lies in the model's wheels/ folder comes from there alone",
    ),
    (
        "building from source is disabled",
        "require versions that have wheels for this Python, or allow source distributions, which run code of "
        "their own, with ENVIRONMENT_SOURCE_DISTRIBUTIONS=true",
    ),
)
_CORRECT = "correct the requirements and log the model again, or pin them with a requirements.lock"


def unresolvable(error: UvError, listed: Requirements, python: str) -> UnresolvableRequirements:
    """Return the error with uv's explanation, the requirements at fault and the fix."""
    explanation = str(error)
    fix = next((fix for sign, fix in _FIXES if re.search(sign, explanation, re.IGNORECASE)), _CORRECT)
    faults = "".join(f"\nat fault: {entry}" for entry in at_fault(explanation, listed))
    return UnresolvableRequirements(
        f"the model's requirements cannot be installed for Python {python}: {explanation}{faults}\n{fix}"
    )


def at_fault(explanation: str, listed: Requirements) -> list[Requirement]:
    """Return the requirements and constraints that uv's explanation speaks of."""
    return [
        entry for entry in (*listed.entries, *listed.constraints) if re.search(_pattern(entry), explanation)
    ]


def _pattern(entry: Requirement) -> str:
    if entry.name is None:
        # uv names a file or URL by its last part.
        return re.escape(entry.shown.split("#")[0].split(";")[0].strip().rstrip("/").rpartition("/")[2])
    spelled = "[-_.]+".join(re.escape(part) for part in entry.name.split("-"))
    return rf"(?i)(?<![\w.-]){spelled}(?![\w-]|\.\w)"
