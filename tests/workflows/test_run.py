"""What the runner makes of small workflows, by GitHub's documentation: how the project's own can be believed."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest
import yaml

from tests.workflows.expression.syntax import BadExpression
from tests.workflows.happenings import Happenings
from tests.workflows.history import History
from tests.workflows.repository import Environment
from tests.workflows.run import Run
from tests.workflows.workflow import BadWorkflow

pytestmark = pytest.mark.long
CHECKOUT = {"uses": "actions/checkout@v7"}


def job(*steps: str | Mapping[str, object], **keys: object) -> dict[str, object]:
    """A job with these steps, of which a text is a command; a last ``_`` of a key's name is no part of it."""
    return {
        "runs-on": "ubuntu-24.04",
        **{name.rstrip("_").replace("_", "-"): value for name, value in keys.items()},
        "steps": [{"run": step} if isinstance(step, str) else step for step in steps],
    }


def workflow(jobs: Mapping[str, object], **keys: object) -> str:
    on = ["push", "pull_request", "workflow_dispatch"]
    return yaml.safe_dump(
        {"on": on, "permissions": {"contents": "read"}, **keys, "jobs": jobs}, sort_keys=False
    )


def run(
    history: History, jobs: Mapping[str, object], others: dict[str, str] | None = None, **keys: object
) -> Run:
    """Run a workflow with these jobs for a push to main."""
    history.workflow(workflow(jobs, **keys), **(others or {}))
    return history.repository.happens(Happenings(history.repository).push(), "workflow.yml")["workflow.yml"]


def test_a_job_after_one_that_did_not_succeed_runs_only_if_it_says_so(history: History) -> None:
    failed = "needs.bad.result == 'failure'"
    found = run(
        history,
        {
            "bad": job("false"),
            "never": job("true", needs="bad"),
            "after": job("true", needs=["bad", "never"], if_="always()"),
            "chained": job("true", needs="after"),
            "told": job("true", needs="after", if_="failure()"),
            "judged": job("true", needs="bad", if_=failed),
            "open": job("true", needs="bad", if_=f"${{{{ !cancelled() && {failed} }}}}"),
            "alone": job("true"),
        },
    )
    assert found.results == {
        "bad": "failure",
        "never": "skipped",
        "after": "success",
        # What comes before `after` counts for it as well.
        "chained": "skipped",
        "told": "success",
        "judged": "skipped",
        "open": "success",
        "alone": "success",
    }


def test_a_step_after_one_that_failed_runs_only_if_it_says_so(history: History) -> None:
    found = run(
        history,
        {
            "one": job(
                {"run": "exit 3", "id": "mild", "continue-on-error": True},
                {
                    "run": "true",
                    "if": "steps.mild.outcome == 'failure' && steps.mild.conclusion == 'success'",
                },
                {"run": "false | true"},
                {"run": "false | true", "shell": "bash"},
                "true",
                {"run": "true", "if": "failure()"},
                {"run": "true", "if": "always() && job.status == 'failure'"},
                {"run": "true", "if": "${{ !cancelled() }}"},
                {"run": "true", "if": "cancelled()"},
            )
        },
    )
    outcomes = [step.outcome for step in found.jobs["one"].steps]
    assert outcomes == [
        *("failure", "success", "success", "failure", "skipped", "success", "success", "success", "skipped"),
    ]
    assert found.jobs["one"].steps[0].log == "Error: Process completed with exit code 3.\n"
    assert found.results == {"one": "failure"}


def test_steps_and_jobs_tell_each_other_something(history: History) -> None:
    write = (
        'echo "a=1" >> "$GITHUB_OUTPUT"\nprintf "b<<END\\nx\\ny=z\\nEND\\n" >> "$GITHUB_OUTPUT"\n'
        'echo "LATER=env" >> "$GITHUB_ENV"; echo "GITHUB_SHA=mine" >> "$GITHUB_ENV"\n'
        'mkdir own; printf "#!/bin/sh\\necho tool\\n" > own/tool; chmod +x own/tool; echo "$PWD/own" >> "$GITHUB_PATH"\n'
        'echo "# Said" >> "$GITHUB_STEP_SUMMARY"; test -z "${LATER:-}"'
    )
    found = run(
        history,
        {
            "one": job(
                {"run": write, "id": "said"},
                {
                    "run": 'test "$LATER ${{ env.LATER }} $B" = "env env x" -a "$GITHUB_SHA" != mine; tool',
                    "env": {"B": "${{ contains(steps.said.outputs.b, 'y=z') && 'x' }}"},
                },
                outputs={"a": "${{ steps.said.outputs.a }}", "b": "${{ steps.said.outputs.b }}"},
            ),
            "two": job(
                {"run": 'test "$A" = "1x y=z"', "env": {"A": "${{ needs.one.outputs.a }}${{ env.B }}"}},
                needs="one",
                env={"B": "${{ join(fromJSON('[\"x\", \"y=z\"]'), ' ') }}"},
            ),
        },
    )
    assert found.results == {"one": "success", "two": "success"}, found.log
    assert found.jobs["one"].outputs == {"a": "1", "b": "x\ny=z"}
    assert found.jobs["one"].summary == "# Said\n"
    assert found.jobs["one"].steps[1].log == "tool\n"


