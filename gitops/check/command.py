"""Judging a whole tree, and telling a person about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from gitops.check.policies import FOLDER_POLICIES, SHAPE_POLICIES, TREE_POLICIES
from gitops.check.policy import Breach, Finding, Policy, Subject, grouped
from gitops.check.rendered import BASE, Rendered
from gitops.check.tree import Tree, load
from gitops.errors import GitopsError
from gitops.manifests import title


def check(root: Path, out: TextIO) -> int:
    """Judge the tree below ``root``; write one line for each kustomization that is fine, else its findings.

    Returns:
        1 if an error was found, else 0. Warnings are written and change nothing.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    tree = load(root)
    found = grouped(sorted(_once(tree, findings(tree)), key=lambda finding: finding.folder))
    wrong = {folder for finding in found if finding.level == "error" for folder in finding.folders}
    for folder in sorted({*tree.kustomizations, *(finding.folder for finding in found)}):
        if folder in tree.failures and tree.cause(folder):
            out.write(f"not built {folder}: is made of {tree.cause(folder)}\n")
        elif folder in tree.kustomizations and folder not in wrong:
            out.write(f"ok {folder}: {_summary(tree, folder)}\n")
        for finding in found:
            if finding.folder == folder:
                out.write(f"{finding}\n")
    errors = sum(finding.level == "error" for finding in found)
    if errors:
        out.write(
            f"{errors} {'error' if errors == 1 else 'errors'} in {len(tree.kustomizations)} kustomizations\n"
        )
    return int(errors > 0)


def _once(tree: Tree, found: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings, of a component that is tried upon an overlay only those that the overlay does not have."""
    entries = list(found)
    said = {(entry.folder, entry.id, entry.breach.owner, entry.breach.value) for entry in entries}
    for entry in entries:
        overlay = tree.trials.get(entry.folder, "")
        if (overlay, entry.id, entry.breach.owner, entry.breach.value) not in said:
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
