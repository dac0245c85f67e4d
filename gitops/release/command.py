"""The commands of a release, for gitops.__main__: what they take, and where their output goes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Where the bot proposes the image.
BRANCH = "release/image"


def add(commands: Any) -> None:
    """Add the commands to those of ``commands``, an argparse action of subparsers."""
    plan = commands.add_parser("release-plan", help="say whether the image must be built anew")
    _branch(plan)
    plan.set_defaults(run=_run(_plan))

    record = commands.add_parser("release-record", help="write what a build was made of and made")
    record.add_argument("output", type=Path, metavar="FILE", help="the record, in JSON")
    record.add_argument("archives", type=Path, nargs="+", metavar="ARCHIVE", help="OCI archives of the build")
    record.set_defaults(run=_run(_record))

    pin = commands.add_parser("pin", help="pin a released image, or say why not")
    pin.add_argument(
        "--record", type=Path, metavar="FILE", help="the build's record (built from this checkout)"
    )
    _branch(pin)
    pin.add_argument("digest", metavar="sha256:…", help="digest of the image, as its registry gives it")
    pin.set_defaults(run=_run(_pin))

    push = commands.add_parser("image-push", help="push OCI archives by their digest")
    push.add_argument("repository", metavar="REPOSITORY", help="as in ghcr.io/owner/seldon-mlflow-server")
    push.add_argument("archives", type=Path, nargs="+", metavar="ARCHIVE", help="one for each platform")
    push.set_defaults(run=_run(_push))

    tag = commands.add_parser("image-tag", help="give a pushed image tags")
    tag.add_argument("--move", action="store_true", help="even if a tag is that of another image")
    tag.add_argument("reference", metavar="IMAGE@sha256:…", help="what was pushed")
    tag.add_argument("tags", nargs="+", metavar="TAG")
    tag.set_defaults(run=_run(_tag))

    verify = commands.add_parser("image-verify", help="verify who built the pinned image, or another one")
    verify.add_argument("--ref", default="", help="what the release ran for (main or a tag v…)")
    verify.add_argument("reference", nargs="?", default="", metavar="IMAGE@sha256:…")
    verify.set_defaults(run=_run(_verify))

    wait = commands.add_parser("wait-for-check", help="wait until a commit's check has succeeded on GitHub")
    wait.add_argument("--minutes", type=float, default=60, help="how long at most (60)")
    wait.add_argument("commit", metavar="COMMIT")
    wait.add_argument("check", metavar="CHECK", help="name of the check run")
    wait.set_defaults(run=_run(_wait))


def _branch(command: argparse.ArgumentParser) -> None:
    command.add_argument("--branch", default=BRANCH, help=f"where the image is proposed ({BRANCH})")


def _run(lines: Callable[[argparse.Namespace], Iterable[str]]) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        for line in lines(arguments):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()  # Of what waits for minutes a log shows each line at once.
        return 0

    return run


def _plan(arguments: argparse.Namespace) -> Iterable[str]:
    from gitops.release.plan import plan

    return [plan(ROOT, arguments.branch, os.environ)]


def _record(arguments: argparse.Namespace) -> Iterable[str]:
    from gitops.release.record import record

    return [record(ROOT, arguments.output, arguments.archives)]


def _pin(arguments: argparse.Namespace) -> Iterable[str]:
    from gitops.release.proposal import propose

    return propose(ROOT, arguments.digest, arguments.record, arguments.branch, os.environ)


def _push(arguments: argparse.Namespace) -> Iterable[str]:
    from gitops.release.registry import push

    return push(arguments.repository, arguments.archives, os.environ)


def _tag(arguments: argparse.Namespace) -> Iterable[str]:
    from gitops.release.registry import tag

    return tag(arguments.reference, arguments.tags, move=arguments.move)


def _verify(arguments: argparse.Namespace) -> Iterable[str]:
    from gitops.release.verify import verify

    return verify(ROOT, arguments.reference, arguments.ref)


def _wait(arguments: argparse.Namespace) -> Iterable[str]:
    from gitops.release.checks import wait_for_check

    return wait_for_check(arguments.commit, arguments.check, arguments.minutes, os.environ)
