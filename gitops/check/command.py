"""Judging a whole tree, and telling a person about it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from gitops.check.policies import FOLDER_POLICIES, SHAPE_POLICIES, TREE_POLICIES
from gitops.check.policy import Breach, Finding, Policy, Subject, grouped
from gitops.errors import GitopsError
from gitops.git import resolve_revision
from gitops.manifests.rendered import BASE, Rendered
from gitops.manifests.seldondeployment import title
from gitops.manifests.tree import Tree, load


def check(root: Path, out: TextIO, base: str = "") -> int:
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
        return _tell(*judged(root, before, name), out)


def judged(
    root: Path, before: Path | None = None, name: str = "", *, warnings: bool = False
) -> tuple[Tree, list[Finding]]:
    """Return the tree below ``root`` and what breaks its policies, with the findings of one cause as one.

    What the tree below ``before`` has too carries its ``name``. That tree is judged where errors are found, with
    ``warnings`` where anything is.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    tree = load(root, before)
    found = list(_once(tree, findings(tree)))
    if before and any(warnings or finding.fails for finding in found):
        known = {finding.identity for finding in findings(load(before))}
        found = [replace(finding, before=name) if finding.identity in known else finding for finding in found]
    return tree, grouped(sorted(found, key=lambda finding: finding.folder))


def _tell(tree: Tree, found: Sequence[Finding], out: TextIO) -> int:
    causes = tree.causes()
    wrong = {folder for finding in found if finding.level == "error" for folder in finding.folders}
    for folder in sorted({*tree.kustomizations, *(finding.folder for finding in found)}):
        if folder in causes:
            out.write(f"not built {folder}: is made of {causes[folder]}\n")
        elif folder in tree.kustomizations and folder not in wrong:
            out.write(f"ok {folder}: {_summary(tree, folder)}\n")
        for finding in found:
            if finding.folder == folder:
                out.write(f"{finding}\n")
    errors = sum(finding.fails for finding in found)
    old = sum(finding.level == "error" for finding in found) - errors
    also = f", and {old} that {'was' if old == 1 else 'were'} there before" if old else ""
    if errors or old:
        out.write(
            f"{errors or 'no'} {'error' if errors == 1 else 'errors'} in {len(tree.kustomizations)} kustomizations{also}\n"
        )
    return int(errors > 0)


def _once(tree: Tree, found: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings, of a component that is tried upon an overlay only those that the overlay does not have."""
    entries = list(found)
    said = {entry.identity for entry in entries}
    for entry in entries:
        if (tree.trials.get(entry.folder, ""), *entry.identity[1:]) not in said:
            yield entry


def findings(
    tree: Tree,
    shape_policies: Iterable[Policy[Tree]] = SHAPE_POLICIES,
    tree_policies: Iterable[Policy[Tree]] = TREE_POLICIES,
    folder_policies: Sequence[Policy[Rendered]] = FOLDER_POLICIES,
) -> Iterator[Finding]:
    """Yield what breaks the policies: what concerns the whole tree first, then folder by folder.

    A folder with an object that is not of its kind's shape is judged no further: the policies rely on it.
    """
    misshapen = set()
    for policy in shape_policies:
        for finding in _judged(policy, tree, ""):
            misshapen.add(finding.folder)
            yield finding
    sound = tree.without(misshapen)
    for policy in tree_policies:
        yield from _judged(policy, sound, "")
    for folder, rendered in sound.rendered.items():
        if folder != BASE:
            for folder_policy in folder_policies:
                yield from _judged(folder_policy, rendered, folder)


def _judged(policy: Policy[Subject], subject: Subject, folder: str) -> Iterator[Finding]:
    """Yield what ``policy`` finds; where it cannot judge that is a finding too, and the others judge on."""
    try:
        for breach in policy.judge(subject):
            yield Finding(breach.folder or folder, policy.id, policy.reason, policy.level, breach)
    except GitopsError:
        raise
    except Exception as error:  # noqa: BLE001 one file that nobody foresaw must not hide what the others have
        said = " ".join(f"{type(error).__name__}: {error}".split())
        breach = Breach(
            f"policy {policy.id}",
            f"cannot judge this: {said}",
            "correct what is unusual there, and report this as a fault of the check",
        )
        yield Finding(folder or ".", policy.id, policy.reason, "error", breach)


def _summary(tree: Tree, folder: str) -> str:
    """Return what a kustomization is good for: its objects, or who uses it."""
    users = tree.users(folder)
    if users:
        return f"builds as a part of {', '.join(users)}"
    if folder == BASE:
        return "builds; judged as a part of the overlays"
    objects = ", ".join(title(entry) for entry in tree.rendered[folder].objects) or "renders nothing"
    return f"builds upon {tree.trials[folder]}: {objects}" if folder in tree.trials else objects