def test_variables_of_the_nearest_place_hold(history: History) -> None:
    show = {"run": 'echo "$A $B $C"', "env": {"C": "step ${{ env.B }}"}}
    found = run(
        history,
        {"one": job(show, env={"B": "job", "C": "job"}), "two": job(show)},
        env={"A": "all", "B": "all", "C": "all"},
    )
    assert found.jobs["one"].steps[0].log == "all job step job\n"
    assert found.jobs["two"].steps[0].log == "all all step all\n"


def test_every_combination_of_a_matrix_is_a_job(history: History) -> None:
    matrix = {
        "os": ["a", "b"],
        "at": [1, 2],
        "exclude": [{"os": "b", "at": 2}],
        "include": [{"os": "a", "at": 1, "more": "x"}, {"os": "c"}, {"color": "green"}],
    }
    show = 'echo "${{ matrix.os }} ${{ matrix.at }} ${{ matrix.more }} ${{ matrix.color }} ${{ strategy.job-total }}"'
    found = run(
        history,
        {
            "plan": job('echo "all=[\\"x\\", \\"y\\"]" >> "$GITHUB_OUTPUT"', outputs={"all": "[1, 2]"}),
            "one": job(show, strategy={"matrix": matrix}, name="${{ matrix.os }}${{ matrix.at }}"),
            "two": job(
                "true", needs="plan", strategy={"matrix": {"x": "${{ fromJSON(needs.plan.outputs.all) }}"}}
            ),
            "fast": job('test "${{ matrix.x }}" = 1', strategy={"matrix": {"x": [1, 2, 3]}}),
            "slow": job('test "${{ matrix.x }}" = 2', strategy={"matrix": {"x": [1, 2]}, "fail-fast": False}),
            "mild": job("false", continue_on_error=True),
            "after": job("true", needs="mild"),
        },
    )
    assert {
        name: run.steps[0].log for name, run in found.jobs.items() if name[0] in "abc" and name != "after"
    } == {
        "a1": "a 1 x green 4\n",
        "a2": "a 2  green 4\n",
        "b1": "b 1  green 4\n",
        "c": "c    4\n",
    }
    results = {name: result for name, result in found.results.items() if "(" in name or name == "after"}
    assert results == {
        "two (1)": "success",
        "two (2)": "success",
        "fast (1)": "success",
        "fast (2)": "failure",
        "fast (3)": "cancelled",
        "slow (1)": "failure",
        "slow (2)": "success",
        "after": "success",
    }


CALLED = """
on:
  workflow_call:
    inputs:
      word: {type: string, default: nothing}
      loud: {type: boolean, required: true}
    secrets:
      key: {required: true}
    outputs:
      said: {value: "${{ jobs.inner.outputs.said }}"}
permissions: {}
env: {A: called}
jobs:
  inner:
    runs-on: ubuntu-24.04
    permissions: {contents: read}
    outputs: {said: "${{ steps.say.outputs.said }}"}
    steps:
      - id: say
        run: echo "said=${{ inputs.word }} ${{ inputs.loud && 'loud' }} $A ${{ github.event_name }} ${#KEY}" >> "$GITHUB_OUTPUT"
        env: {KEY: "${{ secrets.key }}${{ secrets.other }}"}
"""


