"""The commands over the manifests (--help lists them)."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from gitops.errors import GitopsError

ROOT = Path(__file__).resolve().parent.parent
# Each command by its name: the function that declares its arguments (gitops.command), and what the command does.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("gitops.local.commands:demo_command", "run the overlays on this machine until Ctrl-C"),
    "smoke": ("gitops.local.commands:smoke_command", "run the overlays, compare their answers, stop"),
    "check": ("gitops.check:command", "check what every kustomization renders against the policies"),
    "diff": ("gitops.diff.command:command", "show what this work tree renders differently from a revision"),
    "seal": ("gitops.seal.command:command", "seal secrets for the cluster"),
    "seal-cert": (
        "gitops.seal.command:certificate_command",
        "fetch the certificate that secrets are sealed to",
    ),
    "scan": ("gitops.scan:command", "look for secrets in the tree"),
    "train": ("gitops.promote.train:command", "train the example models and pin their digests"),
    "promote": ("gitops.promote.promotion:command", "pin a model in an overlay"),
    "promote-aliases": (
        "gitops.promote.aliases:command",
        "promote again each model whose alias names another version",
    ),
    "promotion-prepare": (
        "gitops.promote.aliases:fetch_command",
        "fetch the models that aliases name now, with VARIABLES and SECRETS; run none of them",
    ),
    "promotion-patch": (
        "gitops.promote.aliases:patch_command",
        "run the fetched models, promote them, and write the promotions to a file",
    ),
    "promotion-apply": (
        "gitops.promote.patch:command",
        "apply such a file to the overlays, and print it as Markdown; run nothing",
    ),
    "new-overlay": ("gitops.promote.new_overlay:command", "add a deployment of one node to overlays/"),
    "new-graph": ("gitops.promote.new_graph:command", "add a graph of overlays of one node to overlays/"),
    "graph-answer": (
        "gitops.promote.graph_answer:command",
        "run a graph on this machine and write its answer to its expected.json",
    ),
    "adopt": (
        "gitops.adopt:command",
        "write site.yaml, and the new names wherever else the tree has the old ones",
    ),
    "up": ("gitops.up.command:command", "do all that leads from a fork to models that answer"),
    "release-plan": ("gitops.release.plan:command", "tell whether the image must be built"),
    "release-record": ("gitops.release.record:command", "write the record of a build"),
    "pin": ("gitops.release.proposal:command", "pin a released image, or tell why not"),
    "unpin": ("gitops.release.pin:unpin_command", "let an overlay follow the image of base again"),
    "image-push": ("gitops.release.registry:push_command", "push OCI archives by their digest"),
    "image-tag": ("gitops.release.registry:tag_command", "tag a pushed image"),
    "image-verify": ("gitops.release.verify:command", "verify who built the pinned image, or another one"),
    "wait-for-check": (
        "gitops.release.checks:command",
        "wait until a commit's check has succeeded on GitHub",
    ),
    "comment": ("gitops.github.comment:command", "keep a pull request's one comment up to date"),
    "pull-request": ("gitops.github.pull_request:command", "propose what changed in the work tree"),
    "report": ("gitops.github.issue:command", "keep the one issue of scheduled workflows up to date"),
    "github-settings": (
        "gitops.github.settings:command",
        "configure the repository on GitHub as the workflows need it",
    ),
    "pull-requests-allowed": (
        "gitops.github.api:command",
        "tell whether GITHUB_TOKEN may create pull requests",
    ),
    "lint-workflows": ("gitops.github.lint:command", "run actionlint and zizmor"),
}


def parser(chosen: str = "") -> argparse.ArgumentParser:
    """Return the command line's parser, with the arguments of the command ``chosen``: no other module is imported."""
    top = argparse.ArgumentParser(prog="python -m gitops", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (reference, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if name == chosen:
            module, _, function = reference.partition(":")
            command.set_defaults(run=getattr(import_module(module), function)(command))
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code (gitops.errors)."""
    given = sys.argv[1:] if argv is None else argv
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        arguments = parser(next(iter(given), "")).parse_args(given)
        return int(arguments.run(arguments, ROOT))
    except GitopsError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
