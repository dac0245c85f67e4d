"""What is said of an Application that does not serve the newest commit as it should."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.up.deployment import fault

TIP, OLD = "a" * 40, "b" * 40


def status(sync: str, health: str, revision: str, **others: Any) -> dict[str, Any]:
    return {"sync": {"status": sync, "revision": revision}, "health": {"status": health}, **others}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "is not there yet"),
        (status("Synced", "Healthy", TIP, operationState={"phase": "Succeeded", "message": "all done"}), ""),
        (status("Synced", "Healthy", TIP), ""),
        # Of the commit before.
        (status("Synced", "Healthy", OLD), "Synced, Healthy of bbbbbbb, not yet aaaaaaa"),
        # Its smoke test.
        (
            status(
                "Synced", "Healthy", TIP, operationState={"phase": "Failed", "message": "Job failed:\n no"}
            ),
            "Synced, Healthy: Job failed: no",
        ),
        (
            status(
                *("Synced", "Healthy", TIP),
                operationState={
                    "phase": "Running",
                    "message": "one or more tasks failed. Retrying attempt #2",
                    "syncResult": {
                        "resources": [
                            {
                                "kind": "ConfigMap",
                                "name": "expected",
                                "status": "Synced",
                                "message": "serverside-applied",
                            },
                            {
                                "kind": "Job",
                                "name": "iris-smoke",
                                "hookPhase": "Failed",
                                "message": "Job has failed",
                            },
                        ]
                    },
                },
            ),
            "Synced, Healthy: Job iris-smoke: Job has failed",
        ),
        # Argo CD writes empty words before it has looked.
        (status("", "", ""), "Unknown, Unknown of no commit, not yet aaaaaaa"),
        (
            status("Unknown", "Unknown", TIP, conditions=[{"message": "repository not found"}]),
            "Unknown, Unknown: repository not found",
        ),
    ],
    ids=["none", "synced", "nothing to sync", "old", "smoke test", "what failed", "new", "repository"],
)
def test_what_is_said(given: dict[str, Any] | None, said: str) -> None:
    assert fault(given, TIP) == said
