"""The section of the report about one kustomization, or about several that change in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from gitops.diff.change import KustomizationChange, ModelChange, ObjectChange
from gitops.diff.model import Model
from gitops.diff.overview import differing
from gitops.diff.rows import Row
from gitops.manifests.contract import Column
from gitops.manifests.seldondeployment import KIND, SeldonDeployment
from gitops.markdown import block, code, folded, listed, short, table
from gitops.redaction import SECRETS

# More rows than these are read in the diff.
MOST_ROWS = 60
# More folders than these are named in a fold.
MOST_FOLDERS = 10
# A longer list of packages is folded.
MOST_PACKAGES = 20


@dataclass(frozen=True)
class Section:
    """Markdown of a section: ``summary`` with its heading, and ``diff``, folded, empty where there is none."""

    folders: tuple[str, ...]
    summary: str
    diff: str


Link = Callable[[str, str, str, str], str]


def section(
    alike: list[KustomizationChange], described: dict[ModelChange, str], link: Link | None = None
) -> Section:
    """Return the section of kustomizations that change in the same way; the first stands for all.

    Args:
        alike: the changes, one or more.
        described: the folders in whose sections changes of a model are described already; those described here are added.
        link: gives where in the files a value stands, for dangers.
    """
    shown = alike[0]
    folders = tuple(entry.folder for entry in alike)
    if shown.state == "gone" and not shown.failures:
        return Section(folders, _gone(alike), "")
    parts = [f"### {listed(folders)}: {shown.state}"]
    if len(alike) > 1:
        same = f"{len(alike)} kustomizations change in the same way"
        parts.append(f"{same}; what follows is {code(shown.folder)}.")
        if len(alike) > MOST_FOLDERS:
            parts.append(folded(same, listed(folders, most=len(alike))))
    if shown.was:
        parts.append(f"The folder was {code(shown.was)}.")
    dangers = [
        f"- **danger:** {entry.text}{link(shown.folder, entry.field, entry.value, entry.kind) if link else ''}"
        for entry in shown.dangers
    ]
    if dangers:
        parts.append("\n".join(dangers))
    parts += _content(shown, described)
    diff = "\n".join(entry.change.diff for entry in shown.objects if entry.change.diff)
    lines = diff.count("\n") + 1
    title = f"Rendered difference of {shown.folder}, {lines} {'line' if lines == 1 else 'lines'}"
    rendered = folded(title, block(diff, "diff")) if diff else ""
    if shown.applied is False:
        # Nothing in a cluster changes by it.
        whole = "\n\n".join(part for part in (*parts[1:], rendered) if part)
        return Section(
            folders, folded(f"{', '.join(folders)}: {shown.state}; no Application applies it", whole), ""
        )
    return Section(folders, "\n\n".join(parts), rendered)


def _gone(alike: list[KustomizationChange]) -> str:
    """Return kustomizations that go as a line each, with what they rendered folded in it."""
    lines = []
    for entry in alike:
        names = ", ".join(
            f"{deployment.name} in namespace {deployment.namespace}" for deployment, _ in entry.listed
        )
        facts = "\n\n".join(
            table(("what", "was"), listing(deployment, models)) for deployment, models in entry.listed
        )
        rest = [other.title for other in entry.objects if other.change.kind != KIND]
        if rest:
            facts = f"{facts}\n\nand {listed(rest, 20)}".strip()
        lines.append(folded(f"{entry.folder} goes{f': {names}' if names else ''}", facts))
    return "\n\n".join(lines)


def _content(shown: KustomizationChange, described: dict[ModelChange, str]) -> Iterator[str]:
    for side, words in shown.failures:
        yield f"Does not build in {side}:\n\n{block(words)}"
    for problem in shown.problems:
        yield f"> [!WARNING]\n> {code(problem)}"
    for deployment, models in shown.listed:
        facts = table(("what", "is"), listing(deployment, models))
        # What was there before the failure is for comparison only.
        yield (
            folded("What it renders without the change", facts) if shown.state == "does not build" else facts
        )
    rows = [cells for entry in shown.objects for cells in _rows(entry, one_sided=bool(shown.listed))]
    if rows:
        yield table(("object", "value", "before", "after"), rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        yield f"and {len(rows) - MOST_ROWS} more values, in the difference below"
    for model in shown.models:
        if model in described:
            yield f"The model of {code(model.node)} changes as in {code(described[model])}, above."
        else:
            described[model] = shown.folder
            yield from _model(model)
    for caption, picture in shown.graphs:
        yield f"Graph{f' {caption}' if caption else ''}:\n\n{block(picture, 'mermaid')}"


def _rows(entry: ObjectChange, *, one_sided: bool) -> Iterator[tuple[str, str, str, str]]:
    """Yield the rows of an object as cells; what is new or gone as a whole is one row, of secrets each key."""
    change = entry.change
    if not (change.before and change.after):
        keys = [row for row in entry.rows if change.kind in SECRETS and row.field.startswith("key ")]
        if not (one_sided and change.kind == KIND):
            yield code(entry.title), "", *_states(change.before is None)
        for row in keys:
            yield code(entry.title), code(row.field), _value(row.before), _value(row.after)
        return
    for (part, whole), rows in groupby(entry.rows, key=lambda row: (row.part, row.whole)):
        owner = part if entry.title == KIND and part else f"{entry.title} {part}".strip()
        if whole:
            yield code(owner), "", *_states(next(rows).before is None)
        else:
            yield from ((code(owner), code(row.field), *_values(row)) for row in rows)


def _states(new: bool) -> tuple[str, str]:
    return ("—", "new") if new else ("is there", "gone")


def _values(row: Row) -> tuple[str, str]:
    """Return a row's values as cells, of lists the entries that differ: the difference below has all."""
    before, after = row.before, row.after
    if (before or after or "").startswith("["):
        before, after = differing(before, after)
    return _value(before), _value(after)


