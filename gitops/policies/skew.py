"""Policies about skew: the server and the manifests change in one repository, and its image is released later.

Two interfaces count: that of the image that runs, which base or the overlay pins, and that of this tree's server, which says what else is a setting of the
server. All other variables may be the model's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitops.errors import BadManifest
from gitops.manifests import image
from gitops.manifests import image_interface as interface
from gitops.manifests.image import pins
from gitops.manifests.image_interface import Interface, Verb
from gitops.manifests.pod import Container
from gitops.manifests.rendered import BASE, Rendered
from gitops.manifests.secrets import source_of_secret
from gitops.manifests.seldondeployment import Node
from gitops.manifests.tree import Tree
from gitops.policies.policy import Violation, policy


@policy
def image_interface(tree: Tree) -> Iterator[Violation]:
    """A released image has its interface beside its digest: what it takes is judged without asking a registry."""
    images, own = {}, pins(tree.kustomizations.values())
    for file in interface.files(tree.root):
        folder = file.rpartition("/")[0]
        try:
            images[file] = _read(tree, file).image
        except BadManifest as error:
            yield Violation(file, str(error).removeprefix(f"{file}: "), _fix("sha256:…", folder), folder)
            return
        if folder != BASE and folder not in own:
            message = f"is that of {images[file]}, and the overlay pins no image of its own"
            fix = f"remove it, or pin that image: {_command(images[file], folder)}"
            yield Violation(file, message, fix, folder)
    seen: dict[str, tuple[str, str]] = {}
    for folder, rendered in _judged(tree):
        for owner, container in _containers(rendered):
            seen.setdefault(image.digest(container.image), (folder, owner))
    for digest, (folder, owner) in seen.items():
        if digest != image.UNRELEASED and digest not in images.values():
            where = next((entry for entry in own if image.digest(own[entry]) == digest), BASE)
            file = f"{where}/{interface.NAME}"
            message = f"{file} is that of {images[file]}" if file in images else f"there is no {file}"
            yield Violation(owner, f"runs the image {digest}, and {message}", _fix(digest, where), folder)


@policy
def skew(tree: Tree) -> Iterator[Violation]:
    """Manifests ask the pinned image only for what it has: what is new in the server is released before it is used."""
    try:
        found = [_read(tree, file) for file in interface.files(tree.root)]
    except BadManifest:
        return  # image_interface says so.
    pinned = {entry.image: entry for entry in found}
    fix = "release the image that has it, then ask for it (docs/decisions/skew.md); or correct the name"
    own, keys = interface.own(), _secret_keys(tree)
    for folder, rendered in _judged(tree):
        for owner, container in _containers(rendered):
            judge = _judge(container, pinned, own)
            for message in judge.container(container, keys) if judge else ():
                yield Violation(owner, message, fix, folder)
        for deployment in rendered.deployments:
            for predictor in deployment.predictors:
                nodes = {node.name: node for node in predictor.graph.walk()}
                for container in predictor.containers:
                    judge = (
                        _judge(container, pinned, own) if image.is_project_image(container.image) else None
                    )
                    if judge and container.name in nodes:
                        for message in judge.parameters(nodes[container.name]):
                            yield Violation(deployment.title, message, fix, folder)
                        for message in judge.annotations({**deployment.annotations, **predictor.annotations}):
                            yield Violation(deployment.title, message, fix, folder)


def _read(tree: Tree, file: str) -> Interface:
    return interface.parse((tree.root / file).read_text(encoding="utf-8"), file)


def _judge(container: Container, pinned: Mapping[str, Interface], own: Interface) -> InterfaceCheck | None:
    """Return who judges a container, None where the interface of its image is not known."""
    digest = image.digest(container.image)
    # Before the first release the image is what the tree would make.
    has = own if digest == image.UNRELEASED else pinned.get(digest)
    return InterfaceCheck(has, own) if has else None


def _fix(digest: str, folder: str) -> str:
    return f"write it in the checkout that the image was built from: {_command(digest, folder)}"


def _command(digest: str, folder: str) -> str:
    overlay = "" if folder == BASE else f" OVERLAY={folder.rpartition('/')[2]}"
    return f"`make pin IMAGE_DIGEST={digest}{overlay}`"


def _judged(tree: Tree) -> Iterator[tuple[str, Rendered]]:
    return ((folder, rendered) for folder, rendered in tree.rendered.items() if folder != BASE)


def _containers(rendered: Rendered) -> Iterator[tuple[str, Container]]:
    """Yield owner and container of all that run the project's image."""
    for workload in rendered.workloads:
        for container in workload.containers:
            if image.is_project_image(container.image):
                yield workload.title, container


def _secret_keys(tree: Tree) -> dict[str, tuple[str, ...]]:
    """Return the keys of each Secret by its name, as far as the tree has them."""
    sources = (source_of_secret(entry) for rendered in tree.rendered.values() for entry in rendered.objects)
    return {secret.name: tuple(sorted(secret.keys or ())) for secret in sources if secret is not None}


# What begins so is a setting of the server in any case.
_PREFIXES = ("FETCH_", "ENVIRONMENT_", "SERVER_")


@dataclass(frozen=True)
class InterfaceCheck:
    """Says what the image with the interface ``has`` lacks; ``own`` is the interface of the tree."""

    has: Interface
    own: Interface

    def container(self, container: Container, keys: Mapping[str, Sequence[str]]) -> Iterator[str]:
        """Yield what the image lacks for ``container``; ``keys`` are those of each secret by its name."""
        if container.args:
            name = f"{container.path}.args of {container.name}"
            yield from (f"{name}: {message}" for message in self._arguments(container.args))
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
