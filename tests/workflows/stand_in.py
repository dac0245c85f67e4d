"""A program of GitHub's runner image that is stood in for: `make` whose heavy targets do nothing, crane, cosign, gh.

Copied to a job's folder under the program's name, and run by the runner's Python alone: it records how it was called,
in `calls` beside its folder, and does what the file `programs.json` there says. It exits with 1 where GitHub or the
registry would refuse what the job's token may not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.argv[0]).name
# crane lies among the tools of a clone.
FOLDER = Path(os.environ["HOME"] if PROGRAM == "crane" else sys.argv[0]).parent
FOLDER = FOLDER if PROGRAM == "crane" else FOLDER.parent
SAID: dict[str, Any] = json.loads((FOLDER / "programs.json").read_text())


def record(arguments: list[str]) -> None:
    entry = {"program": PROGRAM, "arguments": arguments, "environ": dict(os.environ)}
    with (FOLDER / "calls").open("a") as calls:
        calls.write(json.dumps(entry) + "\n")


def refuse(message: str) -> None:
    sys.stderr.write(f"{PROGRAM}: {message}\n")
    sys.exit(1)


def may(permission: str, level: str = "write") -> bool:
    return SAID["permissions"].get(permission) in ("write", level)


def make(arguments: list[str]) -> None:
    variables = [each for each in arguments if "=" in each and not each.startswith("-")]
    targets = [each for each in arguments if "=" not in each and not each.startswith("-")]
    heavy = [each for each in targets if each in SAID["targets"]]
    for target in heavy:
        record([target, *variables])
        environ = {**os.environ, **dict(each.split("=", 1) for each in variables)}
        sys.stdout.write(f"make {target}: stood in for\n")
        sys.stdout.flush()
        status = subprocess.run(["bash", "-euc", SAID["targets"][target]], env=environ).returncode
        if status:
            sys.stderr.write(f"make: *** [Makefile: {target}] Error {status}\n")
            sys.exit(2)
    rest = [each for each in arguments if each not in heavy]
    if heavy and len(heavy) == len(targets):
        return
    if not heavy:
        record(rest)
    os.execv(SAID["make"], ["make", *rest])


def logged_in() -> bool:
    return (FOLDER / "home" / ".docker" / "config.json").is_file()


def may_push(name: str) -> None:
    """Refuse what the registry refuses: a stranger, a token that only reads, a name with capitals."""
    if not logged_in():
        refuse(f"{name}: UNAUTHORIZED: log in first")
    if not may("packages"):
        refuse(f"{name}: DENIED: permission_denied: write_package")
    if name.partition("@")[0] != name.partition("@")[0].lower():
        refuse(f"{name}: NAME_INVALID: repository name must be lowercase")


def crane(arguments: list[str]) -> None:
    """The real one, for a registry on loopback in place of ghcr.io."""
    names = [each for each in arguments if each.startswith("ghcr.io/")]
    if arguments[0] in ("push", "tag", "copy", "append", "mutate"):
        for name in names:
            may_push(name)
    there = [
        each.replace("ghcr.io/", f"{SAID['registry']}/", 1) if each in names else each for each in arguments
    ]
    done = subprocess.run([SAID["crane"], *there], stderr=subprocess.PIPE, text=True)
    sys.stderr.write(done.stderr.replace(SAID["registry"], "ghcr.io"))
    sys.exit(done.returncode)


def cosign(arguments: list[str]) -> None:
    if not SAID["cosign"]:
        sys.stderr.write("cosign: command not found: sigstore/cosign-installer has not run\n")
        sys.exit(127)
    if arguments[:1] == ["sign"]:
        if not os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"):
            refuse("no identity: the job needs 'id-token: write'")
        name = arguments[-1]
        if "@sha256:" not in name:
            refuse(f"{name}: sign what is named by its digest")
        may_push(name)
        with Path(SAID["signatures"]).open("a") as signatures:
            signatures.write(f"{name}\n")
    if arguments[:1] == ["verify"]:
        if not logged_in() or not may("packages", "read"):
            refuse("UNAUTHORIZED: log in first")
        if arguments[-1] not in Path(SAID["signatures"]).read_text().split():
            refuse("Error: no signatures found")


def gh(arguments: list[str]) -> None:
    token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")
    if not token:
        refuse("To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable.")
    if arguments[:2] == ["attestation", "verify"]:
        if not may("attestations", "read"):
            refuse("HTTP 403: Resource not accessible by integration")
        if arguments[2].removeprefix("oci://") not in map(str.lower, SAID["attested"]):
            refuse("HTTP 404: Not Found")
    if arguments[:2] == ["release", "create"] and not may("contents"):
        refuse("HTTP 403: Resource not accessible by integration")


def main() -> None:
    arguments = sys.argv[1:]
    if PROGRAM == "make":
        make(arguments)
        return
    record(arguments)
    if PROGRAM in ("crane", "cosign", "gh"):
        {"crane": crane, "cosign": cosign, "gh": gh}[PROGRAM](arguments)


main()