def _value(value: str | None) -> str:
    if not value:
        return "—"
    lines = value.strip().count("\n") + 1
    return code(short(value)) if lines == 1 else f"{lines} lines"


def _model(model: ModelChange) -> Iterator[str]:
    yield f"**Model of {code(model.node)}**"
    bullets = [
        f"- **breaking:** {entry.text}" if entry.breaking else f"- {entry.text}" for entry in model.effects
    ]
    bullets += [f"- {note}" for note in model.requirements.notes]
    if bullets:
        yield "\n".join(bullets)
    packages = model.requirements.packages
    if packages:
        rows = [
            (
                code(entry.name) + (" (asked for by the model)" if entry.direct else ""),
                code(entry.before),
                code(entry.after),
            )
            for entry in packages
        ]
        listing = table(("package", "before", "after"), rows)
        yield listing if len(rows) <= MOST_PACKAGES else folded(f"{len(rows)} packages change", listing)


Line = tuple[str, str]


def listing(deployment: SeldonDeployment, models: dict[str, Model]) -> Iterator[Line]:
    """Yield what it is, as pairs of a label and Markdown of one line."""
    yield deployment.raw["kind"], f"{code(deployment.name)} in namespace {code(deployment.namespace)}"
    pods = [pod for predictor in deployment.predictors for pod in predictor.pods]
    containers = [container for pod in pods for container in (*pod.init_containers, *pod.containers)]
    for image in sorted({container.image for container in containers}):
        yield "image", code(short(image))
    for predictor in deployment.predictors:
        engine = "without orchestrator" if predictor.no_engine else "with orchestrator"
        yield "predictor", f"{code(predictor.name)}, {engine}, replicas {predictor.replicas}"
        for node in predictor.graph.walk():
            parameters = ", ".join(code(f"{entry.name}={entry.value}") for entry in node.parameters)
            yield f"graph node {code(node.name)}", f"{code(node.type)} {parameters}".strip()
    for node_name, model in models.items():
        yield from _model_lines(f"{code(node_name)}: ", model)
    secrets = {entry.secret for container in containers for entry in container.env_from if entry.secret}
    secrets |= {name for pod in pods for name in pod.image_pull_secrets}
    yield "secrets that it refers to", ", ".join(code(name) for name in sorted(secrets)) or "none"


def _model_lines(owner: str, model: Model) -> Iterator[Line]:
    if model.uri:
        yield f"{owner}model", f"{code(model.uri)} {code(short(model.digest))}"
    if model.contract is not None:
        flavors = (f"{name} {version}".strip() for name, version in sorted(model.contract.flavors.items()))
        yield f"{owner}flavours", ", ".join(map(code, flavors))
        yield f"{owner}inputs", _column_list(model.contract.inputs)
        yield f"{owner}outputs", _column_list(model.contract.outputs)
        yield f"{owner}Python", code(model.contract.python)
        yield f"{owner}requirements", ", ".join(map(code, model.contract.requirements)) or "none"
    if model.lock is not None:
        yield f"{owner}locked", f"{len(model.lock.requirements.names)} packages with hashes"


def _column_list(columns: tuple[Column, ...] | None) -> str:
    if columns is None:
        return "no signature"
    return ", ".join(
        f"{code(entry.label)} {code(entry.type)}{'' if entry.required else ' (optional)'}"
        for entry in columns
    )
