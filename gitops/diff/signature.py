"""What a change of a model's signature means to those who call it.

Breaking is what makes a request that was answered be refused, or an answer look different: a model's callers must
know before the merge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitops.diff.markdown import code
from gitops.manifests.contract import Column, Contract


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
