"""Files of the work tree: whether one is there, and writing all of them or none, YAML with its comments and layout kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from gitops.errors import BadManifest, NotWritten


def exists(path: Path) -> bool:
    """Return whether a file or folder is there; one whose name the file system cannot hold is not."""
    try:
        path.stat()
    except (OSError, ValueError):  # ValueError: a NUL in it.
        return False
    return True


def write_all(texts: Mapping[Path, str | None]) -> list[Path]:
    """Write each text to its file, remove a file whose text is None, and return the files that this changes.

    Each is put in place whole; when one cannot be, those before it are put back as they were. Folders that are not
    there yet are made.

    Raises:
        NotWritten: a file cannot be written or removed; all are as they were.
    """
    before = {file: file.read_bytes() if file.is_file() else None for file in texts}
    changed = differing(texts)
    made = list(_missing([file for file in changed if texts[file] is not None]))
    done: list[Path] = []
    try:
        for file in changed:
            text = texts[file]
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                _put(file, text.encode())
            done.append(file)
    except BaseException as error:
        # Ctrl-C too: half of a promotion is a pod that does not start.
        for file in done:
            content = before[file]
            if content is None:
                file.unlink(missing_ok=True)
            else:
                _put(file, content)
        for folder in reversed(made):
            if folder.is_dir():
                folder.rmdir()
        if isinstance(error, OSError):
            failed = changed[len(done)]
            raise NotWritten(f"{failed}: cannot be written ({error.strerror}); nothing is changed") from error
        raise
    return changed


def differing(texts: Mapping[Path, str | None]) -> list[Path]:
    """Return the files that ``write_all`` would change."""
    return [
        file
        for file, text in texts.items()
        if (file.read_bytes() if file.is_file() else None) != (None if text is None else text.encode())
    ]


def _missing(files: list[Path]) -> list[Path]:
    """Return the folders of ``files`` that are not there, outer ones first."""
    folders = {parent for file in files for parent in file.parents if not parent.exists()}
    return sorted(folders, key=lambda folder: len(folder.parts))


def _put(file: Path, content: bytes) -> None:
    """Put a file in place in one step, with the mode that it had."""
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(name).chmod(mode)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


# Steps into a document: keys of mappings, or for an item of a list the key and value that it is known by.
Step = str | tuple[str, str]


def set_scalars(text: str, place: tuple[Step, ...], values: Mapping[str, str], *, origin: str) -> str:
    """Return ``text`` with ``values`` by their keys in the mapping at ``place``.

    Keys that are not there come after the last one that is, or after all others.

    Raises:
        BadManifest: the text is not YAML, or there is no such mapping; the message starts with ``origin``.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise BadManifest(f"{origin}: {' '.join(str(error).split())}") from error
    for step in place:
        node = _into(node, step)
    if not isinstance(node, yaml.MappingNode) or not node.value or node.flow_style:
        shown = ".".join(step if isinstance(step, str) else f"[{'='.join(step)}]" for step in place)
        raise BadManifest(f"{origin}: {shown} must be a mapping with a line for each key")
    there = {key.value: (key, value) for key, value in node.value}
    edits = [
        (there[key][1].start_mark.index, there[key][1].end_mark.index, _written(value))
        for key, value in values.items()
        if key in there and there[key][1].value != value
    ]
    new = [(key, value) for key, value in values.items() if key not in there]
    if new:
        first = node.value[0][0].start_mark
        last = max(there[key][1].end_mark.index for key in values.keys() & there.keys() or there)
        end = text.find("\n", last - 1 if text[last - 1 : last] == "\n" else last)
        end = len(text) if end < 0 else end
        lines = "".join(f"\n{' ' * first.column}{key}: {_written(value)}" for key, value in new)
        edits.append((end, end, lines))
    for start, stop, value in sorted(edits, reverse=True):
        text = text[:start] + value + text[stop:]
    return text


def remove_item(text: str, key: str, step: tuple[str, str], *, origin: str) -> str:
    """Return ``text`` without the item of the list ``key`` that ``step`` tells; without the list where it was the only one.

    Raises:
        BadManifest: the text is not YAML, or has no such item with lines of its own; the message starts with ``origin``.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise BadManifest(f"{origin}: {' '.join(str(error).split())}") from error
    keys = {name.value: name for name, _ in node.value} if isinstance(node, yaml.MappingNode) else {}
    items = _into(node, key)
    item = _into(items, step)
    if not isinstance(items, yaml.SequenceNode) or item is None or items.flow_style:
        raise BadManifest(f"{origin}: {key} must have the item {'='.join(step)}, in lines of its own")
    first = (keys[key] if len(items.value) == 1 else item).start_mark.line
    last: yaml.Node = item
    while isinstance(last, yaml.CollectionNode) and last.value and not last.flow_style:
        last = last.value[-1][1] if isinstance(last, yaml.MappingNode) else last.value[-1]
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:first], *lines[last.end_mark.line + 1 :]])


def _into(node: yaml.Node | None, step: Step) -> yaml.Node | None:
    if isinstance(step, str):
        entries: list[tuple[yaml.Node, yaml.Node]] = node.value if isinstance(node, yaml.MappingNode) else []
        return next((value for key, value in entries if key.value == step), None)
    items: list[yaml.Node] = node.value if isinstance(node, yaml.SequenceNode) else []
    for item in items:
        found = _into(item, step[0])
        if isinstance(found, yaml.ScalarNode) and found.value == step[1]:
            return item
    return None


def _written(value: str) -> str:
    """Return a string as it stands in YAML, in quotes where it needs them."""
    return (
        yaml.safe_dump(value, width=float("inf"), allow_unicode=True).removesuffix("...\n").removesuffix("\n")
    )
