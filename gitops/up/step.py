"""A step on the way from a fork to answers, and the steps one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitops.errors import GitopsError, UpFailed


@dataclass(frozen=True)
class Step:
    """A step: ``done`` looks whether it is done, and says what is there, or nothing; ``would`` says what ``do`` does.

    ``do`` returns what it did, in a line. ``needs`` are parts that must be there first (gitops.doctor).
    """

    name: str
    needs: tuple[str, ...]
    done: Callable[[], str]
    would: Callable[[], str]
    do: Callable[[], str]


def run(steps: Sequence[Step], missing: Mapping[str, str], *, dry: bool) -> Iterator[str]:
    """Do each of ``steps`` that is not done, or only say so where ``dry``; yield a line for each.

    ``missing`` has the fix of each part that is not there.

    Raises:
        UpFailed: a step cannot be done; those before it are.
    """
    for step in steps:
        lacking = [need for need in step.needs if need in missing]
        try:
            if lacking:
                fixes = "; ".join(f"{need}: {missing[need]}" for need in lacking)
                raise UpFailed(f"needs what is missing: {fixes}")
            there = step.done()
            if there:
                yield f"  done   {step.name}: {there}"
            elif dry:
                yield f"  would  {step.name}: {step.would()}"
            else:
                yield f"  did    {step.name}: {step.do()}"
        except GitopsError as error:
            if not dry:
                raise UpFailed(
                    f"{step.name}: {error}\n  mend that, and run `make up` again: it goes on from here"
                ) from error
            yield f"  stops  {step.name}: {error}"
