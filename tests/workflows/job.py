"""One job on a runner: its folders, its contexts and its steps, one after the other.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idsteps
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.workflows import programs
from tests.workflows.action import ActionFailed, Use, named
from tests.workflows.actions.catalogue import ACTIONS
from tests.workflows.context import RUNNER_ARCHITECTURES, VARIABLES, Contexts
from tests.workflows.expression.evaluation import Scope
from tests.workflows.expression.functions import hash_files
from tests.workflows.expression.value import CaseSensitive, to_number, to_string, truthy
from tests.workflows.files import BadFile, Files, commands
from tests.workflows.workflow import BadWorkflow

if TYPE_CHECKING:
    from tests.workflows.repository import Repository

MASK = "***"
_SHELLS = {
    "": ("bash", "-e"),
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"),
    "sh": ("sh", "-e"),
    "python": ("python",),
}


@dataclass
class Step:
    """How a step ended: ``outcome`` before continue-on-error and ``conclusion`` after it."""

    name: str
    id: str = ""
    outcome: str = ""
    conclusion: str = ""
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Job:
    """A job as it runs, and afterwards how it ended.

    ``name`` is what GitHub shows; ``hidden`` what no log may show; ``leaked`` what one did show of it.
    """

    name: str
    content: Mapping[str, Any]
    repository: Repository
    contexts: Contexts
    permissions: Mapping[str, str]
    token: str
    hidden: set[str]
    artifacts: Path
    architecture: str = "X64"
    environ: dict[str, str] = field(default_factory=dict)
    result: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    summary: str = ""
    annotations: list[tuple[str, str]] = field(default_factory=list)
    leaked: set[str] = field(default_factory=set)
    uses: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = self.repository.job_folder()
        self.home = self.folder / "home"
        self.temp = self.folder / "work" / "_temp"
        name = self.repository.github.repository.partition("/")[2]
        self.workspace = self.folder / "work" / name / name
        self._path: list[str] = []
        self._after: list[tuple[str, Callable[[], Any]]] = []
        self._status = "success"
        self._until = float("inf")

    @property
    def succeeds(self) -> bool:
        """Whether no step has failed so far."""
        return self._status == "success"

    @property
    def log(self) -> str:
        return "".join(f"## {step.name}\n{step.log}" for step in self.steps)

    @property
    def calls(self) -> list[programs.Call]:
        """What the steps called of the programs that are stood in for."""
        return programs.calls(self.folder)

    def step(self, name: str) -> Step:
        """Return the step of this name or id."""
        found = [step for step in self.steps if name in (step.name, step.id)]
        assert found, f"{self.name}: no step {name!r} in {[step.name for step in self.steps]}"
        return found[0]

    def run(self) -> None:
        """Run all steps, and say how the job ended."""
        runner = self.repository.runner
        for folder in (self.home, self.temp, self.workspace, self.folder / "tmp"):
            folder.mkdir(parents=True)
        programs.install(self.folder, self.repository, self.token, self.permissions)
        event = self.temp / "_github_workflow" / "event.json"
        event.parent.mkdir()
        event.write_text(json.dumps(self.contexts.values["github"]["event"]))
        runner.own(self.folder)
        github = {
            **self.contexts.values["github"],
            "workspace": str(self.workspace),
            "event_path": str(event),
            "token": self.token,
        }
        machine = {
            "name": "GitHub Actions 1",
            "os": "Linux",
            "arch": self.architecture,
            "temp": str(self.temp),
            "tool_cache": str(self.folder / "tool_cache"),
            "environment": "github-hosted",
        }
        self.contexts = self.contexts.having(
            github=github,
            runner=machine,
            env=CaseSensitive(self.environ),
            steps={},
            functions=self._functions(),
        )
        minutes = self.contexts.scope("jobs.timeout-minutes").filled(self.content.get("timeout-minutes", 360))
        self._until = time.monotonic() + to_number(minutes) * self.repository.minute
        for at, content in enumerate(self.content["steps"], 1):
            self._step(at, content)
        for name, after in reversed(self._after):
            self._finish(name, after)
        self._tell()
        self.result = self._status
        self.environ = dict(self.contexts.values["env"])

    def _functions(self) -> dict[str, Any]:
        return {
            "success": (0, 0, lambda: self._status == "success"),
            "failure": (0, 0, lambda: self._status == "failure"),
            "cancelled": (0, 0, lambda: self._status == "cancelled"),
            "always": (0, 0, lambda: True),
            "hashfiles": (1, None, hash_files(self.workspace)),
        }

    def _step(self, at: int, content: Mapping[str, Any]) -> None:
        contexts = self.contexts.having(job={"status": self._status})
        scope = contexts.scope("jobs.steps")
        step = Step(name="", id=content.get("id", ""))
        self.steps.append(step)
        environ = {
            **contexts.values["env"],
            **{name: scope.text(value) for name, value in (content.get("env") or {}).items()},
        }
        scope = contexts.having(env=CaseSensitive(environ)).scope("jobs.steps")
        what = (
            content["run"].strip().partition("\n")[0]
            if "run" in content
            else content["uses"].partition("@")[0]
        )
        step.name = scope.text(content["name"]) if "name" in content else f"Run {what}"
        condition = contexts.having(env=CaseSensitive(environ)).scope("jobs.steps.if")
        if not condition.holds(content.get("if", "")):
            step.outcome = step.conclusion = "skipped"
        else:
            self._do(at, content, step, scope, environ)
        if step.id:
            known = {"outputs": step.outputs, "outcome": step.outcome, "conclusion": step.conclusion}
            self.contexts = self.contexts.having(steps={**self.contexts.values["steps"], step.id: known})

    def _do(
        self, at: int, content: Mapping[str, Any], step: Step, scope: Scope, environ: Mapping[str, str]
    ) -> None:
        files = Files.made(self.temp / "_runner_file_commands" / str(at), self.repository.runner)
        whole = self._environ(environ) | files.environ()
        try:
            if "run" in content:
                step.outcome = self._script(at, content, step, scope, whole)
            else:
                inputs = {name: scope.text(value) for name, value in (content.get("with") or {}).items()}
                step.outputs |= self._use(content["uses"], inputs, whole)
                step.outcome = "success"
            step.outputs |= files.outputs
            self.summary += files.summary
            self._path = [*reversed(files.path), *self._path]
            env = CaseSensitive({**self.contexts.values["env"], **files.variables})
            self.contexts = self.contexts.having(env=env)
        except (ActionFailed, BadFile) as error:
            step.log += f"Error: {error}\n"
            step.outcome = "failure"
        step.log = self._masked(step.log)
        goes_on = truthy(scope.filled(content.get("continue-on-error", False)))
        step.conclusion = "success" if step.outcome == "failure" and goes_on else step.outcome
        if self._status == "success" or step.conclusion == "cancelled":
            self._status = step.conclusion if step.conclusion != "success" else self._status

    def _script(
        self, at: int, content: Mapping[str, Any], step: Step, scope: Scope, environ: Mapping[str, str]
    ) -> str:
        defaults = self.contexts.scope("jobs.defaults.run").filled(
            (self.content.get("defaults") or {}).get("run") or {}
        )
        shell = to_string(content.get("shell") or defaults.get("shell"))
        folder = scope.text(content.get("working-directory") or defaults.get("working-directory"))
        if shell not in _SHELLS:
            raise BadWorkflow(f"{self.name}: shell {shell!r}: the stand-in for a runner has no such")
        script = self.temp / f"{at}.sh"
        script.write_text(scope.text(content["run"]) + "\n")
        self.repository.runner.own(script)
        minutes = to_number(scope.filled(content.get("timeout-minutes", 360)))
        # What cleans up after a job that was stopped has five minutes.
        left = self._until - time.monotonic() if self._status != "cancelled" else 5 * self.repository.minute
        seconds = min(left, minutes * self.repository.minute)
        log = self.folder / f"{at}.log"
        ended = self.repository.runner.execute(
            [*_SHELLS[shell], script], self.workspace / folder, environ, log, max(seconds, 0)
        )
        step.log = ended.log
        self._obey(ended.log)
        if ended.status is None:
            step.log += f"Error: The action '{step.name}' has timed out.\n"
            # The whole job's time is over: what follows runs only if it says so.
            return "cancelled" if seconds == left else "failure"
        if ended.status:
            step.log += f"Error: Process completed with exit code {ended.status}.\n"
        return "failure" if ended.status else "success"

    def _use(self, uses: str, inputs: Mapping[str, str], environ: Mapping[str, str]) -> Mapping[str, str]:
        name, action = named(uses, ACTIONS)
        action.check(name, inputs)
        self.uses.append((name, inputs))
        use = Use(self, inputs, environ)
        outputs = action.do(use)
        if (after := action.after) is not None:
            self._after.append((f"Post {name}", lambda: after(use)))
        return outputs

    def _finish(self, name: str, after: Callable[[], Any]) -> None:
        step = Step(name, outcome="success")
        self.steps.append(step)
        try:
            after()
        except ActionFailed as error:
            step.log, step.outcome, self._status = f"Error: {error}\n", "failure", "failure"
        step.conclusion = step.outcome

    def _environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        runner = self.repository.runner
        github = self.contexts.values["github"]
        machine = self.contexts.values["runner"]
        identity = (
            {
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"{github['api_url']}/id-token",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.token,
            }
            if self.permissions.get("id-token") == "write"
            else {}
        )
        return {
            **runner.environ(self.home),
            "PATH": ":".join([*self._path, str(self.folder / "bin"), *runner.path]),
            "TMPDIR": str(self.folder / "tmp"),
            "CI": "true",
            **environ,
            **identity,
            "GITHUB_ACTIONS": "true",
            **{f"GITHUB_{name.upper()}": to_string(github[name]) for name in VARIABLES},
            **{f"RUNNER_{name.upper()}": to_string(value) for name, value in machine.items()},
        }

    def _obey(self, log: str) -> None:
        for name, text in commands(log):
            if name == "add-mask":
                self.hidden.add(text)
            elif name in ("error", "warning", "notice"):
                self.annotations.append((name, text))

    def _masked(self, log: str) -> str:
        lines = [line for line in log.splitlines(keepends=True) if not line.startswith("::add-mask::")]
        log = "".join(lines)
        for each in sorted(self.hidden, key=len, reverse=True):
            if each and each in log:
                self.leaked.add(each)
                log = log.replace(each, MASK)
        return log

    def _tell(self) -> None:
        scope = self.contexts.having(job={"status": self._status}).scope("jobs.outputs")
        for name, value in (self.content.get("outputs") or {}).items():
            text = scope.text(value)
            # GitHub keeps back what has a secret in it.
            if any(each and each in text for each in self.hidden):
                self.annotations.append(("warning", f"Skip output '{name}' since it may contain secret."))
            else:
                self.outputs[name] = text


def architecture(label: str, where: str) -> str:
    """Return what a runner of this label computes with.

    Raises:
        BadWorkflow: GitHub has no such runner, and the job would wait for one.
    """
    if label not in RUNNER_ARCHITECTURES:
        raise BadWorkflow(f"{where}: runs-on: {label!r}: there is no such runner")
    return RUNNER_ARCHITECTURES[label]