def test_a_called_workflow_has_what_it_is_given(history: History) -> None:
    history.repository.secrets = {"SECRET": "hush", "other": "more"}
    uses = "./.github/workflows/called.yml"
    given = {
        "uses": uses,
        "with": {"word": "hello", "loud": True},
        "secrets": {"key": "${{ secrets.SECRET }}"},
    }
    show = {
        "call": given,
        "after": job('test "${{ needs.call.outputs.said }}" = "hello loud called push 4"', needs="call"),
    }
    found = run(history, show, {"called": CALLED}, env={"A": "caller"})
    assert found.results == {"call / inner": "success", "call": "success", "after": "success"}, found.log

    history.commit({".github/workflows/called.yml": CALLED.replace("contents: read", "contents: write")})
    with pytest.raises(
        BadWorkflow, match="is requesting 'contents: write', but is only allowed 'contents: read'"
    ):
        history.repository.happens(Happenings(history.repository).push())
    for wrong, message in (
        ({**given, "with": {}}, "the input 'loud' is required"),
        ({**given, "with": {"loud": "yes"}}, "the input 'loud' is 'yes': must be a boolean"),
        ({**given, "with": {"loud": True, "no": 1}}, r"has no inputs \['no'\]"),
        ({**given, "secrets": {}}, "the secret 'key' is required"),
        ({**given, "uses": "./.github/workflows/none.yml"}, "is no workflow that can be called"),
    ):
        with pytest.raises(BadWorkflow, match=message):
            run(history, {"call": wrong}, {"called": CALLED})


def test_a_token_may_what_its_job_says_and_a_fork_only_reads(history: History) -> None:
    repository = history.repository
    repository.secrets = {"SECRET": "hush"}
    show = {"run": 'echo "${#S} $V"', "env": {"S": "${{ secrets.SECRET }}", "V": "${{ vars.V }}"}}
    history.workflow(
        workflow(
            {
                "none": job(show),
                "some": job("true", permissions={"contents": "write", "id-token": "write", "issues": "none"}),
            },
        )
    )
    repository.variables = {"V": "here"}
    happens = Happenings(repository)
    (own,) = repository.happens(happens.push()).values()
    assert own.jobs["none"].permissions == {"contents": "read"}
    assert own.jobs["some"].permissions == {"contents": "write", "id-token": "write"}
    assert own.jobs["none"].steps[0].log == "4 here\n"
    sha = history.commit({"a": "b"}, "theirs")
    (theirs,) = repository.happens(happens.pull_request(sha, fork=True)).values()
    assert theirs.jobs["some"].permissions == {"contents": "read"}
    assert theirs.jobs["none"].steps[0].log == "0 \n"
    assert repository.github.tokens[theirs.jobs["some"].token].permissions == {
        "contents": "read",
        "metadata": "read",
    }


def test_a_secret_is_in_no_log_and_in_no_output(history: History) -> None:
    history.repository.secrets = {"SECRET": "hush-hush"}
    show = 'echo "it is $S"; echo "::add-mask::later"; echo later; echo "o=$S" >> "$GITHUB_OUTPUT"; echo "p=1" >> "$GITHUB_OUTPUT"'
    outputs = {"o": "${{ steps.s.outputs.o }}", "p": "${{ steps.s.outputs.p }}"}
    step = {"run": show, "id": "s", "env": {"S": "${{ secrets.SECRET }}"}}
    found = run(history, {"one": job(step, outputs=outputs)}).jobs["one"]
    assert found.steps[0].log == "it is ***\n***\n"
    assert found.outputs == {"p": "1"}
    assert found.leaked == {"hush-hush", "later"}


def test_an_environment_gives_its_secrets_to_the_branches_that_it_takes(history: History) -> None:
    history.repository.environments["release"] = Environment({"KEY": "abc"}, {"WHERE": "there"}, ["main"])
    show = {"run": 'echo "${#K} ${{ vars.WHERE }}"', "env": {"K": "${{ secrets.KEY }}"}}
    jobs: dict[str, object] = {"in": job(show, environment="release"), "out": job(show)}
    found = run(history, jobs)
    assert found.jobs["in"].steps[0].log == "3 there\n"
    assert found.jobs["out"].steps[0].log == "0 \n"
    history.commit({"a": "b"}, "feature")
    event = Happenings(history.repository).dispatch("feature")
    assert history.repository.happens(event)["workflow.yml"].results == {"in": "failure", "out": "success"}


@pytest.mark.parametrize(("depth", "commits"), [(None, 1), (2, 2), (0, 4)])
def test_a_clone_is_as_deep_as_it_is_asked_for(history: History, depth: int | None, commits: int) -> None:
    step = (
        CHECKOUT
        if depth is None
        else {**CHECKOUT, "with": {"fetch-depth": depth, "persist-credentials": False}}
    )
    history.commit({"a": "b"})
    found = run(
        history,
        {"one": job(step, "git log --oneline | wc -l; git status --short --branch; git config --list")},
    )
    log = found.jobs["one"].steps[1].log.splitlines()
    assert log[:2] == [str(commits), "## main...origin/main"]
    assert any("extraheader" in line for line in log) == (depth is None)


