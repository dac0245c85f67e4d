"""The change of one kustomization: the content of its section in the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gitops.diff.compatibility import Effect
from gitops.diff.danger import Danger
from gitops.diff.model import Model
from gitops.diff.objects import Change
from gitops.diff.requirements import Requirements
from gitops.diff.rows import Row
from gitops.manifests.seldondeployment import SeldonDeployment

State = Literal["changed", "renamed", "new", "gone", "does not build", "builds again"]
Models = dict[str, Model]


@dataclass(frozen=True)
class ModelChange:
    """The change of a graph node's model."""

    node: str
    effects: tuple[Effect, ...]
    requirements: Requirements


@dataclass(frozen=True)
class ObjectChange:
    """An object and its rows. ``title`` is its kind alone where it is the SeldonDeployment of the overlay."""

    title: str
    change: Change
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class KustomizationChange:
    """A kustomization that changes.

    ``failures`` are pairs of a side's title and why it does not build there; ``graphs`` are pairs of a caption and
    a picture: one, or where the graph changes those before and after; ``listed`` are the deployments, with their
    models, of a kustomization that there is on one side only; ``problems`` name files of its models that are unreadable or of another model;
    ``addresses`` are the paths under which it answers before and after; ``dangers`` are its dangers.
    ``applied``: whether Argo CD applies it, before or after; None where that is unknown.
    ``was`` is the folder that it had before, empty where it is the same.
    """

    folder: str
    state: State
    failures: tuple[tuple[str, str], ...]
    objects: tuple[ObjectChange, ...]
    models: tuple[ModelChange, ...]
    graphs: tuple[tuple[str, str], ...]
    listed: tuple[tuple[SeldonDeployment, Models], ...]
    problems: tuple[str, ...]
    addresses: tuple[frozenset[str], frozenset[str]]
    dangers: tuple[Danger, ...] = ()
    applied: bool | None = None
    was: str = ""

    @property
    def says(self) -> bool:
        """Whether it has a section: not if only its files changed, and nothing that is rendered."""
        return bool(self.failures or self.objects or self.models or self.was)

    @property
    def key(self) -> tuple[object, ...]:
        """What it has in common with those that a reviewer need not read again."""
        alike = tuple(
            (entry.title, entry.rows) if entry.change.before and entry.change.after else entry.change.diff
            for entry in self.objects
            if entry.rows or not (entry.change.before and entry.change.after)
        )
        graphs = self.graphs if len(self.graphs) > 1 else ()
        # Of what is there now and was not before a reviewer has read nothing yet.
        there = self.listed if self.state in ("new", "builds again") else ()
        listed = tuple(deployment.title for deployment, _ in there)
        return (
            self.state,
            self.failures,
            alike,
            self.models,
            graphs,
            listed,
            self.problems,
            self.applied,
            self.was,
        )
