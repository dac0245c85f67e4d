"""What a model's URI stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from server.artifact import registry
from server.artifact.archive import Archive
from server.artifact.local import LocalFolder, path
from server.artifact.progress import Progress
from server.artifact.store import StoreFolder
from server.artifact.tracking import TrackedFolder
from server.errors import BadSetting
from server.settings import FetchSettings


class Source(Protocol):
    """Where a model's files are."""

    def copy(self, folder: Path, progress: Progress) -> None:
        """Write the model's files below ``folder``, an empty one, or raise a ServerError."""


def source(uri: str, settings: FetchSettings) -> Source:
    """Return what ``uri`` stands for; the name of a model in MLflow is resolved first.

    Raises:
        BadSetting: no source has such a URI.
        ServerError: MLflow cannot resolve it.
    """
    if not uri.startswith(("models:", "runs:")):
        return _place(uri, uri, settings)
    return _place(uri, registry.resolve(uri, settings), settings)


def _place(uri: str, location: str, settings: FetchSettings) -> Source:
    """Return the source at ``location``, which ``uri`` was resolved to."""
    scheme = location.partition(":")[0]
    if scheme == "file":
        return LocalFolder(location, path(location), settings)
    if scheme in ("s3", "gs", "az", "abfs", "abfss", "wasb", "wasbs"):
        return StoreFolder(location, settings)
    if scheme in ("http", "https"):
        return Archive(location, settings)
    if scheme == "mlflow-artifacts":
        return TrackedFolder(uri, location, settings)
    what = location if uri == location else f"{uri} is at {location}, which"
    raise BadSetting(
        f"{what}: must begin with s3://, gs://, az://, https://, file://, models:/ or runs:/; correct the model's URI"
    )


def shown(uri: str) -> str:
    """Return ``uri`` as messages show it: the credentials and the query of an HTTP address are left out."""
    if not uri.startswith(("http:", "https:")):
        return uri
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
