"""The commands over the manifests (--help lists them)."""

from __future__ import annotations

import argparse
import getpass
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from gitops.errors import GitopsError
from gitops.release import command as release
from gitops.seal.secrets import Value

ROOT = Path(__file__).resolve().parent.parent


def _demo(arguments: argparse.Namespace) -> int:
    from gitops.local.commands import run_demo

    return run_demo(arguments.overlays, arguments.port, root=ROOT, runtime=arguments.runtime)


def _smoke(arguments: argparse.Namespace) -> int:
    from gitops.local.commands import run_smoke

    return run_smoke(arguments.overlays, root=ROOT, runtime=arguments.runtime)


def _check(arguments: argparse.Namespace) -> int:
    from gitops.check import check

    return check(ROOT, sys.stdout, arguments.base)


def _diff(arguments: argparse.Namespace) -> int:
    from gitops.diff.command import diff

    return diff(
        ROOT,
        arguments.base,
        sys.stdout,
        output=arguments.output,
        limit=arguments.limit,
        check=arguments.check,
        environ=os.environ,
        # A runner reads workflow commands from here too; standard output is the comment.
        annotations=sys.stderr if os.environ.get("GITHUB_ACTIONS") else None,
    )


def _seal(arguments: argparse.Namespace) -> int:
    from gitops.seal.command import seal

    terminal = sys.stdin.isatty()
    return seal(
        arguments.secrets,
        root=ROOT,
        environ=os.environ,
        lines=None if terminal else sys.stdin,
        ask=_ask if terminal else None,
        out=sys.stdout,
    )


def _ask(value: Value) -> str:
    from gitops.errors import BadValue

    shown = f"{value.name} ({value.meaning}){f' [{value.default}]' if value.default else ''}: "
    try:
        return getpass.getpass(shown) if value.hidden else input(shown)
    except (EOFError, KeyboardInterrupt) as error:
        raise BadValue(f"no value for {value.name}: stopped, and nothing was written") from error


def _seal_cert(arguments: argparse.Namespace) -> int:
    from gitops.seal.command import fetch_certificate

    return fetch_certificate(arguments.origin, root=ROOT, out=sys.stdout)


def _scan(arguments: argparse.Namespace) -> int:
    from gitops.scan import scan

    return scan(ROOT, sys.stdout)


def _train(arguments: argparse.Namespace) -> int:
    from gitops.promote.train import train

    return _print(train(ROOT))


def _promote(arguments: argparse.Namespace) -> int:
    from gitops.promote.promotion import promote

    return promote(
        ROOT,
        arguments.overlay,
        arguments.model,
        sys.stdout,
        example=arguments.example,
        force=arguments.force,
    )


def _promote_moved(arguments: argparse.Namespace) -> int:
    from gitops.promote.aliases import promote_aliases

    return promote_aliases(ROOT, sys.stdout)


def _promotion_prepare(arguments: argparse.Namespace) -> int:
    from gitops.promote.aliases import fetch_models
    from gitops.promote.credentials import exported

    with exported(os.environ):
        fetch_models(ROOT, arguments.folder)
    return 0


def _promotion_patch(arguments: argparse.Namespace) -> int:
    from gitops.promote import patch
    from gitops.promote.aliases import exit_code, promote_fetched
    from gitops.promote.result import write_job_summary

    outcomes = promote_fetched(ROOT, arguments.folder, sys.stdout)
    patch.write(ROOT, outcomes, arguments.patch)
    write_job_summary(outcomes, os.environ)
    return exit_code(outcomes)


def _promotion_apply(arguments: argparse.Namespace) -> int:
    from gitops.promote import patch
    from gitops.promote.result import markdown

    sys.stdout.write(markdown(patch.apply(ROOT, arguments.patch)))
    return 0


def _new_overlay(arguments: argparse.Namespace) -> int:
    from gitops.promote.new_overlay import new_overlay

    return new_overlay(
        ROOT, arguments.name, arguments.type, arguments.model, sys.stdout, example=arguments.example
    )


