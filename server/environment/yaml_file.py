"""A YAML file of the model folder, read with the line of each value, for messages."""

from __future__ import annotations

from pathlib import Path

import yaml

from server.errors import BadRequirements


def fields(path: Path) -> dict[str, yaml.Node]:
    """Return the values of the mapping in ``path`` by their keys. Scalars keep their text: 3.10 is not 3.1.

    Raises:
        BadRequirements: the file is not YAML, or does not hold a mapping.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadRequirements(
            f"{path.name}: cannot be read as YAML ({' '.join(str(error).split())}); log the model again"
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise BadRequirements(f"{path.name}: must be a mapping; log the model again")
    return {str(key.value): value for key, value in root.value}


def entries(path: Path, node: yaml.Node | None) -> list[yaml.Node]:
    """Return the entries of the list ``node``; none where it is None or null.

    Raises:
        BadRequirements: it is no list.
    """
    if node is None or node.tag == "tag:yaml.org,2002:null":
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise bad(path, node, "must be a list")
    return list(node.value)


def lines(path: Path, node: yaml.Node | None) -> list[tuple[int, str]]:
    """Return the entries of the list of texts ``node`` with their line numbers.

    Raises:
        BadRequirements: it is no list of texts.
    """
    result = []
    for entry in entries(path, node):
        if not isinstance(entry, yaml.ScalarNode):
            raise bad(path, entry, "must be a text")
        result.append((entry.start_mark.line + 1, str(entry.value)))
    return result


def bad(path: Path, node: yaml.Node, rule: str) -> BadRequirements:
    """Return the error that says which ``rule`` the value ``node`` of ``path`` breaks."""
    return BadRequirements(f"{path.name}, line {node.start_mark.line + 1}: {rule}; log the model again")
