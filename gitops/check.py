"""``python -m gitops check``: every kustomization builds, and what it renders keeps the policies."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from gitops.command import Item, Run, add_json, write_json
from gitops.git import resolve_revision
from gitops.manifests.rendered import BASE
from gitops.manifests.seldondeployment import title
from gitops.manifests.tree import Tree
from gitops.policies.evaluation import causes, evaluate
from gitops.policies.policy import Finding
from gitops.progress import step
from gitops.terminal import paint


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument(
        "--base", default="", metavar="REV", help="findings that this revision has too fail nothing"
    )
    add_json(parser)

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return check(root, sys.stdout, arguments.base, as_json=arguments.json)

    return run


def check(root: Path, out: TextIO, base: str = "", *, as_json: bool = False) -> int:
    """Judge the tree below ``root``; write one line for each kustomization that is fine, else its findings.

    As a change of the revision ``base`` it is judged by what is new: what ``base`` has too is marked and fails nothing.

    Returns:
        1 if an error was found, else 0. Warnings are written and change nothing.

    Raises:
        BadArgument, NoBase: there is no such revision.
        ToolNotBuilt: kustomize cannot be had.
    """
    with ExitStack() as stack:
        before, name = None, ""
        if base:
            revision = resolve_revision(root, base)
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="check-"))
            before, name = revision.write(Path(scratch)), revision.title
        with step("render every kustomization and judge it"):
            tree, found = evaluate(root, before, name)
    if as_json:
        failed = any(finding.fails for finding in found)
        entries = (entry.item if isinstance(entry, Finding) else entry for entry in _statements(tree, found))
        write_json("check", entries, out, ok=not failed)
        return int(failed)
    return _tell(tree, found, out)


def _statements(tree: Tree, found: Sequence[Finding]) -> Iterator[Item | Finding]:
    """Yield what is said of each kustomization, in the order of their folders, and the findings of each after it."""
    others = causes(tree, found)
    wrong = {folder for finding in found if finding.level == "error" for folder in finding.folders}
    for folder in sorted({*tree.kustomizations, *(finding.folder for finding in found)}):
        if folder in others:
            yield Item("unknown", "kustomization", folder, f"is made of {others[folder]}")
        elif folder in tree.kustomizations and folder not in wrong:
            if tree.users(folder) or folder in tree.rendered:
                yield Item("ok", "kustomization", folder, _summary(tree, folder))
            else:
                message = "no overlay is there that it could be tried upon"
                yield Item("unknown", "kustomization", folder, message, "make new-overlay NAME=…")
        yield from (finding for finding in found if finding.folder == folder)


def _tell(tree: Tree, found: Sequence[Finding], out: TextIO) -> int:
    for entry in _statements(tree, found):
        if isinstance(entry, Finding):
            out.write(f"{paint(str(entry), out)}\n")
        elif entry.level == "ok":
            out.write(f"{paint(f'ok {entry.place}', out)}: {entry.message}\n")
        else:
            out.write(f"not built {entry.place}: {entry.message}{f' (`{entry.fix}`)' if entry.fix else ''}\n")
    errors = sum(finding.fails for finding in found)
    old = sum(finding.level == "error" for finding in found) - errors
    also = f", and {old} that {'was' if old == 1 else 'were'} there before" if old else ""
    if errors or old:
        out.write(
            f"{errors or 'no'} {'error' if errors == 1 else 'errors'} in {len(tree.kustomizations)} kustomizations{also}\n"
        )
    return int(errors > 0)


def _summary(tree: Tree, folder: str) -> str:
    """Return what a kustomization is good for: its objects, or who uses it."""
    users = tree.users(folder)
    if users:
        return f"builds as a part of {', '.join(users)}"
    if folder == BASE:
        return "builds; judged as a part of the overlays"
    objects = ", ".join(title(entry) for entry in tree.rendered[folder].objects) or "renders nothing"
    return f"builds upon {tree.compositions[folder]}: {objects}" if folder in tree.compositions else objects
