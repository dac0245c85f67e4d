"""What must hold of every run, whatever the workflow and the event."""

from __future__ import annotations

from tests.workflows.run import Run

# What a job may change outside of itself, or say in the project's name.
WRITES = {
    *("contents", "packages", "pages", "id-token", "attestations", "pull-requests", "issues"),
    "security-events",
}


def sound(run: Run) -> None:
    """No secret in a log, no refused request, no power for a fork, and no identity beside the repository's code."""
    github = run.repository.github
    mine = {job.token: name for name, job in run.jobs.items()}
    for name, job in run.jobs.items():
        assert not job.leaked, f"{name}: {job.log}"
        writes = {each for each, level in job.permissions.items() if level == "write"}
        used = {action for action, _ in job.uses}
        assert not (run.event.fork and writes), f"{name}: a fork's job may write {writes}"
        # Who can run code of the repository or a package's there signs what they like.
        assert "id-token" not in writes or "actions/checkout" not in used, (
            f"{name}: id-token beside a checkout"
        )
        assert writes <= WRITES, name
    refused = [(mine[call.token], call) for call in github.calls if call.token in mine and call.status == 403]
    assert not refused, refused


def passed(run: Run, *ran: str) -> None:
    """The jobs that ``ran`` succeeded, and all others were rightly skipped."""
    found = {name for name, result in run.results.items() if result != "skipped"}
    assert found == {*ran}, run.log
    assert {run.results[name] for name in found} == {"success"}, run.log
    sound(run)
