"""The examples of the project in a fork: their models in the fork's own store, or none of them.

An overlay is an example's as long as it pins, by its digest, a model of examples/; a graph is one as long as it is composed
of such an overlay, as examples/kserve is.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import obstore

from gitops.errors import AdoptionFailed, GitopsError
from gitops.files import write_all
from gitops.git import tracked_files
from gitops.manifests.graphnode import read_node
from gitops.manifests.kustomization import kustomizations
from gitops.manifests.rendered import OVERLAYS, node_files
from gitops.progress import step
from gitops.switch import add_switch
from server.artifact.digest import model_digest
from server.artifact.fetch import fetch
from server.artifact.store_client import Place, connect
from server.artifact.store_errors import reported
from server.errors import DigestMismatch, NotAModel, ServerError, SourceNotFound
from server.settings import FetchSettings
from server.settings_loader import load

NO = "no"
EXAMPLES = "examples/"
MODELS = f"{EXAMPLES}*/models/*"
# Of these schemes there is a client that writes.
_STORES = ("s3://", "gs://", "az://", "abfs://", "abfss://", "wasb://", "wasbs://")


@dataclass(frozen=True)
class Example:
    """An overlay that serves a model of the examples: its ``folder``, where pods fetch the model, its ``digest``, and its files."""

    folder: str
    uri: str
    digest: str
    model: Path


def add_option(parser: argparse.ArgumentParser) -> None:
    """Declare the option of EXAMPLES, which are kept where it is not given."""
    add_switch(parser, "EXAMPLES", f"upload their models ({NO}: remove the examples)", default=True)


def found(root: Path) -> list[Example]:
    """Return the overlays of the tree ``root`` that serve a model of its examples."""
    models = {model_digest(folder): folder for folder in sorted(root.glob(MODELS)) if folder.is_dir()}
    entries = []
    for file in node_files(root) if models else ():
        try:
            node = read_node(file.parent)
        except GitopsError:
            continue  # `make check` says what is wrong with it.
        if node is not None and node.model_digest in models:
            folder = f"{OVERLAYS}/{file.parent.name}"
            entries.append(Example(folder, node.model_uri, node.model_digest, models[node.model_digest]))
    return entries


def missing(entries: list[Example]) -> list[Example]:
    """Return those of ``entries`` whose model cannot be fetched from where their pods fetch it: nothing is there, or a part.

    Raises:
        AdoptionFailed: the store refuses, does not answer, or the caller's variables do not lead to it.
    """
    return [entry for entry in entries if not _is_there(entry)]


def upload(root: Path) -> Iterator[str]:
    """Put the models of the examples of the tree ``root`` where their pods fetch them; yield a line for each.

    By the variables of the environment by which `make promote` reads a store. What is there already stays.

    Raises:
        AdoptionFailed: the store refuses, does not answer, or holds something else there.
    """
    for entry in found(root):
        with step(f"look for {entry.uri}"):
            there = _is_there(entry)
        if there:
            yield f"{entry.uri}: is there, as {entry.folder} pins it"
            continue
        try:
            with step(f"upload {entry.uri}"):
                _put(entry)
        except ServerError as error:
            raise _failed(error) from error
        if not _is_there(entry):
            raise AdoptionFailed(f"{entry.uri}: is not there although it was uploaded; look into the store")
        yield f"{entry.uri}: uploaded for {entry.folder}"


def _is_there(entry: Example) -> bool:
    with tempfile.TemporaryDirectory(prefix="example-") as scratch:
        try:
            # As a pod does.
            fetch(entry.uri, Path(scratch, "model"), load(FetchSettings, os.environ), digest=entry.digest)
        except (SourceNotFound, DigestMismatch, NotAModel):
            return False
        except ServerError as error:
            raise _failed(error) from error
    return True


def check_places(entries: list[Example]) -> None:
    """Look whether the models of ``entries`` could be uploaded to where their pods fetch them; write nothing.

    Raises:
        AdoptionFailed: the store refuses, has no such bucket, does not answer, or holds something else there.
    """
    for entry in entries:
        try:
            _place(entry)
        except ServerError as error:
            raise _failed(error) from error


def _place(entry: Example) -> Place:
    """Return the place of an example, which holds nothing but maybe some of its files."""
    if not entry.uri.startswith(_STORES):
        raise AdoptionFailed(
            f"{entry.uri}: {entry.folder} fetches an example from there, where nothing can be uploaded; say EXAMPLES={NO}"
        )
    place = connect(entry.uri, load(FetchSettings, os.environ))
    files = _files(entry, place.prefix)
    with reported(entry.uri, place.endpoint):
        listed = [each["path"] for page in obstore.list(place.client, f"{place.prefix}/") for each in page]
    others = [path for path in listed if path not in files]
    if others:
        raise AdoptionFailed(
            f"{entry.uri}: holds {others[0]}, which is no file of the example, so nothing is written there; remove what is "
            f"there, give another BUCKET, or say EXAMPLES={NO}"
        )
    return place


def _files(entry: Example, prefix: str) -> dict[str, Path]:
    return {
        str(PurePosixPath(prefix, file.relative_to(entry.model).as_posix())): file
        for file in sorted(entry.model.rglob("*"))
        if file.is_file()
    }


def _put(entry: Example) -> None:
    place = _place(entry)
    with reported(entry.uri, place.endpoint):
        for path, file in _files(entry, place.prefix).items():
            obstore.put(place.client, path, file)


def _failed(error: ServerError) -> AdoptionFailed:
    # What is not there of a place that holds nothing is its bucket.
    fix = (
        "make the bucket, or give yours by BUCKET=…"
        if isinstance(error, SourceNotFound)
        else "give the variables by which the store is written, as in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL"
    )
    return AdoptionFailed(
        f"the examples' models are not uploaded: {error}\n  {fix}, and run this again, which goes on from here; or say "
        f"EXAMPLES={NO}, which removes the examples"
    )


def folders(root: Path) -> list[str]:
    """Return the folders of the tree ``root`` that are the examples': of overlays, of what is made of them, of their models."""
    own = {entry.folder for entry in found(root)}
    graphs = {
        entry.folder
        for entry in kustomizations(root)
        if entry.folder.startswith((f"{OVERLAYS}/", EXAMPLES)) and own.intersection(entry.resources)
    }
    models = {folder.parent.parent.relative_to(root).as_posix() for folder in root.glob(MODELS)}
    return sorted({*own, *graphs, *models})


def remove(root: Path) -> Iterator[str]:
    """Remove the examples from the tree ``root``, all or none, so that nothing of them is deployed; yield a line for each folder.

    Raises:
        AdoptionFailed: git cannot list its files.
        NotWritten: a file cannot be removed; all are as they were.
    """
    gone = folders(root)
    inside = tuple(f"{folder}/" for folder in gone)
    files = [root / name for name in tracked_files(root, fail=AdoptionFailed) if name.startswith(inside)]
    write_all(dict.fromkeys(files))
    for parent in sorted(
        {parent for file in files for parent in file.parents if root in parent.parents}, reverse=True
    ):
        if not any(parent.iterdir()):
            parent.rmdir()
    yield from (f"{folder}: removed" for folder in gone)
