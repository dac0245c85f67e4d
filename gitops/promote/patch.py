"""A promotion as a file, from the job that runs models to the job that may write: texts of four files of overlays, of one of graphs.

The first runs code that nobody reviewed, so the second takes nothing of it on trust. It is no textual diff: it holds
whole files, and names overlays and files by names that are looked up, never by paths.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from gitops.command import Run
from gitops.errors import BadArgument, GitopsError
from gitops.files import set_scalars, write_all
from gitops.manifests import contract, graphnode
from gitops.manifests.graphnode import is_alias, parse_node
from gitops.manifests.overlay import composed
from gitops.manifests.rendered import OVERLAYS
from gitops.promote.result import REASON_LENGTH, PromotionResult, markdown
from server.environment import requirements_lock
from server.pins import expectation

FILES = (graphnode.FILE, contract.FILE, requirements_lock.FILE, expectation.FILE)
# A lock has a line of 80 bytes for each wheel of each package; an expected answer may hold wide rows.
MOST_BYTES, MOST_TOTAL = 4 * 1024**2, 64 * 1024**2
_RESULTS = ("promoted", "unchanged", "failed")
_TEXTS = ("overlay", "result", "alias", "before", "after", "reason")


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("patch", type=Path, metavar="PATCH", help="what promotion-patch wrote")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        sys.stdout.write(markdown(apply(root, arguments.patch)))
        return 0

    return run


def write(root: Path, outcomes: list[PromotionResult], graphs: Sequence[str], file: Path) -> None:
    """Write to ``file`` what became of the overlays of ``root``, with the files of those that were promoted.

    Beside them the answers of the ``graphs``, folders of the tree.

    Raises:
        BadArgument: it cannot be written.
    """
    entries = [
        {
            **asdict(entry),
            "files": _files(root / OVERLAYS / entry.overlay) if entry.result == "promoted" else {},
        }
        for entry in outcomes
    ]
    answers = {
        Path(folder).name: (root / folder / expectation.FILE).read_text(encoding="utf-8") for folder in graphs
    }
    try:
        file.write_text(json.dumps({"overlays": entries, "graphs": answers}, indent=1), encoding="utf-8")
    except OSError as error:
        raise BadArgument(f"PATCH {str(file)!r}: cannot be written ({error.strerror})") from error


def _files(folder: Path) -> dict[str, str]:
    return {name: (folder / name).read_text(encoding="utf-8") for name in FILES}


def apply(root: Path, file: Path) -> list[PromotionResult]:
    """Write what ``file`` promotes into the overlays of ``root``, all of it or nothing, and return the outcomes.

    Only node.yaml, contract.json, requirements.lock and expected.json of overlays that are there and whose model
    comes from an alias are written, and of node.yaml only modelUri and modelDigest; and the expected.json of graphs that
    are there and composed of one that is promoted.

    Raises:
        BadArgument: the file is no promotion, or promotes anything else.
        NotWritten: a file cannot be written.
    """
    outcomes: list[PromotionResult] = []
    texts: dict[Path, str] = {}
    entries, answers = _read_file(file)
    for entry in entries:
        outcome, files = _read(file, entry)
        if outcome.overlay in {other.overlay for other in outcomes}:
            _refuse(file, f"names the overlay {outcome.overlay!r} twice")
        outcomes.append(outcome)
        if outcome.result == "promoted":
            texts.update(_checked(root, file, outcome, files))
    promoted = {entry.overlay for entry in outcomes if entry.result == "promoted"}
    texts.update(_checked_graphs(root, file, promoted, answers))
    write_all(texts)
    return outcomes


def _read_file(file: Path) -> tuple[list[Any], Mapping[str, Any]]:
    """Return its overlays, and the answers of its graphs by their names."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MOST_TOTAL + 1)
        if len(content) > MOST_TOTAL:
            _refuse(file, f"has more than {MOST_TOTAL} bytes")
        found = json.loads(content.decode())
    except OSError as error:
        raise BadArgument(
            f"PATCH {str(file)!r}: cannot be read ({error.strerror}); name the file of `make promotion-patch`"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadArgument(f"PATCH {str(file)!r}: is no JSON of `make promotion-patch`: {error}") from error
    if (
        not isinstance(found, dict)
        or found.keys() != {"overlays", "graphs"}
        or not isinstance(found["overlays"], list)
        or not isinstance(found["graphs"], dict)
    ):
        _refuse(
            file,
            "must be an object with a list of overlays and an object of graphs, as `make promotion-patch` writes it",
        )
    return found["overlays"], found["graphs"]


def _read(file: Path, entry: Any) -> tuple[PromotionResult, Mapping[str, str]]:
    if not isinstance(entry, dict) or entry.keys() != {*_TEXTS, "files"}:
        _refuse(file, f"each overlay must have {', '.join(_TEXTS)} and files, and nothing else")
    for name in _TEXTS:
        if not _is_text(entry[name]) or len(entry[name]) > 4 * REASON_LENGTH:
            _refuse(file, f"{name} must be a text of up to {4 * REASON_LENGTH} characters")
    if entry["result"] not in _RESULTS:
        _refuse(file, f"result must be one of {', '.join(_RESULTS)}")
    files = entry["files"]
    wanted = set(FILES) if entry["result"] == "promoted" else set()
    if not isinstance(files, dict) or files.keys() != wanted:
        _refuse(
            file,
            f"overlay {entry['overlay']!r}: must have the files {', '.join(FILES)}, and no other, if promoted",
        )
    for name, text in files.items():
        if not _is_text(text) or len(text.encode()) > MOST_BYTES:
            _refuse(
                file,
                f"overlay {entry['overlay']!r}: {name} must be a text of up to {MOST_BYTES} bytes, without NUL",
            )
    return PromotionResult(**{key: value for key, value in entry.items() if key != "files"}), files


def _is_text(value: Any) -> bool:
    """Whether it can be the content of a file in UTF-8: JSON may hold halves of characters."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _checked(
    root: Path, file: Path, outcome: PromotionResult, files: Mapping[str, str]
) -> Iterator[tuple[Path, str]]:
    name = outcome.overlay
    # Looked up among those that are there, so that no name can be a path.
    folders = {entry.name: entry for entry in (root / OVERLAYS).iterdir() if entry.is_dir()}
    folder = folders.get(name)
    if folder is None or not (folder / graphnode.FILE).is_file():
        _refuse(file, f"overlay {name!r}: is not there")
    _check_regular(root, file, folder, FILES)
    origin = f"{OVERLAYS}/{name}/{graphnode.FILE}"
    own = (folder / graphnode.FILE).read_text(encoding="utf-8")
    now = parse_node(own, origin=origin)
    try:
        new = parse_node(files[graphnode.FILE], origin=origin)
        values = {"modelUri": new.model_uri, "modelDigest": new.model_digest}
        expected = set_scalars(own, ("spec",), values, origin=origin)
    except GitopsError as error:
        raise BadArgument(f"PATCH {str(file)!r}: {error}") from error
    if not is_alias(now.model_from) or files[graphnode.FILE] != expected:
        _refuse(
            file, f"{origin}: only modelUri and modelDigest of an overlay promoted from an alias may change"
        )
    yield from ((folder / part, text) for part, text in files.items())


def _checked_graphs(
    root: Path, file: Path, promoted: set[str], answers: Mapping[str, Any]
) -> Iterator[tuple[Path, str]]:
    known = {Path(folder).name: nodes for folder, nodes in composed(root).items()}
    for name, text in answers.items():
        # Looked up, so that no name can be a path.
        if not promoted & known.get(name, frozenset()):
            _refuse(file, f"graph {name!r}: is no graph here that an overlay promoted with it is part of")
        if not _is_text(text) or len(text.encode()) > MOST_BYTES:
            _refuse(
                file,
                f"graph {name!r}: {expectation.FILE} must be a text of up to {MOST_BYTES} bytes, without NUL",
            )
        folder = root / OVERLAYS / name
        _check_regular(root, file, folder, (expectation.FILE,))
        yield folder / expectation.FILE, text


def _check_regular(root: Path, file: Path, folder: Path, names: Sequence[str]) -> None:
    for entry in (folder, *(folder / name for name in names)):
        if entry.is_symlink() or (entry.exists() and entry is not folder and not entry.is_file()):
            _refuse(file, f"{entry.relative_to(root)}: is no regular file, and is not written")


def _refuse(file: Path, why: str) -> NoReturn:
    raise BadArgument(f"PATCH {str(file)!r}: {why}; nothing is changed")