def _adopt(arguments: argparse.Namespace) -> int:
    from gitops.adopt import adopt

    return _print(adopt(ROOT, arguments.owner, arguments.repo, arguments.bucket))


def _comment(arguments: argparse.Namespace) -> int:
    from gitops.github.comment import comment

    return _print([comment(arguments.number, arguments.body, os.environ)])


def _pull_request(arguments: argparse.Namespace) -> int:
    from gitops.github import actions
    from gitops.github.pull_request import pull_request

    outcome = pull_request(
        ROOT, arguments.branch, arguments.title, arguments.body, os.environ, void=arguments.void
    )
    actions.write_outputs(os.environ, result=outcome.result, number=str(outcome.number or ""))
    return _print([f"{outcome.result}: {outcome.said}"])


def _pull_requests_allowed(_: argparse.Namespace) -> int:
    from gitops.github.api import pull_requests_allowed

    return _print([pull_requests_allowed(os.environ)])


def _report(arguments: argparse.Namespace) -> int:
    from gitops.github.issue import report_failures

    return _print([report_failures(os.environ)])


def _github_settings(arguments: argparse.Namespace) -> int:
    from gitops.github.settings import settings

    return _print(settings(ROOT, os.environ))


def _lint_workflows(arguments: argparse.Namespace) -> int:
    from gitops.github.lint import lint

    return lint(ROOT)


def _print(lines: Iterable[str]) -> int:
    for line in lines:
        print(line)
    return 0


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError
    return port


