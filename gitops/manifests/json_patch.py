"""JSON6902 operations for what a strategic merge patch of a SeldonDeployment means.

The CRD has no merge keys, so Kustomize replaces each list that such a patch names. Here lists are merged by the keys
that they have in Kubernetes and in Seldon Core; each operation goes through indexes that a ``test`` operation holds.
Source: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gitops.errors import BadManifest
from gitops.manifests.unstructured import nested_list

# Lists with a key; a patch replaces any other as a whole, in Kubernetes too.
_KEYS: Mapping[str, str] = {
    "predictors": "name",
    "children": "name",
    "parameters": "name",
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "hostAliases": "ip",
}
# Its entries have no name of their own: a pod is known by its containers.
_PODS = "componentSpecs"
# One of several fields holds what an entry is.
_UNIONS = ("env", "volumes")
# What an entry cannot be without, so that one without it is no new entry.
_REQUIRED = {"predictors": "graph", "containers": "image", "initContainers": "image"}
_DIRECTIVE = "$patch"

Operation = dict[str, Any]


def replaces(before: Mapping[str, Any], patch: Mapping[str, Any]) -> list[str]:
    """Return the paths of the lists of ``before`` that ``patch`` replaces without repeating all that is in them."""
    found: list[str] = []
    for key, value in patch.items():
        old = before.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            found += [f"{key}.{path}" for path in replaces(old, value)]
        elif isinstance(value, list) and isinstance(old, list) and not _repeats(key, old, value):
            found.append(key)
    return found


def names_keyed_list(patch: Any) -> bool:
    """Whether a patch names a list whose entries have keys."""
    return isinstance(patch, Mapping) and any(
        names_keyed_list(value) if isinstance(value, Mapping) else isinstance(value, list) and _is_keyed(key)
        for key, value in patch.items()
    )


def operations(before: Mapping[str, Any], patch: Mapping[str, Any]) -> list[Operation]:
    """Return what changes ``before`` as ``patch`` means: first the tests, then the changes; none where nothing changes.

    Raises:
        BadManifest: an entry of a list cannot be told; the message starts with its path.
    """
    writer = _Writer()
    writer.merge(before, patch, "", ())
    tests = [{"op": "test", "path": path, "value": value} for path, value in writer.tests.items()]
    return [*tests, *writer.changes, *sorted(writer.removals, key=_depth_and_index, reverse=True)]


def _depth_and_index(operation: Operation) -> tuple[int, int]:
    """Return what removals are sorted by: each moves the entries behind it, and takes those in it along."""
    path = operation["path"].split("/")
    return len(path), int(path[-1])


def _is_keyed(key: str) -> bool:
    return key in _KEYS or key == _PODS


def _repeats(key: str, old: Sequence[Any], new: Sequence[Any]) -> bool:
    """Whether the list ``new`` of the field ``key`` has all that is in ``old``; a list without keys is meant as it stands."""
    if not _is_keyed(key):
        return True
    try:
        places = [_place(key, old, entry, key) for entry in new]
    except BadManifest:
        return False
    return set(range(len(old))) <= {place for place in places if place is not None} and all(
        place is None or _has(old[place], entry) for place, entry in zip(places, new, strict=True)
    )


def _has(old: Any, new: Any) -> bool:
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return True
    return all(
        name in new
        and (
            _repeats(name, value, new[name])
            if isinstance(value, list) and isinstance(new[name], list)
            else _has(value, new[name])
        )
        for name, value in old.items()
    )


def _place(key: str, old: Sequence[Any], entry: Any, path: str) -> int | None:
    """Return which entry of the list ``old`` is meant, None where ``entry`` is another one.

    Raises:
        BadManifest: that cannot be told.
    """
    if not isinstance(entry, Mapping):
        raise BadManifest(f"{path} is {entry!r}: must be an object")
    known = [_identity(key, each) for each in old]
    names = _identity(key, entry)
    place = next((index for index, each in enumerate(known) if names & each), None)
    if place is not None:
        return place
    # An entry that says no name can mean the only one there is.
    if not names and len(old) == 1:
        return 0
    if names and _is_whole(key, entry):
        return None
    has = ", ".join(str(name) for each in known for name in sorted(each, key=str))
    what = f"is named {', '.join(sorted(map(str, names)))}" if names else "has no name"
    must = (
        f"must be one of {has}"
        if has
        else "patch it where it comes from: replacements fill it after the patches"
    )
    raise BadManifest(f"{path.strip('/').replace('/', '.')} {what}: {must}")


def _is_whole(key: str, entry: Mapping[str, Any]) -> bool:
    """Whether an entry can stand for itself."""
    if key == _PODS:
        return all(_is_whole("containers", each) for each in nested_list(entry, "spec", "containers"))
    return _REQUIRED.get(key, "name") in entry or key not in _REQUIRED


def _identity(key: str, entry: Any) -> set[Any]:
    """Return what an entry of the list ``key`` is known by."""
    if key == _PODS:
        lists = (nested_list(entry, "spec", name) for name in ("containers", "initContainers"))
        return {
            each["name"] for found in lists for each in found if isinstance(each, Mapping) and "name" in each
        }
    name = entry.get(_KEYS[key]) if isinstance(entry, Mapping) else None
    return set() if name is None or isinstance(name, (Mapping, list)) else {name}


@dataclass
class _Writer:
    """The operations so far. ``tests`` are by their path."""

    tests: dict[str, Any] = field(default_factory=dict)
    changes: list[Operation] = field(default_factory=list)
    removals: list[Operation] = field(default_factory=list)

    def merge(
        self, old: Mapping[str, Any], new: Mapping[str, Any], path: str, tests: tuple[tuple[str, Any], ...]
    ) -> None:
        """Write what makes ``old``, at ``path``, what ``new`` says of it, behind ``tests``."""
        for key, value in new.items():
            place = f"{path}/{_escaped(str(key))}"
            if str(key).startswith("$"):
                raise BadManifest(
                    f"{place.strip('/').replace('/', '.')} is a directive of a strategic merge patch, which has no operation"
                )
            if value is None:
                if key in old:
                    self._write(tests, op="remove", path=place)
            elif old.get(key) is None:
                self._write(tests, op="add", path=place, value=value)
            elif isinstance(value, Mapping) and isinstance(old[key], Mapping):
                self.merge(old[key], value, place, tests)
            elif isinstance(value, list) and isinstance(old[key], list) and _is_keyed(key):
                self._list(key, old[key], value, place, tests)
            elif value != old[key]:
                self._write(tests, op="replace", path=place, value=value)

    def _list(
        self, key: str, old: list[Any], new: list[Any], path: str, tests: tuple[tuple[str, Any], ...]
    ) -> None:
        for index, entry in enumerate(new):
            at = _place(key, old, entry, f"{path}[{index}]")
            if at is None:
                self._write(tests, op="add", path=f"{path}/-", value=entry)
                continue
            place, through = f"{path}/{at}", (*tests, *_test(key, old[at], f"{path}/{at}"))
            if entry.get(_DIRECTIVE) == "delete":
                self.removals.append({"op": "remove", "path": place})
                self.tests.update(through)
            elif key in _UNIONS and entry.keys() != old[at].keys():
                self._write(through, op="replace", path=place, value=entry)
            else:
                self.merge(old[at], entry, place, through)

    def _write(self, tests: tuple[tuple[str, Any], ...], **operation: Any) -> None:
        self.tests.update(tests)
        self.changes.append(operation)


def _test(key: str, entry: Mapping[str, Any], path: str) -> list[tuple[str, Any]]:
    """Return what an entry of the list ``key`` at ``path`` is tested for: where it is known by it, and its value."""
    if key != _PODS:
        return [(f"{path}/{_KEYS[key]}", entry[_KEYS[key]])] if _KEYS[key] in entry else []
    containers = nested_list(entry, "spec", "containers")
    return [(f"{path}/spec/containers/0/name", containers[0]["name"])] if containers else []


def _escaped(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")
