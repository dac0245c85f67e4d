"""Write the reference pages from the code that they describe: `make docs`."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gitops import errors as gitops_errors  # noqa: E402
from gitops.__main__ import PROGRAM  # noqa: E402
from gitops.commands import GROUPS  # noqa: E402
from gitops.github import api, gh  # noqa: E402, F401 - they have errors of their own
from gitops.policies.evaluation import POLICIES  # noqa: E402
from server import __main__ as server  # noqa: E402
from server import errors, settings  # noqa: E402

REMEDIES = "docs/remedies.toml"


def settings_page() -> str:
    """Return docs/settings.md: every setting of every verb."""
    lines = [
        "# Settings",
        "",
        "<!-- Written by `make docs` from server/settings.py: change it there. -->",
        "",
        "After this page you can find the setting that changes what a container does, its default, and where it is set.",
        "",
        "A graph parameter counts before an environment variable, and of several variables the first that is set;",
        "an annotation of the SeldonDeployment counts after both.",
        "`serve` names by one warning what begins with `SERVER_` and is no setting, with the nearest that is one; the variables that",
        "Kubernetes sets for a Service of such a name are passed over (base/ has none: `enableServiceLinks: false`).",
    ]
    for name, kind in vars(settings).items():
        if not name.endswith("Settings"):
            continue
        lines += ["", f"## `{name.removesuffix('Settings').lower()}`", ""]
        lines += ["| setting | default | meaning |", "|---|---|---|"]
        for entry in fields(kind):
            said = entry.metadata
            origins = [f"parameter `{said['parameter']}`"] if said["parameter"] else []
            origins += [f"`{variable}`" for variable in said["env"]]
            origins += [f"annotation `{said['annotation']}`"] if said["annotation"] else []
            default = f"`{entry.default}`" if entry.default not in ("", None) else ""
            choices = (
                f" One of {', '.join(f'`{choice}`' for choice in said['choices'])}."
                if said["choices"]
                else ""
            )
            lines.append(f"| {', '.join(origins)} | {default} | {said['meaning']}{choices} |")
    lines += [
        "",
        "## Variables of others",
        "",
        "| variable | read by | meaning |",
        "|---|---|---|",
        "| `LOG_LEVEL`, `SELDON_LOG_LEVEL` | every verb | `INFO`, or how much else is logged: `DEBUG`, `WARNING`, `ERROR`, `CRITICAL`. |",
        "| `LOG_FORMAT` | every verb | `json` or `text`. Default: JSON in a pod unless stderr is a terminal, else text. |",
        "| `OTEL_…` | serve | What OpenTelemetry's SDK reads beside the settings above, such as `OTEL_EXPORTER_OTLP_HEADERS`, "
        "`OTEL_TRACES_SAMPLER`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME` and `OTEL_BSP_…`. |",
        "| `AWS_ROLE_ARN`, `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ENDPOINT_URL_STS` | fetch | The role of a pod's service "
        "account, its token, and where credentials for it are asked for, as in every SDK of AWS. |",
        "| `PIP_INDEX_URL`, `PIP_EXTRA_INDEX_URL` | environment | Indexes of packages, as for pip. |",
    ]
    return "\n".join(lines) + "\n"


def error_kinds(module: ModuleType, base: type[Exception]) -> list[type[Exception]]:
    """Return ``base`` and its subclasses, those of ``module`` first and in their order there, the others by their names."""
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, base)]
    for kind in kinds:
        others = [each for each in kind.__subclasses__() if each not in kinds]
        kinds += sorted(others, key=lambda each: each.__name__)
    return kinds


def errors_page() -> str:
    """Return docs/errors.md: what every error means to each interface, why it happens and what to do."""
    remedies = tomllib.loads((ROOT / REMEDIES).read_text(encoding="utf-8"))
    lines = [
        "# Troubleshooting",
        "",
        "<!-- Written by `make docs` from server/errors.py, gitops/errors.py and docs/remedies.toml: change it there. -->",
        "",
        "After this page you know why an error happened, what to do about it, and what a client or a script sees of it.",
        "",
        "Every message names the value, the rule that it breaks and the fix; what stands here is how it comes to that. To find the",
        "error: an answer has the HTTP status or gRPC code and the message, a container that ended has the exit code in",
        "`kubectl describe pod` and the message as its termination message, a command of `make` ends with the message. What to do",
        "when an alert fires: [observability.md](observability.md#alerts). What Argo CD says: [install.md](install.md#what-argo-cd-says).",
    ]
    served, ended = [], []
    for kind in error_kinds(errors, errors.ServerError):
        (served if kind.exit_code == errors.ServerError.exit_code else ended).append(kind)  # type: ignore[attr-defined]

    def row(kind: type[Exception], *more: object) -> str:
        meaning = (kind.__doc__ or "").strip().partition("\n")[0]
        remedy = remedies[kind.__name__]
        cells = (kind.__name__, *more, meaning, remedy["cause"], remedy["fix"])
        return f"| {' | '.join(str(cell) for cell in cells)} |"

    lines += [
        "",
        "## A request",
        "",
        "| error | seen as | meaning | why | what to do |",
        "|---|---|---|---|---|",
    ]
    lines += [row(kind, f"{kind.status} `{kind.grpc}`") for kind in served]  # type: ignore[attr-defined]
    lines += ["", "## A container, or a verb of the server", ""]
    lines += [
        "10 to 17 are of the model's files, whichever verb reads them, 20 to 23 of its environment, 30 and 31 of its process,",
        "40 to 42 of the smoke test.",
        "",
    ]
    lines += ["| error | exit code | meaning | why | what to do |", "|---|---|---|---|---|"]
    lines += [row(kind, kind.exit_code) for kind in ended]  # type: ignore[attr-defined]
    lines += ["", "## A command of the Makefile", ""]
    lines += [
        "make itself ends with 2 and prints the command's own exit code: 2 for a wrong argument, else 1",
        "([commands.md](commands.md#how-they-end)).",
        "",
    ]
    lines += ["| error | meaning | why | what to do |", "|---|---|---|---|"]
    lines += [row(kind) for kind in error_kinds(gitops_errors, gitops_errors.GitopsError)]
    return "\n".join(lines) + "\n"


def policies_page() -> str:
    """Return docs/policies.md: what `make check` demands, by the module that demands it."""
    lines = [
        "# Policies",
        "",
        "<!-- Written by `make docs` from gitops/policies: change it there. -->",
        "",
        "After this page you know what `make check` refuses, why, and which example shows it.",
        "",
        "What `make check` demands of every kustomization and of what it renders. An error ends it with status 1, a warning",
        "does not. A policy is a function in `gitops/policies`; the link leads to the cases that it is tested by.",
        "With `BASE=main`, as a pull request is judged, what that revision has too is marked and fails nothing. One cause is",
        "one finding, with its places.",
    ]
    for module in dict.fromkeys(policy.judge.__module__ for policy in POLICIES):
        about = (sys.modules[module].__doc__ or "").partition("\n")[0].partition(" about ")[2]
        heading = re.split("[:,;.]", about)[0]
        lines += ["", f"## {heading[0].upper()}{heading[1:]}", ""]
        lines += ["| policy | what it demands | why | level |", "|---|---|---|---|"]
        for policy in POLICIES:
            if policy.judge.__module__ == module:
                demand, _, why = policy.reason.partition(": ")
                link = f"[{policy.id}](../tests/gitops/policies/fixtures/{policy.id})"
                lines.append(f"| {link} | {demand} | {why} | {policy.level} |")
    return "\n".join(lines) + "\n"


_COMMANDS_HEAD = f"""\
# Command line

