"""Which workflows an event starts.

https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.workflows.event import Event
from tests.workflows.pattern import matches, selected
from tests.workflows.workflow import BadWorkflow, Workflow

# The activities that start a workflow which names none; all of those that may be named.
_TYPES = {
    "pull_request": (
        ("opened", "synchronize", "reopened"),
        {
            *("assigned", "unassigned", "labeled", "unlabeled", "opened", "edited", "closed", "reopened"),
            *(
                "synchronize",
                "converted_to_draft",
                "locked",
                "unlocked",
                "enqueued",
                "dequeued",
                "milestoned",
            ),
            *("demilestoned", "ready_for_review", "review_requested", "review_request_removed"),
            *("auto_merge_enabled", "auto_merge_disabled"),
        },
    ),
    "merge_group": (("checks_requested",), {"checks_requested"}),
    "workflow_run": (("requested", "completed", "in_progress"), {"requested", "completed", "in_progress"}),
}
_FILTERS = {
    "push": {"branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore"},
    "pull_request": {"types", "branches", "branches-ignore", "paths", "paths-ignore"},
    "merge_group": {"types", "branches", "branches-ignore"},
    "workflow_run": {"types", "workflows", "branches", "branches-ignore"},
    "workflow_dispatch": {"inputs"},
    "workflow_call": {"inputs", "outputs", "secrets"},
}


def starts(workflow: Workflow, event: Event) -> bool:
    """Return whether ``event`` starts ``workflow``.

    Raises:
        BadWorkflow: GitHub has no such event, or no such filter of it.
    """
    _check(workflow)
    if event.name not in workflow.on:
        return False
    said = workflow.on[event.name] or {}
    if event.name == "schedule":
        return any(entry["cron"] == event.payload["schedule"] for entry in said)
    if event.name == "workflow_run" and event.payload["workflow"]["name"] not in said["workflows"]:
        return False
    if event.name in _TYPES:
        types = said.get("types", _TYPES[event.name][0])
        if event.type not in ([types] if isinstance(types, str) else types):
            return False
    return _ref(said, event) and _paths(said, event)


def _ref(said: Mapping[str, Any], event: Event) -> bool:
    if event.name == "push":
        mine, other = ("tags", "branches") if event.is_tag else ("branches", "tags")
        # Who names only the one means none of the other.
        if _none(said, mine) and not _none(said, other):
            return False
        return _selected(said, mine, event.ref_name)
    return _selected(said, "branches", event.target)


def _none(said: Mapping[str, Any], key: str) -> bool:
    return key not in said and f"{key}-ignore" not in said


def _paths(said: Mapping[str, Any], event: Event) -> bool:
    if _none(said, "paths") or event.is_tag:
        return True
    return any(_selected(said, "paths", path) for path in event.changed)


def _selected(said: Mapping[str, Any], key: str, text: str) -> bool:
    if key in said:
        return selected(said[key], text)
    return not any(matches(pattern, text) for pattern in said.get(f"{key}-ignore", ()))


def _check(workflow: Workflow) -> None:
    for name, said in workflow.on.items():
        if name == "schedule":
            continue
        if name not in _FILTERS:
            raise BadWorkflow(f"{workflow.path}: on: {name!r}: the stand-in for GitHub has no such event")
        for key in said or ():
            if key not in _FILTERS[name]:
                raise BadWorkflow(f"{workflow.path}: on: {name}: unknown key {key!r}")
            if f"{key}-ignore" in said:
                raise BadWorkflow(
                    f"{workflow.path}: on: {name}: {key!r} and '{key}-ignore' exclude each other"
                )
        types = (said or {}).get("types", [])
        for each in [types] if isinstance(types, str) else types:
            if each not in _TYPES[name][1]:
                raise BadWorkflow(f"{workflow.path}: on: {name}: no activity {each!r}")
