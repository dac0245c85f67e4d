"""The findings of the check as SARIF 2.1.0, which code scanning reads.

Source: https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import quote

from gitops.diff.findings import Findings
from gitops.diff.locations import Location
from gitops.policies.policy import Finding


def sarif(findings: Findings) -> str:
    """Return the findings, those too that the base has: code scanning tells itself which are new with a change."""
    found = [*findings.new, *findings.old]
    rules = {entry.id: entry for entry, _ in found}
    driver = {"name": "make check", "rules": [_rule(rules[name]) for name in sorted(rules)]}
    run = {"tool": {"driver": driver}, "results": [_result(*pair) for pair in found]}
    content = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(content, indent=2) + "\n"


def _rule(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "shortDescription": {"text": finding.reason},
        "defaultConfiguration": {"level": finding.level},
    }


def _result(finding: Finding, place: Location) -> dict[str, Any]:
    region = {"startLine": place.line}
    # A line that moves is the same finding.
    identity = hashlib.sha256("\0".join(finding.identity).encode()).hexdigest()
    return {
        "ruleId": finding.id,
        "level": finding.level,
        "message": {"text": _plain(finding.message)},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": _uri(place.file)}, "region": region}}
        ],
        "partialFingerprints": {"finding/v1": identity},
    }


def _uri(file: str) -> str:
    """Return the relative URI of a file, whose name may be no UTF-8 too."""
    return quote(file, errors="surrogateescape")


def _plain(text: str) -> str:
    """Return a text so that no part of it is a link (SARIF 2.1.0, 3.11.6)."""
    return re.sub(r"[\[\]\\]", r"\\\g<0>", text)
