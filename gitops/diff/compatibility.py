"""What a change of a graph node's model means for its clients.

A change is breaking if a request that was answered is refused, or an answer looks different.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitops.diff.model import Model
from gitops.manifests import contract
from gitops.manifests.contract import Column, Contract
from gitops.markdown import code


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
        message = "is new" if new else "is gone"
        found.append(
            Effect(f"`{contract.FILE}` {message}: there is nothing to compare the signature with", False)
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


@dataclass(frozen=True)
class Effect:
    """One difference in what a model is, as Markdown of one line."""

    text: str
    breaking: bool


def signature_effects(before: Contract, after: Contract) -> Iterator[Effect]:
    """Yield what changes between the signatures of two contracts."""
    yield from _inputs(before.inputs, after.inputs)
    yield from _params(before.params, after.params)
    yield from _outputs(before.outputs, after.outputs)


def _inputs(before: tuple[Column, ...] | None, after: tuple[Column, ...] | None) -> Iterator[Effect]:
    if before is None or after is None:
        if after is not None:
            yield Effect("inputs: requests are now checked against a signature, there was none", True)
        elif before is not None:
            yield Effect("inputs: the signature is gone, requests are not checked any more", True)
        return
    for old, new in _matched(before, after):
        if old is None and new is not None:
            required = "new and required" if new.required else "new, optional"
            yield Effect(f"input column {code(new.label)} ({code(new.type)}) is {required}", new.required)
        elif old is not None and new is None:
            yield Effect(f"input column {code(old.label)} ({code(old.type)}) is gone", True)
        elif old is not None and new is not None:
            yield from _retyped("input column", old, new)
            if old.required != new.required:
                now = "required now" if new.required else "optional now"
                yield Effect(f"input column {code(new.label)} is {now}", new.required)
    if _reordered(before, after):
        yield Effect(
            f"input columns have another order, which counts where a request names none: {_labels(after)}",
            True,
        )


def _params(before: tuple[Column, ...], after: tuple[Column, ...]) -> Iterator[Effect]:
    for old, new in _matched(before, after):
        if old is None and new is not None:
            yield Effect(f"parameter {code(new.label)} ({code(new.type)}) is new", False)
        elif old is not None and new is None:
            yield Effect(f"parameter {code(old.label)} is gone", True)
        elif old is not None and new is not None:
            yield from _retyped("parameter", old, new)
            if old.default != new.default:
                yield Effect(
                    f"parameter {code(new.label)}: default {code(old.default)} → {code(new.default)}", False
                )


def _outputs(before: tuple[Column, ...] | None, after: tuple[Column, ...] | None) -> Iterator[Effect]:
    if before is None or after is None:
        if before is not after:
            yield Effect(f"outputs: {_labels(before)} → {_labels(after)}", True)
        return
    for old, new in _matched(before, after):
        if old is None and new is not None:
            yield Effect(f"output column {code(new.label)} ({code(new.type)}) is new", True)
        elif old is not None and new is None:
            yield Effect(f"output column {code(old.label)} ({code(old.type)}) is gone", True)
        elif old is not None and new is not None:
            yield from _retyped("output column", old, new)
            if old.required and not new.required:
                yield Effect(f"output column {code(new.label)} is optional now", True)
    if _reordered(before, after):
        yield Effect(f"output columns have another order: {_labels(after)}", True)


def _matched(
    before: tuple[Column, ...], after: tuple[Column, ...]
) -> Iterator[tuple[Column | None, Column | None]]:
    old, new = ({column.label: column for column in side} for side in (before, after))
    for label in (*old, *(label for label in new if label not in old)):
        yield old.get(label), new.get(label)


def _retyped(what: str, old: Column, new: Column) -> Iterator[Effect]:
    if old.type != new.type:
        yield Effect(f"{what} {code(new.label)}: type {code(old.type)} → {code(new.type)}", True)


def _reordered(before: tuple[Column, ...], after: tuple[Column, ...]) -> bool:
    """Whether the columns that both have stand in another order."""
    old, new = ([column.label for column in side] for side in (before, after))
    return [label for label in old if label in new] != [label for label in new if label in old]


def _labels(columns: tuple[Column, ...] | None) -> str:
    return (
        "no signature" if columns is None else ", ".join(code(column.label) for column in columns) or "none"
    )
