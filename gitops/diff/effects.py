"""What a change of a graph node's model means to those who call it."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.diff import contract
from gitops.diff.contract import Contract
from gitops.diff.markdown import code
from gitops.diff.model import Model
from gitops.diff.signature import Effect, signature_effects


def effects(before: Model, after: Model) -> tuple[Effect, ...]:
    """Return what changes between two models of one node, what breaks first."""
    found = [*_called(before, after)]
    old, new = before.contract, after.contract
    if old and new:
        found += [*signature_effects(old, new), *_flavors(old.flavors, new.flavors), *_others(old, new)]
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
        yield Effect(f"method: {old} → {new}", True)


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
        ("Python", before.python, after.python),
        ("size", f"{before.size:,} bytes", f"{after.size:,} bytes"),
        ("MLflow run", before.run, after.run),
    ):
        if old != new:
            yield Effect(f"{what}: {code(old)} → {code(new)}", False)
