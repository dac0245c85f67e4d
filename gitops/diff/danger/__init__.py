"""The closed list of what is called danger, by what it concerns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gitops.diff.danger.access import (
    network_opened,
    pod_security_weakened,
    rights_given,
    route_opened,
    seal_widened,
)
from gitops.diff.danger.argocd import health_changed, project_widened, sync_weakened
from gitops.diff.danger.danger import Danger, Rule
from gitops.diff.danger.immutable import immutable
from gitops.diff.danger.outage import gone, stopped, unprobed, unreached, unspoken
from gitops.diff.danger.verification import unlocked, untested
from gitops.diff.objects import Change

__all__ = ["RULES", "Danger", "dangers"]

RULES: tuple[Rule, ...] = (
    stopped,
    gone,
    unreached,
    unspoken,
    unprobed,
    immutable,
    network_opened,
    route_opened,
    rights_given,
    pod_security_weakened,
    seal_widened,
    project_widened,
    health_changed,
    sync_weakened,
    unlocked,
    untested,
)


def dangers(change: Change) -> Iterator[Danger]:
    """Yield what of the change of an object is dangerous, in the order of RULES."""
    for rule in RULES:
        yield from (replace(danger, kind=change.kind) for danger in rule(change))