<!-- Written by `make docs` from gitops/commands.py, server/__main__.py and docs/generate.py: change it there. -->

After this page you can find the command for what you want to do, call it from a program, and read how it ended.

Two programs: `python -m gitops` is what people and CI run over the manifests, `python -m server` what runs in the image. Most
commands of the first are targets of make too, with a variable in place of each option: `make diff BASE=main CHECK=1` is
`{PROGRAM} diff --base main --check 1`. `make help` lists the targets; `--help` explains a program or one of its commands, with
examples. A mistyped name is refused with the one that was meant. `make doctor` says what is missing on your machine.

## What they have in common

- **Output.** What was asked for goes to standard output; errors, log lines and progress to standard error. So `make diff BASE=main > diff.md`
  holds the report and nothing else.
- **Progress.** What takes more than two seconds is told: by a spinner on a terminal, elsewhere by a line when it has taken two seconds
  and one when it is done.
- **Colours.** On a terminal only; not with `NO_COLOR` set to anything, not with `TERM=dumb`, and so not in the log of a workflow.
- **Version.** `--version` of either says that of `pyproject.toml`, the next release's until it is tagged; that of `gitops` also says the
  commit, by the last tag `v…` before it if there is one, and `dirty` where files differ from it. No label of the image names either: its
  digest says which bytes it is, and the attestation which commit they are built from ([image.md](image.md#releases)).

## How they end

make itself ends with 2 whenever its command does not end with 0, and prints the command's exit code.

| exit code | of `gitops` |
|---|---|
| 0 | It is done, and where something was looked for (`check`, `scan`, `smoke`, `doctor`), nothing was found. |
| 1 | Something was found, which stands on standard output; or it could not be done, which the line `error: …` on standard error says. |
| 2 | An argument or a variable cannot be what it is; `error: …` says what it must be. |
| 130, 141 | Ctrl-C (of `demo`, which runs until then, 0); whoever reads the output has gone, as `head` does. |

| exit code | of `server` |
|---|---|
| 0 | It is done; of `serve`, it was asked to end (SIGTERM) and has answered what was in progress. |
| 2 | A setting or an argument cannot be what it is. |
| 10 to 42 | Each error has its own ([errors.md](errors.md#a-container-or-a-verb-of-the-server)). |
| 1 | Anything else; the log has the traceback. |
| 143 | SIGTERM while `fetch`, `environment` or `smoke` was at work; what they had half made is removed. |

## JSON

`--json`, or `JSON=1` of make, prints one document on standard output, of the same shape for each of the commands that have data to tell: `check`,
`diff`, `scan`, `doctor` and `release-plan`. The exit code stays what it is without; where the command ends with `error: …` there is no document.

| member | what it is |
|---|---|
| `command` | the command's name |
| `ok` | whether it ends with 0 |
| `items` | what it has to say, a list of objects with the members below |
| `items[].level` | `ok`; `note`; `warning`, which fails nothing; `error`, which does; `unknown`, where it could not be told |
| `items[].id` | what it is about: the policy, the part of the machine, the type of secret, how a kustomization changes, whether to build |
| `items[].place` | where: a folder, a file and its line, an area of the doctor |
| `items[].message`, `items[].fix` | what is the case, and what to do about it, which may be empty |

| of | further members of an item |
|---|---|
| `check` | `owner`, the object; `also`, the other places of the same cause; `before`, the revision that has it too |
| `diff` | `dangers`, `breaking`: a line of Markdown for each; `message` is Markdown as well, where it does not build the whole text of the error. With `--check` the findings follow, with the members of `check` |
| `release-plan` | the outputs of the workflow's step: `build`, `digest`, `image`, `inputs`, `reference`, `void` |

`python -m server inspect --json` prints the content of a `contract.json` and has nothing of this: an overlay keeps it in git.
The verbs of the image log in JSON where `LOG_FORMAT=json` says so, and in a pod."""


def commands_page() -> str:
    """Return docs/commands.md: every command and verb, by what a person does."""
    lines = [_COMMANDS_HEAD]
    for group, commands in GROUPS.items():
        lines += ["", f"## {group}", "", f"| `{PROGRAM} …` | what it does | for example |", "|---|---|---|"]
        lines += [
            f"| `{name}` | {entry.summary} | {_listed(name, entry.examples)} |"
            for name, entry in commands.items()
        ]
    lines += ["", "## In the image", "", f"| `{server.PROGRAM} …` | for example |", "|---|---|"]
    lines += [f"| `{name}` | {_listed(name, examples)} |" for name, examples in server.EXAMPLES.items()]
    return "\n".join(lines) + "\n"


def _listed(name: str, examples: Mapping[str, str]) -> str:
    return "<br>".join(f"`{f'{name} {arguments}'.strip()}`: {what}" for arguments, what in examples.items())


PAGES = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "policies.md": policies_page,
    "commands.md": commands_page,
}

if __name__ == "__main__":
    for page, write in PAGES.items():
        Path(ROOT, "docs", page).write_text(write(), encoding="utf-8")
