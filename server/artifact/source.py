"""What a model's URI stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from server.artifact.local import LocalFolder, path
from server.artifact.progress import Progress
from server.artifact.store import StoreFolder
from server.errors import BadSetting
from server.settings import FetchSettings


class Source(Protocol):
    """Where a model's files are."""

    def copy(self, folder: Path, progress: Progress) -> None:
        """Write the model's files below ``folder``, an empty one, or raise a ServerError."""


def source(uri: str, settings: FetchSettings) -> Source:
    """Return what ``uri`` stands for.

    Raises:
        BadSetting: no source has such a URI.
    """
    scheme = uri.partition(":")[0]
    if scheme == "file":
        return LocalFolder(uri, path(uri), settings)
    if scheme in ("s3", "gs", "az", "abfs", "abfss", "wasb", "wasbs"):
        return StoreFolder(uri, settings)
    raise BadSetting(f"{uri}: must begin with s3://, gs://, az:// or file://; correct the model's URI")
