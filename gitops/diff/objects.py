"""The rendered objects of both sides: which became which, and what of them changed line by line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from gitops.diff.generated import KINDS, stem
from gitops.diff.lock import shortened
from gitops.diff.sealed import Hider
from gitops.manifests import is_seldon_deployment, title

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """An object before and after, without secret values; one of the two is None where it is new or gone."""

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
            f"{entry.get('kind')} {stem(title(entry).partition(' ')[2])}"
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
    return [_hidden(*pair) for pair in (*matched, *gone) if pair[0] != pair[1]]


def _renamed(old: Mapping[Any, Entry], new: Mapping[Any, Entry]) -> Iterator[tuple[Any, Any]]:
    """Yield the new and the old identity of objects that have another name for a reason.

    These are generated ones whose content changed, and the one SeldonDeployment of an overlay.
    """
    lost = [key for key in old if key not in new]
    for key, entry in new.items():
        if key in old:
            continue
        if _generated(entry):
            alike = [other for other in lost if other[:-1] == key[:-1] and stem(other[-1]) == stem(key[-1])]
        elif is_seldon_deployment(entry):
            alike = [other for other in lost if is_seldon_deployment(old[other])]
            alike = alike if sum(map(is_seldon_deployment, new.values())) == 1 else []
        else:
            alike = []
        if len(alike) == 1:
            yield key, alike[0]


def _generated(entry: Entry) -> bool:
    return entry.get("kind") in KINDS


def _identity(entry: Entry) -> tuple[str, str, str, str]:
    group = str(entry.get("apiVersion", "")).rpartition("/")[0]
    metadata = entry.get("metadata") or {}
    return group, str(entry.get("kind")), str(metadata.get("namespace")), str(metadata.get("name"))


def _hidden(before: Entry | None, after: Entry | None) -> Change:
    hider = Hider()
    return Change(before and shortened(hider.hide(before)), after and shortened(hider.hide(after)))


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
