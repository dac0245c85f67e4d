"""Every command, by what a person does with it, with examples; --help and docs/commands.md show them.

This is all that a parser needs to know of a command before it runs: no other module is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Command:
    """A command: ``declare`` is the function that declares its arguments (gitops.command), as MODULE:FUNCTION.

    ``examples`` are arguments, each with what they do.
    """

    declare: str
    summary: str
    examples: Mapping[str, str] = field(default_factory=dict)


GROUPS: Mapping[str, Mapping[str, Command]] = {
    "Run here": {
        "demo": Command(
            "gitops.local.commands:demo_command",
            "run the overlays on this machine until Ctrl-C",
            {
                "": "every overlay, at http://127.0.0.1:8080",
                "--port 8081 model preprocessor": "two of them, on another port",
                "--runtime seldon-core --monitoring 1": "by Seldon's own wrapper, with a Prometheus beside them",
            },
        ),
        "smoke": Command(
            "gitops.local.commands:smoke_command",
            "run the overlays, compare their answers with expected.json, stop",
            {"": "every overlay", "model": "one of them"},
        ),
        "train": Command(
            "gitops.promote.train:command",
            "train the example models and pin their digests",
            {"": "after a change of examples/iris/train.py"},
        ),
        "doctor": Command(
            "gitops.doctor.command:command",
            "say what is missing or needs care on this machine, in this fork and in the cluster of KUBECONFIG",
            {"": "without KUBECONFIG: of machine and fork alone", "--json": "for a program"},
        ),
    },
    "Check and review": {
        "check": Command(
            "gitops.check:command",
            "check what every kustomization renders against the policies",
            {
                "": "all that is wrong",
                "--base main": "as a pull request is judged: what main has too fails nothing",
                "--json": "for a program",
            },
        ),
        "diff": Command(
            "gitops.diff.command:command",
            "show what this work tree renders differently from a revision",
            {
                "--base main": "as a reviewer reads it",
                "--base main --output report.md --check 1": "whole, in a file, with what check finds",
                "--base HEAD~1 --json": "for a program",
            },
        ),
        "scan": Command(
            "gitops.scan:command",
            "look for secrets in the tree",
            {"": "all files that git has or would take", "--json": "for a program"},
        ),
        "lint-workflows": Command(
            "gitops.github.lint:command", "run actionlint and zizmor", {"": "all workflows"}
        ),
    },
    "Models": {
        "new-overlay": Command(
            "gitops.promote.new_overlay:command",
            "add a deployment of one node to overlays/",
            {
                "churn --model models:/churn@champion": "with the model that the alias means now",
                "churn --model s3://models/churn/8 --example request.json": "tried on a request of yours",
                "scaler --type TRANSFORMER": "to promote a model into later",
            },
        ),
        "promote": Command(
            "gitops.promote.promotion:command",
            "pin a model in an overlay",
            {
                "churn models:/churn/9": "a version of the registry",
                "churn s3://models/churn/9": "a folder of a bucket",
                "churn models:/churn/9 --force 1": "although its columns do not fit a graph",
            },
        ),
        "promote-aliases": Command(
            "gitops.promote.aliases:command",
            "promote again each model whose alias names another version",
            {"": "what was promoted as models:/name@alias"},
        ),
        "new-graph": Command(
            "gitops.promote.new_graph:command",
            "add a graph of overlays of one node to overlays/",
            {"churn-pipeline scaler,churn,labels": "in the order that a request, then its answer, pass them"},
        ),
        "graph-answer": Command(
            "gitops.promote.graph_answer:command",
            "run a graph on this machine and write its answer to its expected.json",
            {"pipeline": "after one of its nodes has another model"},
        ),
    },
    "Secrets": {
        "seal": Command(
            "gitops.seal.command:command",
            "seal secrets for the cluster",
            {"": "all that the overlays need", "mrx-ghcr": "one of them"},
        ),
        "seal-cert": Command(
            "gitops.seal.command:certificate_command",
            "fetch the certificate that secrets are sealed to",
            {"": "from the cluster of KUBECONFIG", "--from certificate.pem": "from a file, or a URL"},
        ),
    },
    "Fork and cluster": {
        "up": Command(
            "gitops.up.command:command",
            "do all that leads from a fork to models that answer",
            {
                "--bucket acme-models --dry-run 1": "say what would be done",
                "--bucket acme-models": "do it; again, it goes on from where it stopped",
            },
        ),
        "adopt": Command(
            "gitops.adopt:command",
            "write site.yaml, and the new names wherever else the tree has the old ones",
            {
                "acme models acme-models": "github.com/acme/models, and s3://acme-models",
                "acme models acme-models --examples no": "without the example models",
            },
        ),
        "github-settings": Command(
            "gitops.github.settings:command",
            "configure the repository on GitHub as the workflows need it",
            {"": "DRY_RUN=1 in the environment only says what differs"},
        ),
    },
    "Release": {
        "release-plan": Command(
            "gitops.release.plan:command",
            "tell whether the image must be built",
            {"": "and why", "--json": "for a program"},
        ),
        "release-record": Command(
            "gitops.release.record:command",
            "write the record of a build",
            {"record.json image-amd64.tar image-arm64.tar": "of the images in two OCI archives"},
        ),
        "image-push": Command(
            "gitops.release.registry:push_command",
            "push OCI archives by their digest",
            {"ghcr.io/acme/seldon-mlflow-server image-amd64.tar": "without a tag"},
        ),
        "image-tag": Command(
            "gitops.release.registry:tag_command",
            "tag a pushed image",
            {"ghcr.io/acme/seldon-mlflow-server@sha256:… v1.2.0": "as v1.2.0"},
        ),
        "image-verify": Command(
            "gitops.release.verify:command",
            "verify who built the pinned image, or another one",
            {
                "": "the pinned images",
                "ghcr.io/acme/seldon-mlflow-server@sha256:… --ref refs/tags/v1.2.0": "that of a release",
            },
        ),
        "pin": Command(
            "gitops.release.proposal:command",
            "pin a released image, or tell why not",
            {"sha256:…": "in base", "sha256:… --overlay churn": "in one overlay alone"},
        ),
        "unpin": Command(
            "gitops.release.pin:unpin_command",
            "let an overlay follow the image of base again",
            {"churn": "the overlay churn"},
        ),
    },
    "In workflows": {
        "promotion-prepare": Command(
            "gitops.promote.aliases:fetch_command",
            "fetch the models that aliases name now, with VARIABLES and SECRETS; run none of them",
            {"models": "into the new folder models"},
        ),
        "promotion-patch": Command(
            "gitops.promote.aliases:patch_command",
            "run the fetched models, promote them, and write the promotions to a file",
            {"models promotion.json": "what promotion-prepare has fetched"},
        ),
        "promotion-apply": Command(
            "gitops.promote.patch:command",
            "apply such a file to the overlays, and print it as Markdown; run nothing",
            {"promotion.json": "what promotion-patch has written"},
        ),
        "comment": Command(
            "gitops.github.comment:command",
            "keep a pull request's one comment up to date",
            {"7 report.md": "of the pull request 7"},
        ),
        "pull-request": Command(
            "gitops.github.pull_request:command",
            "propose what changed in the work tree",
            {"promote/aliases 'Promote what aliases mean now' body.md": "branch, title and text"},
        ),
        "pull-requests-allowed": Command(
            "gitops.github.api:command",
            "tell whether GITHUB_TOKEN may create pull requests",
            {"": "of GITHUB_REPOSITORY"},
        ),
        "wait-for-check": Command(
            "gitops.release.checks:command",
            "wait until a commit's check has succeeded on GitHub",
            {"--minutes 30 3f2a9c1d result": "the check result of a commit"},
        ),
        "report": Command(
            "gitops.github.issue:command",
            "keep the one issue of scheduled workflows up to date",
            {"": "with NEEDS of the workflow"},
        ),
    },
}
COMMANDS: Mapping[str, Command] = {
    name: command for commands in GROUPS.values() for name, command in commands.items()
}
