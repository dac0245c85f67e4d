"""The command: machine, fork, GitHub and cluster, part by part."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from gitops.command import Item, Level, Run, add_json, write_json
from gitops.doctor import machine
from gitops.doctor.part import Finding, Part, State, look, without_environment
from gitops.errors import GitopsError
from gitops.terminal import paint

FORK, GITHUB, CLUSTER = "fork", "GitHub", "cluster"
_LEVELS: Mapping[State, Level] = {"ok": "ok", "missing": "error", "warning": "warning", "?": "unknown"}


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.description = (
        "It changes nothing, and needs neither a network, nor gh, nor a cluster; what it cannot look at it marks by a question "
        "mark. It ends with 1 where something is missing, not for a warning."
    )
    add_json(parser)

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return doctor(root, os.environ, sys.stdout, as_json=arguments.json)

    return run


def doctor(root: Path, environ: Mapping[str, str], out: TextIO, *, as_json: bool = False) -> int:
    """Say of each part of this machine, the fork below ``root`` and the cluster of KUBECONFIG how it is, and what to do.

    Returns:
        1 if a part is missing, else 0.
    """
    found: list[tuple[str, Finding]] = []
    for area, parts in _areas(root, environ):
        if not as_json:
            out.write(f"{area}\n")
        for finding in parts:
            found.append((area, finding))
            if not as_json:
                out.write(f"{paint(str(finding), out)}\n")
                out.flush()
    missing, warnings = (
        sum(finding.state == state for _, finding in found) for state in ("missing", "warning")
    )
    if as_json:
        items = (
            Item(_LEVELS[finding.state], finding.part, area, finding.message, finding.fix)
            for area, finding in found
        )
        write_json("doctor", items, out, ok=not missing)
    else:
        out.write(f"{missing or 'nothing'} missing, warnings: {warnings or 'none'}, parts: {len(found)}\n")
    return int(missing > 0)


def _areas(root: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, Iterable[Finding]]]:
    yield "this machine", look(machine.parts(root, environ), {})
    yield "this fork", _looked(lambda: _fork(root), FORK)
    yield "this fork on GitHub", _looked(lambda: _github(root), GITHUB)
    files = [file for file in environ.get("KUBECONFIG", "").split(os.pathsep) if file]
    absent = [file for file in files if not Path(file).is_file()]
    if not files:
        finding = Finding(CLUSTER, "?", "KUBECONFIG is not set, so none is looked at")
    elif len(absent) == len(files):
        what = f"KUBECONFIG {os.pathsep.join(absent)}: there is no such file"
        finding = Finding(CLUSTER, "missing", what, "set it to the file that your cluster's provider wrote")
    else:
        yield "the cluster", _looked(lambda: _cluster(root), CLUSTER)
        return
    yield "the cluster", [finding]


def _looked(parts: Callable[[], Iterable[Part]], name: str) -> Iterator[Finding]:
    """Look for the parts of an area, whose modules need what .venv has."""
    try:
        yield from look(parts(), {})
    except ModuleNotFoundError as error:
        yield Finding(name, "?", without_environment(error))
    except GitopsError as error:
        yield Finding(name, "?", str(error), "mend that first")


def _fork(root: Path) -> Iterable[Part]:
    from gitops.doctor import fork

    return fork.parts(root)


def _github(root: Path) -> Iterable[Part]:
    from gitops.doctor import github
    from gitops.github import gh

    repository = gh.origin(root)
    account, actions = github.parts(repository)
    # Without gh nothing is known, and nothing is wrong.
    return (
        replace(account, otherwise="?"),
        replace(actions, otherwise="warning"),
        github.permissions(root, repository),
    )


def _cluster(root: Path) -> Iterable[Part]:
    from gitops.doctor import cluster

    return cluster.parts(root)
