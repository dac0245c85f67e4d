"""A program of GitHub's runner image that is stood in for: `make` whose heavy targets do nothing, docker, cosign, gh.

Copied to a job's folder under the program's name, and run by the runner's Python alone: it records how it was called,
in `calls` beside its folder, and does what the file `programs.json` there says. It exits with 1 where GitHub or the
registry would refuse what the job's token may not.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.argv[0]).name
FOLDER = Path(sys.argv[0]).parent.parent
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


def pushes(name: str) -> str:
    """Put the image ``name`` into the registry, and return its digest; a tag moves."""
    if not (FOLDER / "home" / ".docker" / "config.json").is_file():
        refuse(f"{name}: denied: log in first")
    if not may("packages"):
        refuse(f"{name}: denied: permission_denied: write_package")
    if name != name.lower():
        refuse(f"{name}: invalid reference format: repository name must be lowercase")
    digest = "sha256:" + hashlib.sha256(name.encode()).hexdigest()
    with Path(SAID["registry"]).open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        held = json.loads(file.read() or "{}")
        held[name] = name.partition("@")[2] or digest
        file.truncate(0)
        file.write(json.dumps(held))
    return digest


def docker(arguments: list[str]) -> None:
    words = [each for each in arguments if not each.startswith("-")]
    if words[:1] == ["push"]:
        pushes(words[1])
    if words[:3] == ["buildx", "imagetools", "create"]:
        tags = [after for before, after in itertools.pairwise(arguments) if before in ("--tag", "-t")]
        for tag in tags + [each.partition("=")[2] for each in arguments if each.startswith("--tag=")]:
            pushes(tag)


def cosign(arguments: list[str]) -> None:
    if not SAID["cosign"]:
        refuse("command not found: sigstore/cosign-installer has not run")
    if arguments[:1] == ["sign"]:
        if not os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"):
            refuse("no identity: the job needs 'id-token: write'")
        name = arguments[-1]
        if "@sha256:" not in name:
            refuse(f"{name}: sign what is named by its digest")
        pushes(name.replace("@sha256:", ":sha256-") + ".sig")


def gh(arguments: list[str]) -> None:
    token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")
    if not token:
        refuse("To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable.")
    if arguments[:2] == ["release", "create"] and not may("contents"):
        refuse("HTTP 403: Resource not accessible by integration")


def main() -> None:
    arguments = sys.argv[1:]
    if PROGRAM == "make":
        return make(arguments)
    record(arguments)
    if PROGRAM in ("docker", "cosign", "gh"):
        {"docker": docker, "cosign": cosign, "gh": gh}[PROGRAM](arguments)
    return None


main()
