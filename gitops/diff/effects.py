"""What a change of a graph node's model means to those who call it."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.diff.markdown import code
from gitops.diff.model import Model
from gitops.diff.signature import Effect, signature_effects
from gitops.manifests import contract
from gitops.manifests.contract import Contract


def effects(before: Model, after: Model) -> tuple[Effect, ...]:
    """Return what changes between two models of one node, what breaks first."""
    found = [*_called(before, after)]
    old, new = before.contract, after.contract
    if old and new:
        found += [
            *signature_effects(old, new),
            *_methods(old.methods, new.methods),
            *_flavors(old.flavors, new.flavors),
            *_others(old, new),
        ]
    elif old or new:
        said = "is new" if new else "is gone"
        found.append(
            Effect(f"`{contract.FILE}` {said}: there is nothing to compare the signature with", False)
        )
    elif before.digest != after.digest:
        found.append(
            Effect(f"there is no `{contract.FILE}`: what changes for its callers is not known here", False)
        )
    return tuple(sorted(found, key=lambda effect: not effect.breaking))


def _called(before: Model, after: Model) -> Iterator[Effect]:
    if before.type != after.type:
        yield Effect(
            f"graph type: {code(before.type)} → {code(after.type)}, so another method is called", True
        )
    if before.method != after.method:
        old, new = (
            code(method) if method else "that of its flavour" for method in (before.method, after.method)
        )
        yield Effect(f"the method that is called: {old} → {new}", True)


def _methods(before: tuple[str, ...] | None, after: tuple[str, ...] | None) -> Iterator[Effect]:
    if before is None or after is None:
        return
    for name in before:
        if name not in after:
            yield Effect(f"method {code(name)} of the model is gone", True)
    for name in after:
        if name not in before:
            yield Effect(f"method {code(name)} of the model is new", False)


def _flavors(before: dict[str, str], after: dict[str, str]) -> Iterator[Effect]:
    if before.keys() != after.keys():
        # Which ones a model has decides how it is called: by predict, or transform where it has no python_function.
        old, new = (", ".join(code(name) for name in sorted(side)) or "none" for side in (before, after))
        yield Effect(f"flavours: {old} → {new}", True)
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield Effect(f"flavour {code(name)}: {code(before[name])} → {code(after[name])}", False)


def _others(before: Contract, after: Contract) -> Iterator[Effect]:
    for what, old, new in (
        ("estimator", before.estimator, after.estimator),
        ("Python", before.python, after.python),
        ("conda packages", ", ".join(before.conda_packages), ", ".join(after.conda_packages)),
        ("size", f"{before.size:,} bytes", f"{after.size:,} bytes"),
        ("MLflow run", before.run, after.run),
        ("signed", before.signed, after.signed),
    ):
        if old != new:
            yield Effect(f"{what}: {code(old)} → {code(new)}", False)