def test_a_pull_request_is_tried_as_it_would_be_merged(history: History) -> None:
    step = {**CHECKOUT, "with": {"fetch-depth": 2}}
    history.workflow(
        workflow({"one": job(step, "git branch --show-current; cat a b; git log -1 --format=%P")})
    )
    main = history.commit({"a": "main\n"})
    head = history.commit({"b": "feature\n"}, "feature")
    main = history.commit({"a": "newer\n"})
    (found,) = history.repository.happens(Happenings(history.repository).pull_request("feature")).values()
    assert found.jobs["one"].steps[1].log == f"newer\nfeature\n{main} {head}\n"


def test_steps_run_as_nobody_in_particular_with_one_python(history: History) -> None:
    ask = 'umask; id -u; which -a python3; cat ~root/.profile || echo no; env | grep -c "^PYTEST" || true'
    log = run(history, {"one": job(ask)}).jobs["one"].steps[0].log.splitlines()
    assert log[0] == "0022"
    assert len([line for line in log if line.endswith("/python3")]) == 1
    assert log[-1] == "0"
    if os.geteuid() == 0:
        assert log[1] != "0"
        assert log[-2] == "no"


def test_the_time_of_a_step_and_of_a_job_ends(history: History) -> None:
    history.repository.minute = 0.5
    wait = "sleep 600 & sleep 600"
    found = run(
        history,
        {
            "step": job({"run": wait, "timeout-minutes": 1}, {"run": "true", "if": "failure()"}),
            "whole": job(wait, {"run": "true", "if": "cancelled()"}, {"run": "true"}, timeout_minutes=1),
        },
    )
    assert [step.outcome for step in found.jobs["step"].steps] == ["failure", "success"]
    assert [step.outcome for step in found.jobs["whole"].steps] == ["cancelled", "success", "skipped"]
    assert found.results == {"step": "failure", "whole": "cancelled"}


def test_artifacts_and_caches_go_from_job_to_job(history: History) -> None:
    up = {"uses": "actions/upload-artifact@v7", "with": {"name": "one", "path": "out/*.txt"}}
    down = {
        "uses": "actions/download-artifact@v8",
        "with": {"pattern": "o*", "merge-multiple": True, "path": "in"},
    }
    cache = {
        "uses": "actions/cache@v6",
        "id": "c",
        "with": {"path": "kept", "key": "k-${{ hashFiles('key') }}"},
    }
    jobs: dict[str, object] = {
        "a": job("mkdir out kept; echo 1 > out/a.txt; echo 2 > kept/b; echo 3 > key", cache, up),
        "b": job(
            "echo 3 > key",
            down,
            cache,
            "cat in/a.txt kept/b; echo ${{ steps.c.outputs.cache-hit }}",
            needs="a",
        ),
        "c": job({**down, "with": {"name": "two"}}, needs="a"),
    }
    found = run(history, jobs)
    assert found.results == {"a": "success", "b": "success", "c": "failure"}, found.log
    assert found.jobs["b"].steps[3].log == "1\n2\ntrue\n"
    assert "Artifact not found for name: two" in found.log


@pytest.mark.parametrize(
    ("broken", "error", "message"),
    [
        (job({"uses": "some/action@v1"}), BadWorkflow, "nothing stands in for the action some/action"),
        (job({**CHECKOUT, "with": {"dept": 2}}), BadWorkflow, r"actions/checkout: unknown inputs \['dept'\]"),
        (job("true", runs_on="windows-2030"), BadWorkflow, "'windows-2030': there is no such runner"),
        (job("true", needs="nobody"), BadWorkflow, "needs one that is not there"),
        (
            job("true", permissions={"content": "read"}),
            BadWorkflow,
            "content: read: GitHub has no such permission",
        ),
        (job("true", step=1), BadWorkflow, "unknown key 'step'"),
        (job({"run": "true", "uses": "a/b@v1"}), BadWorkflow, "must have either 'run' or 'uses'"),
        (job("true", concurrency={"queue": "max"}), BadWorkflow, "concurrency: 'group' is missing"),
        (job({"run": "true", "if": "secrets.TOKEN"}), BadExpression, "no context 'secrets' here"),
        (job("true", if_="env.A"), BadExpression, "no context 'env' here"),
        (job("echo ${{ success() }}"), BadExpression, "no function 'success' here"),
        (job("true", name="${{ hashFiles('a') }}"), BadExpression, "no function 'hashFiles' here"),
    ],
)
def test_what_github_would_not_run_is_refused(
    history: History, broken: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(history, {"one": broken})
