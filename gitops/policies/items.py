"""A finding, for a program (gitops.command)."""

from __future__ import annotations

from gitops.command import Item
from gitops.policies.policy import Finding


def finding_item(finding: Finding) -> Item:
    """Return the item of a finding; one that the base has too fails nothing, and so is a warning."""
    violation = finding.violation
    more = {
        "owner": violation.owner,
        "also": [entry.place for entry in finding.more],
        "before": finding.before,
    }
    level = finding.level if finding.fails else "warning"
    return Item(level, finding.id, finding.folder, violation.value, violation.fix, more)
