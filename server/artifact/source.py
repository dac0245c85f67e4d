"""What a model's URI stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from server.artifact import registry
from server.artifact.archive import Archive
from server.artifact.local import LocalFolder, path
from server.artifact.progress import Progress
from server.artifact.registry import TrackedFolder
from server.artifact.store import StoreFolder
from server.errors import BadSetting, SourceNotFound
from server.settings import FetchSettings

_SCHEMES = ("s3://", "gs://", "az://", "https://", "file://", "models:/", "runs:/")


class Source(Protocol):
    """Where a model's files are."""

    def copy(self, folder: Path, progress: Progress) -> None:
        """Write the model's files below ``folder``, an empty one, or raise a ServerError."""


def names(uri: str, settings: FetchSettings) -> list[str]:
    """Return the names that lead to where ``uri`` is: itself alone, but where it is a model's name in MLflow.

    Raises:
        BadSetting: no source has such a URI.
        ServerError: MLflow cannot resolve it.
    """
    return registry.way(uri, settings) if uri.startswith(("models:", "runs:")) else [uri]


def source(uri: str, settings: FetchSettings, way: list[str] | None = None) -> Source:
    """Return what ``uri`` stands for; the name of a model in MLflow is resolved first, unless ``way`` has its names.

    Raises:
        BadSetting: no source has such a URI.
        ServerError: MLflow cannot resolve it.
    """
    return _place(uri, (way or names(uri, settings))[-1], settings)


def _place(uri: str, location: str, settings: FetchSettings) -> Source:
    """Return the source at ``location``, which ``uri`` was resolved to."""
    scheme = location.partition(":")[0]
    if scheme == "file" and (uri == location or path(location).is_dir()):
        return LocalFolder(location, path(location), settings)
    if scheme in ("s3", "gs", "az", "abfs", "abfss", "wasb", "wasbs"):
        return StoreFolder(location, settings)
    if scheme == "mlflow-artifacts" or (scheme in ("http", "https") and uri != location):
        return TrackedFolder(uri, location, settings)
    if scheme in ("http", "https"):
        return Archive(location, settings)
    if uri == location:
        raise BadSetting(f"{uri}: must begin with {', '.join(_SCHEMES)}; correct the model's URI")
    raise SourceNotFound(
        f"{uri}: the tracking server says that it is at {location}, which is out of reach from here; "
        "log it to an object store, or let the tracking server hand out its artifacts (--serve-artifacts)"
    )


def shown(uri: str) -> str:
    """Return ``uri`` as messages show it: the credentials and the query of an HTTP address are left out."""
    if not uri.startswith(("http:", "https:")):
        return uri
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
