"""The command, which does the steps in their order."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from gitops import examples
from gitops.adopt import Names, add_options, buckets
from gitops.command import Run, print_lines
from gitops.doctor import cluster, github
from gitops.doctor import fork as forks
from gitops.doctor.part import look
from gitops.errors import BadArgument, GitopsError
from gitops.github import gh
from gitops.manifests import image
from gitops.manifests.site import read_site
from gitops.seal.command import ask
from gitops.switch import add_switch
from gitops.up import deployment, repository
from gitops.up.deployment import Target
from gitops.up.fork import Fork
from gitops.up.polling import Wait
from gitops.up.step import run

# A release builds for half an hour; a sync is tried again as long.
_MINUTES = 60.0


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.description = "Values of secrets come from standard input (NAME=value), the environment or the terminal, never from arguments."
    parser.add_argument("--owner", default="", help="account of GitHub (that of the remote origin)")
    parser.add_argument("--repo", default="", help="its repository (that of the remote origin)")
    parser.add_argument("--bucket", default="", help="S3 bucket that models are fetched from (as before)")
    examples.add_option(parser)
    add_options(parser)
    add_switch(parser, "DRY_RUN", "say what would be done, and do nothing")
    add_switch(parser, "UNSIGNED", "do not verify an image that is not built here")
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="how long others are waited for")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        # What is fetched to see whether it is there is nothing that is done.
        logging.getLogger("server").setLevel(logging.WARNING)
        terminal = sys.stdin.isatty()
        # A long wait is told as it goes.
        wait = Wait(arguments.minutes * 60, lambda line: print(line, flush=True))  # noqa: T201
        names = chosen(root, arguments)
        fork = Fork(
            root,
            names,
            arguments.examples,
            arguments.unsigned,
            os.environ,
            wait,
        )
        target = Target(
            root,
            os.environ,
            None if terminal else sys.stdin,
            ask if terminal else None,
            wait,
        )
        return print_lines(up(fork, target, dry=arguments.dry_run))

    return run


def chosen(root: Path, arguments: argparse.Namespace) -> Names:
    """Return the fork's names: as they are given, else as the tree and its remote origin have them.

    Raises:
        BadArgument: neither says one of them, or a value cannot be one.
        BadManifest, AdoptionFailed: the tree does not say.
    """
    repo = _repository(root, arguments.owner, arguments.repo)
    owner, _, name = repo.partition("/")
    site, bucket, pinned = read_site(root), arguments.bucket, arguments.image
    adopted = site.repository == repo
    if adopted:
        bucket = bucket or next(iter(buckets(root)), "")
        if not pinned and not site.builds_image and (digest := image.pinned_digest(root)):
            pinned = f"{site.image}@{digest}"
    if not bucket and not adopted:
        raise BadArgument(
            "BUCKET '': nothing says where the models are to be; give it as in `make up BUCKET=acme-models`"
        )
    builder = arguments.image_repository or (site.builder if adopted and not arguments.image else "")
    return Names(owner, name, bucket, arguments.namespace, pinned, builder if pinned else "")


def up(fork: Fork, target: Target, *, dry: bool) -> Iterator[str]:
    """Do all that leads from the fork to models that answer and is not done yet; yield a line for each step.

    Raises:
        UpFailed: a step cannot be done; those before it are, and the next run goes on from there.
    """
    yield f"{fork.repository}: {'what would be done (nothing is changed)' if dry else 'what is done'}"
    missing: dict[str, str] = {}
    needed = (forks.remote(fork.root), *github.parts(fork.repository), *cluster.operators(fork.root))
    yield from map(str, look(needed, missing))
    adopt, models, *hosted = repository.steps(fork)
    steps = (adopt, models, *deployment.secrets(target), *hosted, *deployment.serving(target))
    yield from run(steps, missing, dry=dry)
    if not dry:
        yield from deployment.request(fork.root)


def _repository(root: Path, owner: str, repo: str) -> str:
    """Return OWNER/REPO: as it is given, else that of the remote origin.

    Raises:
        BadArgument: neither says.
    """
    if owner and repo:
        return f"{owner}/{repo}"
    try:
        return gh.origin(root)
    except GitopsError as error:
        raise BadArgument(
            f"OWNER {owner!r}, REPO {repo!r}: the remote origin does not say what the repository is called on GitHub "
            f"({error}); give both, as in `make up OWNER=acme REPO=models BUCKET=acme-models`"
        ) from error
