"""One run of a workflow: its jobs in their order, those of the workflows that it calls among them.

Jobs run one after the other here, so that a matrix with fail-fast cancels what would still wait on GitHub.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.workflows import permissions
from tests.workflows.call import inputs_of, secrets_of
from tests.workflows.context import Contexts, github
from tests.workflows.event import Event
from tests.workflows.expression.value import to_string, truthy
from tests.workflows.job import Job, architecture
from tests.workflows.matrix import combinations, suffix
from tests.workflows.workflow import BadWorkflow, Workflow, needs

if TYPE_CHECKING:
    from tests.workflows.repository import Repository

DEEPEST = 10
_LOCAL = "./.github/workflows/"


@dataclass
class Ended:
    """How a job of a file ended, all of its matrix together."""

    result: str
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Run:
    """A run: ``jobs`` by the name that GitHub shows, ``results`` of these and of those that did not run."""

    repository: Repository
    workflow: Workflow
    event: Event
    workflows: Mapping[str, Workflow]
    number: int
    jobs: dict[str, Job] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)

    @property
    def artifacts(self) -> Path:
        """The folder with a folder for each artifact of the run."""
        return self.repository.folder / "artifacts" / str(self.number)

    @property
    def log(self) -> str:
        """The results, and the end of what each job that did not succeed said."""
        failed = [(name, job) for name, job in self.jobs.items() if job.result != "success"]
        return "\n".join(
            [str(self.results), *(f"# {name}: {job.result}\n{job.log[-4000:]}" for name, job in failed)]
        )

    def start(self) -> Run:
        """Run it to its end.

        Raises:
            BadWorkflow: GitHub would not start it.
        """
        _check(self.workflow, self.workflows, None)
        self.artifacts.mkdir(parents=True)
        about = {"id": self.number, "event": self.event.name, "check_suite_id": self.number}
        self.repository.github.workflow_runs.append(about)
        given = self.workflow.on[self.event.name]
        inputs = (
            inputs_of(
                (given or {}).get("inputs") or {}, self.event.payload.get("inputs") or {}, self.workflow.path
            )
            if self.event.name == "workflow_dispatch"
            else {}
        )
        repository = self.repository
        context = github(
            self.event,
            repository=repository.github.repository,
            url=repository.github.url,
            workflow=self.workflow.name,
            path=self.workflow.path,
            run=self.number,
        )
        # A fork's run gets neither.
        secrets, variables = ({}, {}) if self.event.fork else (repository.secrets, repository.variables)
        contexts = Contexts({"github": context, "inputs": inputs, "vars": variables, "secrets": secrets})
        contexts.scope("run-name").filled(self.workflow.content.get("run-name", ""))
        _Jobs(self, self.workflow, contexts, None, "").run()
        return self

    def judged(self, name: str, result: str) -> None:
        """Keep how a job ended, and show it at the commit as GitHub does: of a pull request at its head."""
        self.results[name] = result
        github = self.repository.github
        head = self.event.payload.get("pull_request", {}).get("head", {}).get("sha", self.event.sha)
        runs = github.check_runs.setdefault(head, [])
        about = {
            "id": 1000 * self.number + len(runs),
            "name": name,
            "head_sha": head,
            "status": "completed",
            "conclusion": result,
            "html_url": f"{github.url}/{github.repository}/actions/runs/{self.number}",
            "app": {"slug": "github-actions"},
            "check_suite": {"id": self.number},
        }
        runs.append(about)


class _Jobs:
    """The jobs of one file in a run; ``most`` is what its caller may, None of the workflow that was started."""

    def __init__(
        self, run: Run, workflow: Workflow, contexts: Contexts, most: Mapping[str, str] | None, prefix: str
    ) -> None:
        self._run, self._workflow, self._prefix, self._most = run, workflow, prefix, most
        contexts.scope("concurrency").filled(workflow.content.get("concurrency"))
        self._contexts = contexts
        scope = contexts.scope("env")
        self._env = {name: scope.text(value) for name, value in (workflow.content.get("env") or {}).items()}
        self.ended: dict[str, Ended] = {}

    def run(self) -> dict[str, Ended]:
        for name in self._workflow.ordered():
            content = self._workflow.jobs[name]
            direct = {each: vars(self.ended[each]) for each in needs(content)}
            results = [self.ended[each].result for each in self._before(name)]
            contexts = self._contexts.having(needs=direct, functions=_status(results))
            if not contexts.scope("jobs.if").holds(content.get("if", "")):
                self.ended[name] = Ended("skipped")
                shown = (
                    to_string(content.get("name", name)) if "${{" not in str(content.get("name")) else name
                )
                self._run.judged(self._prefix + shown, "skipped")
            else:
                self.ended[name] = self._all(name, content, contexts)
        return self.ended

    def _before(self, name: str) -> set[str]:
        """Return all jobs that ``name`` comes after, not only those that it names: a status is that of the chain."""
        direct = needs(self._workflow.jobs[name])
        return {*direct, *(each for before in direct for each in self._before(before))}

    def _all(self, name: str, content: Mapping[str, Any], contexts: Contexts) -> Ended:
        strategy = contexts.scope("jobs.strategy").filled(content.get("strategy") or {})
        found = combinations(strategy.get("matrix"))
        ended = Ended("success")
        for at, matrix in enumerate(found):
            about = {
                "fail-fast": strategy.get("fail-fast", True),
                "job-index": at,
                "job-total": len(found),
                "max-parallel": strategy.get("max-parallel", len(found)),
            }
            mine = contexts.having(strategy=about, matrix=matrix)
            said = content.get("name", name)
            shown = mine.scope("jobs.name").text(said)
            shown = self._prefix + shown + ("" if "${{" in str(said) else suffix(matrix))
            if ended.result == "failure" and truthy(about["fail-fast"]):
                self._run.judged(shown, "cancelled")
                continue
            mine.scope("jobs.concurrency").filled(content.get("concurrency"))
            one = (
                self._called(content, mine, shown)
                if "uses" in content
                else self._one(name, content, mine, shown)
            )
            self._run.judged(shown, one.result)
            goes_on = truthy(
                mine.scope("jobs.continue-on-error").filled(content.get("continue-on-error", False))
            )
            if one.result != "success" and not goes_on and ended.result == "success":
                ended.result = one.result
            ended.outputs |= {key: value for key, value in one.outputs.items() if value}
        return ended

    def _permissions(self, content: Mapping[str, Any]) -> dict[str, str]:
        outside = None if self._most is None else dict(self._most)
        said = (outside, self._workflow.content.get("permissions"), content.get("permissions"))
        return permissions.of_job(*said, event=self._run.event)

    def _one(self, name: str, content: Mapping[str, Any], contexts: Contexts, shown: str) -> Ended:
        run, repository = self._run, self._run.repository
        label = contexts.scope("jobs.runs-on").text(content["runs-on"])
        may = self._permissions(content)
        secrets, variables = contexts.values["secrets"], contexts.values["vars"]
        environment = contexts.scope("jobs.environment").filled(content.get("environment"))
        if isinstance(environment, Mapping):
            environment = environment["name"]
        if environment:
            place = repository.environment(environment)
            if not place.takes(run.event):
                return Ended("failure")
            secrets, variables = {**secrets, **place.secrets}, {**variables, **place.variables}
        token = repository.github.token(may)
        contexts = contexts.having(
            secrets={**secrets, "GITHUB_TOKEN": token},
            vars=variables,
            github={**contexts.values["github"], "token": token, "job": name},
        )
        scope = contexts.scope("jobs.env")
        environ = {
            **self._env,
            **{key: scope.text(value) for key, value in (content.get("env") or {}).items()},
        }
        hidden = {token, *(value for value in secrets.values() if value)}
        defaults = {"defaults": content.get("defaults", self._workflow.content.get("defaults"))}
        job = Job(
            shown,
            {**content, **defaults},
            repository,
            contexts,
            may,
            token,
            hidden,
            run.artifacts,
            architecture(label, shown),
            environ,
        )
        run.jobs[shown] = job
        job.run()
        return Ended(job.result, job.outputs)

    def _called(self, content: Mapping[str, Any], contexts: Contexts, shown: str) -> Ended:
        workflow = self._run.workflows[content["uses"].removeprefix(_LOCAL)]
        said = workflow.on["workflow_call"] or {}
        given = contexts.scope("jobs.with").filled(content.get("with") or {})
        inputs = inputs_of(said.get("inputs") or {}, given, workflow.path)
        secrets = contexts.values["secrets"]
        if content.get("secrets") != "inherit":
            passed = contexts.scope("jobs.secrets").filled(content.get("secrets") or {})
            secrets = secrets_of(said.get("secrets") or {}, passed, workflow.path)
        below = Contexts({**self._contexts.values, "inputs": inputs, "secrets": secrets})
        jobs = _Jobs(self._run, workflow, below, self._permissions(content), f"{shown} / ")
        ended = jobs.run()
        scope = below.having(
            jobs={name: {"result": each.result, "outputs": each.outputs} for name, each in ended.items()}
        ).scope("on.workflow_call.outputs")
        outputs = {name: scope.text(each["value"]) for name, each in (said.get("outputs") or {}).items()}
        results = {each.result for each in ended.values()}
        worst = next((each for each in ("failure", "cancelled", "success") if each in results), "skipped")
        return Ended(worst, outputs)


def _status(results: list[str]) -> dict[str, Any]:
    """The status functions of a job by the results of all before it."""
    return {
        "success": (0, 0, lambda: all(each == "success" for each in results)),
        "failure": (0, 0, lambda: "failure" in results),
        "cancelled": (0, 0, lambda: False),
        "always": (0, 0, lambda: True),
    }


def _check(
    workflow: Workflow, workflows: Mapping[str, Workflow], most: Mapping[str, str] | None, depth: int = 0
) -> None:
    """Refuse what GitHub refuses before it starts a job: a call of nothing, or of what wants more than its caller has.

    Raises:
        BadWorkflow: it does.
    """
    if depth > DEEPEST:
        raise BadWorkflow(f"{workflow.path}: called more than {DEEPEST} deep")
    anyone = Event("push", "", "", {})
    for name, content in workflow.jobs.items():
        said = (most, workflow.content.get("permissions"), content.get("permissions"))
        may = permissions.of_job(*said, event=anyone)
        if most is not None:
            permissions.bounded(may, most, f"{workflow.path}, job {name}")
        if "uses" not in content:
            continue
        file = content["uses"].removeprefix(_LOCAL)
        if file not in workflows or "workflow_call" not in workflows[file].on:
            raise BadWorkflow(
                f"{workflow.path}, job {name}: {content['uses']} is no workflow that can be called"
            )
        _check(workflows[file], workflows, may, depth + 1)