_port.__name__ = "port number"


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(prog="python -m gitops", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="run the overlays on this machine until Ctrl-C")
    demo.add_argument("--port", type=_port, default=8080, help="port of the gateway (8080)")
    demo.add_argument("overlays", metavar="OVERLAY", nargs="*", help="folders of overlays/ (all)")
    _add_runtime(demo)
    demo.set_defaults(run=_demo)

    smoke = commands.add_parser("smoke", help="run the overlays, compare their answers, stop")
    smoke.add_argument("overlays", metavar="OVERLAY", nargs="*", help="folders of overlays/ (all)")
    _add_runtime(smoke)
    smoke.set_defaults(run=_smoke)

    check = commands.add_parser("check", help="judge what every kustomization renders")
    check.add_argument("--base", default="", metavar="REV", help="what this revision has too fails nothing")
    check.set_defaults(run=_check)

    diff = commands.add_parser("diff", help="show what this work tree renders otherwise than a revision")
    diff.add_argument("--base", required=True, metavar="REV", help="the revision to compare with")
    diff.add_argument("--output", type=Path, metavar="FILE", help="write the whole here, for a job summary")
    diff.add_argument(
        "--limit", type=int, default=65_536, metavar="N", help="characters at most (a comment: 65536)"
    )
    diff.add_argument("--check", action="store_true", help="tell what the check finds, too")
    diff.set_defaults(run=_diff)

    seal = commands.add_parser(
        "seal",
        help="seal secrets for the cluster",
        description="Values come from standard input (NAME=value), the environment or the terminal, never from "
        "arguments; what is not sealed is written nowhere.",
    )
    seal.add_argument("secrets", metavar="SECRET", nargs="*", help="names of secrets (all)")
    seal.set_defaults(run=_seal)

    seal_cert = commands.add_parser("seal-cert", help="fetch the certificate that secrets are sealed to")
    seal_cert.add_argument(
        "--from", dest="origin", default="", metavar="FILE|URL", help="where from (the cluster of KUBECONFIG)"
    )
    seal_cert.set_defaults(run=_seal_cert)

    scan = commands.add_parser("scan", help="look for secrets in the tree")
    scan.set_defaults(run=_scan)

    train = commands.add_parser("train", help="train the example models and pin their digests")
    train.set_defaults(run=_train)

    promote = commands.add_parser("promote", help="pin a model in an overlay")
    promote.add_argument("overlay", metavar="OVERLAY", help="folder of overlays/")
    promote.add_argument(
        "model", metavar="MODEL", help="models:/name@alias or /version, runs:/…, or s3://… and the like"
    )
    _add_example(promote)
    promote.add_argument("--force", action="store_true", help="even if its columns do not fit a graph")
    promote.set_defaults(run=_promote)

    moved = commands.add_parser(
        "promote-moved", help="promote anew what was promoted from an alias that means another model now"
    )
    moved.set_defaults(run=_promote_moved)

    prepare = commands.add_parser(
        "promotion-prepare", help="fetch what aliases mean by now, with VARIABLES and SECRETS; run none of it"
    )
    prepare.add_argument("folder", type=Path, metavar="FOLDER", help="new folder for the models")
    prepare.set_defaults(run=_promotion_prepare)

    patch = commands.add_parser(
        "promotion-patch", help="run what was prepared, promote it, and write that to a file"
    )
    patch.add_argument("folder", type=Path, metavar="FOLDER", help="what promotion-prepare filled")
    patch.add_argument("patch", type=Path, metavar="PATCH", help="file to write")
    patch.set_defaults(run=_promotion_patch)

    apply = commands.add_parser(
        "promotion-apply", help="write what such a file promotes, and say it as Markdown; run nothing"
    )
    apply.add_argument("patch", type=Path, metavar="PATCH", help="what promotion-patch wrote")
    apply.set_defaults(run=_promotion_apply)

    overlay = commands.add_parser("new-overlay", help="add a deployment of one node to overlays/")
    overlay.add_argument("--type", default="MODEL", help="type of the graph node (MODEL)")
    overlay.add_argument("--model", default="", help="promote this model into it, as promote does")
    _add_example(overlay)
    overlay.add_argument("name", metavar="NAME", help="name of the folder, the node and the deployment")
    overlay.set_defaults(run=_new_overlay)

    adopt = commands.add_parser(
        "adopt", help="name another owner, repository and bucket wherever one is named"
    )
    adopt.add_argument("owner", metavar="OWNER", help="account of GitHub")
    adopt.add_argument("repo", metavar="REPO", help="its repository")
    adopt.add_argument("bucket", metavar="BUCKET", help="S3 bucket that models are fetched from")
    adopt.set_defaults(run=_adopt)

    release.add(commands)

    comment = commands.add_parser("comment", help="keep a pull request's one comment up to date")
    comment.add_argument("number", metavar="NUMBER", help="the pull request's number")
    comment.add_argument("body", type=Path, metavar="FILE", help="Markdown; empty for nothing to say")
    comment.set_defaults(run=_comment)

    proposal = commands.add_parser("pull-request", help="propose what changed in the work tree")
    proposal.add_argument(
        "--void",
        default="",
        metavar="close",
        help="close the branch's open pull request where nothing changed",
    )
    proposal.add_argument(
        "branch", metavar="BRANCH", help="the bot's branch; what others committed to it stays"
    )
    proposal.add_argument("title", metavar="TITLE", help="title of the commit and the pull request")
    proposal.add_argument("body", type=Path, metavar="FILE", help="its text in Markdown")
    proposal.set_defaults(run=_pull_request)

    report = commands.add_parser("report", help="keep the one issue of scheduled workflows up to date")
    report.set_defaults(run=_report)

    settings = commands.add_parser(
        "github-settings", help="set what the workflows rest on in the repository on GitHub"
    )
    settings.set_defaults(run=_github_settings)

    allowed = commands.add_parser(
        "pull-requests-allowed", help="say whether GITHUB_TOKEN may make pull requests"
    )
    allowed.set_defaults(run=_pull_requests_allowed)

    workflows = commands.add_parser("lint-workflows", help="run actionlint and zizmor")
    workflows.set_defaults(run=_lint_workflows)
    return top


def _add_example(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--example",
        default="",
        metavar="FILE|none",
        help="run the model on this request (its input example), or on none and compare no answer",
    )


def _add_runtime(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--runtime",
        choices=("server", "seldon-core"),
        default="server",
        help="what answers in the containers: the server, or its component class in the stock wrapper (server)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code (gitops.errors)."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        return int(arguments.run(arguments))
    except GitopsError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
