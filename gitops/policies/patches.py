"""The policy about patches.

The CRD of SeldonDeployment has no merge keys, so Kustomize replaces each list that a strategic merge patch names.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from gitops.errors import BadManifest, BuildFailed
from gitops.manifests.json_patch import Operation, names_keyed_list, operations, replaces
from gitops.manifests.merge_patch import MergePatch, merge_patches, without
from gitops.manifests.rendered import Rendered, render
from gitops.manifests.seldondeployment import KIND
from gitops.manifests.tree import Tree, write_copy
from gitops.policies.policy import Violation, policy
from gitops.policies.targets import SHOWN
from gitops.redaction import Redactor

_PAGE = "docs/overlays.md"
_WIDTH = 110


@policy
def merge_patch(tree: Tree) -> Iterator[Violation]:
    """A patch leaves alone what it does not name: a strategic merge patch replaces the lists of a SeldonDeployment."""
    patches = {
        folder: found
        for folder, entry in tree.kustomizations.items()
        if (found := list(merge_patches(entry, tree.root / folder)))
    }
    if not patches:
        return
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        write_copy(tree, root)
        for folder, found in patches.items():
            entry = tree.kustomizations[folder]
            content = without(entry.raw, found)
            content["patches"] = [*(content.get("patches") or ()), SHOWN]
            (root / entry.file).write_text(yaml.safe_dump(content))
        for folder, found in patches.items():
            before = _render(tree, folder, root)
            built = not any(
                isinstance(tree.failures.get(entry), BuildFailed) for entry in (folder, *tree.users(folder))
            )
            for patch in found:
                violation = _violation(patch, before, tree.kustomizations[folder].file, built=built)
                if violation:
                    yield Violation(*violation, folder)


def _render(tree: Tree, folder: str, root: Path) -> Sequence[Mapping[str, Any]]:
    """Return the SeldonDeployments of the first build with ``folder`` in the copy ``root``, none where it fails."""
    component = tree.kustomizations[folder].is_component
    # Also one that does not build for another's fault.
    places = [root / user for user in tree.users(folder)] if component else [root / folder]
    if component and not places:
        places = tree.places(folder, root)
    found = render(root, places[0].relative_to(root).as_posix()) if places else None
    return [entry.raw for entry in found.deployments] if isinstance(found, Rendered) else []


def _violation(
    patch: MergePatch, before: Sequence[Mapping[str, Any]], file: str, *, built: bool
) -> tuple[str, str, str] | None:
    """Return owner, value and fix, None where the patch replaces no list, or the build says why it changes nothing."""
    selected = [entry for entry in before if patch.selects(entry["metadata"]["name"])]
    what = f"{patch.place} is a strategic merge patch of {f'{KIND} {patch.name}' if patch.name else f'its target, a {KIND}'}"
    if not selected:
        if not (built and names_keyed_list(patch.content)):
            return None
        return file, f"{what}, whose lists it replaces", f"write it as JSON6902 operations ({_PAGE})"
    (entry, *_) = selected
    content = _changes(patch)
    lists = replaces(entry, content)
    if not lists:
        return None
    value = f"{what}: it replaces the list {' and the list '.join(lists)} with all that is in it"
    try:
        changes = operations(entry, content)
    except BadManifest as error:
        return file, f"{value}; {error}", f"correct that, and write it as JSON6902 operations ({_PAGE})"
    if not changes:
        return file, value, "remove it: without it the same is rendered"
    return (
        file,
        value,
        f"write this under patches in its place ({_PAGE}):\n{_pasted(patch.selector, changes)}",
    )


def _changes(patch: MergePatch) -> dict[str, Any]:
    """Return what the patch changes, without what names its object, and without credentials."""
    metadata = patch.content.get("metadata")
    content = {
        key: value for key, value in patch.content.items() if key not in ("apiVersion", "kind", "metadata")
    }
    if isinstance(metadata, Mapping):
        content["metadata"] = {
            key: value for key, value in metadata.items() if key not in ("name", "namespace")
        }
    return Redactor().hide(content)


def _pasted(selector: Mapping[str, Any], changes: Sequence[Operation]) -> str:
    """Return the entry of patches, indented as it stands in a kustomization.yaml."""
    lines = [f"- target: {_flow(selector)}", "  patch: |-"]
    for change in changes:
        line = f"- {_flow(change)}"
        if len(line) > _WIDTH:
            line = "\n  ".join(
                f"{key}: {_flow({key: value})[len(key) + 3 : -1]}" for key, value in change.items()
            )
            line = f"- {line}"
        lines += [f"    {entry}" for entry in line.splitlines()]
    return "\n".join(lines)


def _flow(value: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(value), default_flow_style=True, sort_keys=False, width=10**6).strip()
