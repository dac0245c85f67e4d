"""Judging a whole tree, and telling a person about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from gitops.check.policies import FOLDER_POLICIES, SHAPE_POLICIES, TREE_POLICIES
from gitops.check.policy import Breach, Finding, Policy
from gitops.check.rendered import BASE, Rendered
from gitops.check.tree import Tree, load
from gitops.manifests import title


def check(root: Path, out: TextIO) -> int:
    """Judge the tree below ``root``; write one line for each kustomization that is fine, else its findings.

    Returns:
        1 if an error was found, else 0. Warnings are written and change nothing.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    tree = load(root)
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings(tree):
        found[finding.folder].append(finding)
    for folder in sorted({*tree.kustomizations, *found}):
        if not any(finding.level == "error" for finding in found[folder]):
            out.write(f"ok {folder}: {_summary(tree, folder)}\n")
        for finding in found[folder]:
            out.write(f"{finding}\n")
    errors = sum(finding.level == "error" for entries in found.values() for finding in entries)
    if errors:
        out.write(
            f"{errors} {'error' if errors == 1 else 'errors'} in {len(tree.kustomizations)} kustomizations\n"
        )
    return int(errors > 0)


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
        for breach in policy.judge(tree):
            misshapen.add(breach.folder)
            yield _finding(policy, breach, breach.folder)
    sound = tree.without(misshapen)
    for policy in tree_policies:
        for breach in policy.judge(sound):
            yield _finding(policy, breach, breach.folder)
    for folder, rendered in sound.rendered.items():
        if folder == BASE:
            continue
        for folder_policy in folder_policies:
            for breach in folder_policy.judge(rendered):
                yield _finding(folder_policy, breach, folder)


def _finding(policy: Policy[Tree] | Policy[Rendered], breach: Breach, folder: str) -> Finding:
    return Finding(folder, policy.id, policy.reason, policy.level, breach)


def _summary(tree: Tree, folder: str) -> str:
    """Return what a kustomization is good for: its objects, or who uses it."""
    users = tree.users(folder)
    if users:
        return f"builds as a part of {', '.join(users)}"
    if folder == BASE:
        return "builds; judged as a part of the overlays"
    objects = ", ".join(title(entry) for entry in tree.rendered[folder].objects) or "renders nothing"
    return f"builds upon {tree.trials[folder]}: {objects}" if folder in tree.trials else objects
