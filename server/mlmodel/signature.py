"""A model's signature: the columns or tensors of its inputs and of its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column of a signature. ``name`` is None where the columns are unnamed.

    ``type`` is MLflow's name of the type (double, long, string, …) or, for arrays, objects and maps,
    the JSON object that MLflow writes for it. ``number`` is what the DataFrame calls the column where that is no
    text: one that is made of an array has 0, 1, ….
    """

    name: str | None
    type: str | dict[str, Any]
    required: bool = True
    number: int | float | None = None

    @property
    def label(self) -> str | int | float | None:
        """What a DataFrame calls the column."""
        return self.name if self.number is None else self.number


@dataclass(frozen=True)
class Tensor:
    """A tensor of a signature: numpy ``dtype`` and ``shape``, where -1 is any length."""

    name: str | None
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Schema:
    """One side of a signature: either columns or tensors, the other is empty."""

    columns: tuple[Column, ...] = ()
    tensors: tuple[Tensor, ...] = ()

    @cached_property
    def names(self) -> list[str] | None:
        """Names of the columns or tensors in order, or None where they have none."""
        entries: tuple[Column | Tensor, ...] = self.columns or self.tensors
        names = [entry.name for entry in entries if entry.name is not None]
        return names if names and len(names) == len(entries) else None

    @cached_property
    def labels(self) -> list[Any] | None:
        """What a DataFrame calls the columns, or None where they have no names."""
        return None if self.names is None else [column.label for column in self.columns]

    @cached_property
    def counted(self) -> bool:
        """Whether the columns are called 0, 1, …: their order names them."""
        return bool(self.columns) and self.labels == list(range(len(self.columns)))

    @cached_property
    def nested(self) -> Column | None:
        """The only column, where it has no name and holds arrays, objects, maps or values of any type, or None."""
        if len(self.columns) != 1 or self.columns[0].name is not None:
            return None
        return self.columns[0] if isinstance(self.columns[0].type, dict) else None

    @cached_property
    def kind(self) -> str | None:
        """The scalar type that all columns have, or None where they differ or one has another type."""
        kinds = {column.type if isinstance(column.type, str) else None for column in self.columns}
        return kinds.pop() if len(kinds) == 1 else None

    @cached_property
    def distinct(self) -> bool:
        """Whether no two columns or tensors have the same name."""
        return self.names is None or len(set(self.names)) == len(self.names)
