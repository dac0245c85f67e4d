"""What a manifest asks of the project's image, held to what the image takes.

A Judge knows two interfaces: that of the image that runs, and the tree's own, which says what else is meant for the
server: all other variables may be the model's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitops.manifests.image_interface import Interface, Verb
from gitops.manifests.pod import Container
from gitops.manifests.seldondeployment import Node

# What begins so is a setting of the server in any case.
_PREFIXES = ("FETCH_", "ENVIRONMENT_", "SERVER_")


@dataclass(frozen=True)
class Judge:
    """Says what the image with the interface ``has`` lacks; ``own`` is the interface of the tree."""

    has: Interface
    own: Interface

    def container(self, container: Container, keys: Mapping[str, Sequence[str]]) -> Iterator[str]:
        """Yield what the image lacks for ``container``; ``keys`` are those of each secret by its name."""
        if container.args:
            name = f"{container.path}.args of {container.name}"
            yield from (f"{name}: {said}" for said in self._arguments(container.args))
        for entry in container.env:
            value = "" if entry.value_from else entry.value
            yield from self._variable(f"{entry.path} of {container.name}", entry.name, value)
        for source in container.env_from:
            where = f"{source.path} of {container.name} (secret {source.secret})"
            for key in keys.get(source.secret, ()):
                yield from self._variable(where, source.prefix + key, "")

    def parameters(self, node: Node) -> Iterator[str]:
        """Yield the graph parameters of ``node`` that the image does not have."""
        for entry in node.parameters:
            if entry.name in self.has.parameters:
                yield from _choice(
                    entry.path, f"parameter {entry.name}", entry.value, self.has.parameters[entry.name]
                )
            else:
                known = ", ".join(self.has.parameters)
                yield f"{entry.path}: parameter {entry.name!r}: the image has {known}"

    def annotations(self, names: Mapping[str, str]) -> Iterator[str]:
        """Yield those of a deployment's annotations that this tree's server reads and the image does not."""
        for name in sorted((names.keys() & self.own.annotations) - self.has.annotations):
            yield f"annotation {name}: the image does not read it"

    def _arguments(self, args: Sequence[str]) -> Iterator[str]:
        verb = self.has.verbs.get(args[0])
        if verb is None:
            yield f"verb {args[0]!r}: the image has {', '.join(self.has.verbs)}"
            return
        given, unknown = _given(args[1:], verb)
        for option in unknown:
            yield f"option {option!r} of {args[0]}: the image has {', '.join(verb.options) or 'none'}"
        if given != len(verb.arguments) and not unknown:
            takes = " ".join(verb.arguments) or "none"
            yield f"{given} arguments of {args[0]}: the image takes {takes}"

    def _variable(self, where: str, name: str, value: str) -> Iterator[str]:
        if name in self.has.settings:
            yield from _choice(where, f"setting {name}", value, self.has.settings[name])
        elif name in self.own.settings or name.startswith(_PREFIXES):
            yield f"{where}: setting {name}: the image has none of this name"


def _given(args: Sequence[str], verb: Verb) -> tuple[int, list[str]]:
    """Return how many arguments there are among ``args``, and the options that the verb does not have."""
    given, unknown, rest = 0, [], iter(args)
    for entry in rest:
        option, has_value, _ = entry.partition("=")
        if not entry.startswith("-"):
            given += 1
        elif option not in verb.options:
            unknown.append(option)
        elif verb.options[option] and not has_value:
            next(rest, None)
    return given, unknown


def _choice(where: str, what: str, value: str, choices: Sequence[str]) -> Iterator[str]:
    if value and choices and value not in choices:
        yield f"{where}: {what} is {value!r}: the image takes {', '.join(choices)}"
