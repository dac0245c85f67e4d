"""Write the reference pages from the code that they describe: `make docs`."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gitops.policies.evaluation import POLICIES  # noqa: E402
from server import errors, settings  # noqa: E402


def settings_page() -> str:
    """Return docs/settings.md: every setting of every verb."""
    lines = [
        "# Settings",
        "",
        "<!-- Written by `make docs` from server/settings.py: change it there. -->",
        "",
        "A graph parameter counts before an environment variable, and of several variables the first that is set;",
        "an annotation of the SeldonDeployment counts after both.",
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
        "| `LOG_LEVEL` | every verb | `INFO`, or how much else is logged: `DEBUG`, `WARNING`, `ERROR`, `CRITICAL`. |",
        "| `AWS_ROLE_ARN`, `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ENDPOINT_URL_STS` | fetch | The role of a pod's service "
        "account, its token, and where credentials for it are asked for, as in every SDK of AWS. |",
        "| `PIP_INDEX_URL`, `PIP_EXTRA_INDEX_URL` | environment | Indexes of packages, as for pip. |",
    ]
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """Return docs/errors.md: what every error means to each interface."""
    lines = [
        "# Errors",
        "",
        "<!-- Written by `make docs` from server/errors.py: change it there. -->",
        "",
        "What goes wrong while a request is answered has an HTTP status and a gRPC code, what ends a verb an exit code.",
        "",
        "| error | meaning | HTTP | gRPC | exit code |",
        "|---|---|---|---|---|",
    ]
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ServerError)
    ]
    for kind in kinds:
        meaning = (kind.__doc__ or "").strip().partition("\n")[0]
        served = kind.exit_code == errors.ServerError.exit_code
        means = f"{kind.status} | {kind.grpc} | " if served else f" | | {kind.exit_code}"
        lines.append(f"| {kind.__name__} | {meaning} | {means} |")
    return "\n".join(lines) + "\n"


def policies_page() -> str:
    """Return docs/policies.md: what `make check` demands, by the module that demands it."""
    lines = [
        "# Policies",
        "",
        "<!-- Written by `make docs` from gitops/policies: change it there. -->",
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


PAGES = {"settings.md": settings_page, "errors.md": errors_page, "policies.md": policies_page}

if __name__ == "__main__":
    for page, write in PAGES.items():
        Path(ROOT, "docs", page).write_text(write(), encoding="utf-8")
