"""The rendered objects of both checkouts, matched by identity, and their unified diffs."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from gitops.diff.fields import GENERATED_KINDS, name_without_hash
from gitops.manifests.seldondeployment import is_seldon_deployment, title
from gitops.redaction import Redactor

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """An object before and after, without secret values; ``before`` is None for a new one, ``after`` for one that is gone."""

    before: Entry | None
    after: Entry | None

    @property
    def kind(self) -> str:
        """The object's kind."""
        return str((self.after or self.before or {}).get("kind"))

    @property
    def title(self) -> str:
        """How messages name the object: kind and name, of a generated one without the hash."""
        entry = self.after or self.before or {}
        return (
            f"{entry.get('kind')} {name_without_hash(title(entry).partition(' ')[2])}"
            if _generated(entry)
            else title(entry)
        )

    @property
    def diff(self) -> str:
        """The unified diff of the two as YAML with sorted keys."""
        lines = difflib.unified_diff(
            _lines(self.before), _lines(self.after), _name(self.before), _name(self.after), lineterm=""
        )
        return "\n".join(lines)


def changes(before: Iterable[Entry], after: Iterable[Entry]) -> list[Change]:
    """Return the objects that differ: in the order of ``after``, what is gone last."""
    old = {_identity(entry): entry for entry in before}
    new = {_identity(entry): entry for entry in after}
    renamed = dict(_renamed(old, new))
    matched = [(old.get(renamed.get(key, key)), entry) for key, entry in new.items()]
    gone = [(entry, None) for key, entry in old.items() if key not in new and key not in renamed.values()]
    return [hidden(*pair) for pair in (*matched, *gone) if pair[0] != pair[1]]


def _renamed(old: Mapping[Any, Entry], new: Mapping[Any, Entry]) -> Iterator[tuple[Any, Any]]:
    """Yield the new and the old identity of objects that have another name for a reason.

    These are the one SeldonDeployment of an overlay and what is named after it or its node, generated ones whose content
    changed, and what moved to another namespace.
    """
    lost = [key for key in old if key not in new]
    added = [key for key in new if key not in old]
    deployments = [[key for key in side if is_seldon_deployment(side[key])] for side in (old, new)]
    names: list[tuple[str, str]] = []
    if [len(side) for side in deployments] == [1, 1]:
        (one,), (other,) = deployments
        names = list(zip(_names(old[one]), _names(new[other]), strict=True))
        if one in lost and other in added:
            yield other, one
    for key in added:
        if is_seldon_deployment(new[key]):
            continue
        for alike in (
            [entry for entry in lost if entry[:-1] == key[:-1] and _named(entry, key)],
            # The same in another namespace.
            [entry for entry in lost if entry[:-2] == key[:-2] and _named(entry, key)],
            [entry for entry in lost if entry[:-2] == key[:-2] and _named_after(entry, key, names)],
        ):
            if len(alike) == 1:
                yield key, alike[0]
                break


def _names(deployment: Entry) -> tuple[str, str]:
    """Return the name of a deployment and that of its first predictor, which is its node's where it has only one."""
    predictors = (deployment.get("spec") or {}).get("predictors") or [{}]
    return str((deployment.get("metadata") or {}).get("name")), str(predictors[0].get("name"))


def _named_after(old: tuple[str, ...], new: tuple[str, ...], names: list[tuple[str, str]]) -> bool:
    """Whether an object has the name that it gets when what it is named after is renamed; a claim is another one then."""
    if new[1] == "PersistentVolumeClaim":
        return False
    message = [name_without_hash(name) if new[1] in GENERATED_KINDS else name for name in (old[-1], new[-1])]
    return any(
        f"{message[0]}-".startswith(f"{was}-") and message[0].replace(was, now, 1) == message[1]
        for was, now in names
    )


def _named(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    """Whether two identities have the same name, of generated objects without its hash."""
    return old[-1] == new[-1] or (
        new[1] in GENERATED_KINDS and name_without_hash(old[-1]) == name_without_hash(new[-1])
    )


def _generated(entry: Entry) -> bool:
    return entry.get("kind") in GENERATED_KINDS


def _identity(entry: Entry) -> tuple[str, str, str, str]:
    group = str(entry.get("apiVersion", "")).rpartition("/")[0]
    metadata = entry.get("metadata") or {}
    return group, str(entry.get("kind")), str(metadata.get("namespace")), str(metadata.get("name"))


def hidden(before: Entry | None, after: Entry | None) -> Change:
    """Return the change of an object without secret values."""
    hider = Redactor()
    return Change(before and shorten_hashes(hider.hide(before)), after and shorten_hashes(hider.hide(after)))


def _name(entry: Entry | None) -> str:
    return title(entry) if entry else "/dev/null"


def _lines(entry: Entry | None) -> list[str]:
    if entry is None:
        return []
    text = yaml.dump(entry, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=10_000)
    return text.splitlines()


class _Dumper(yaml.CSafeDumper):
    """YAML for reading: text of several lines as a block, nothing as an alias of something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
_HASHES = re.compile(r"(?: *\\\n +--hash=sha256:[0-9a-f]{64})+")


def shorten_hashes(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a rendered object with the hashes in its locks, hundreds of lines, counted in place of shown."""
    if entry.get("kind") != "ConfigMap" or not isinstance(entry.get("data"), Mapping):
        return entry
    short = {
        key: _HASHES.sub(_counted, text) if isinstance(text, str) else text
        for key, text in entry["data"].items()
    }
    return {**entry, "data": short}


def _counted(run: re.Match[str]) -> str:
    files = run[0].count("--hash=")
    return (
        f"  # {files} hashes, of which the hash begins with {hashlib.sha256(run[0].encode()).hexdigest()[:8]}"
    )
