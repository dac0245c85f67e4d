"""A model that a tracking server hands out itself, as mlflow-artifacts:/ or by HTTP: by MLflow's own client."""

from __future__ import annotations

import posixpath
from pathlib import Path

from server.artifact import entries
from server.artifact.entries import Entry
from server.artifact.local import LocalFolder
from server.artifact.progress import Progress
from server.artifact.registry import asked
from server.artifact.staging import check_space
from server.errors import SourceNotFound
from server.settings import FetchSettings


class TrackedFolder:
    """The model at ``location``, which the tracking server said that ``uri`` is at."""

    def __init__(self, uri: str, location: str, settings: FetchSettings) -> None:
        self._uri = uri
        self._location = location.rstrip("/")
        self._settings = settings

    def copy(self, folder: Path, progress: Progress) -> None:
        """Write the model's files below ``folder``.

        Raises:
            ServerError: the tracking server refuses or does not answer, or the files may not be written.
        """
        found = self._list()
        if not found:
            raise SourceNotFound(
                f"{self._uri}: the tracking server has nothing at {self._location}; log the model again"
            )
        entries.check(found, self._uri, self._settings)
        size = sum(entry.size for entry in found)
        check_space(folder, size)
        progress.expect(size)
        scratch = folder.parent / "download"
        with asked(self._uri, self._settings), progress.watching(scratch):
            from mlflow import artifacts

            made = artifacts.download_artifacts(
                artifact_uri=self._location,
                dst_path=str(scratch),
                tracking_uri=self._settings.tracking_uri,
            )
        folder.rmdir()
        Path(made).rename(folder)
        # The server may have handed out something else than it listed.
        LocalFolder(self._uri, folder, self._settings).check()

    def _list(self) -> list[Entry]:
        """Return the files at the location, folder by folder."""
        found: list[Entry] = []
        folders, seen, size = [""], 0, 0
        while folders:
            folder = folders.pop()
            with asked(self._uri, self._settings):
                from mlflow import artifacts

                content = artifacts.list_artifacts(
                    artifact_uri=posixpath.join(self._location, folder).rstrip("/"),
                    tracking_uri=self._settings.tracking_uri,
                )
            for info in content:
                name = posixpath.join(folder, posixpath.basename(info.path))
                entries.check_name(name, self._uri)
                seen, size = seen + 1, size + (info.file_size or 0)
                # Here too: a listing without end would fill the memory.
                entries.check_limits(seen, size, self._uri, self._settings)
                if info.is_dir:
                    folders.append(name)
                else:
                    found.append(Entry(name, info.file_size or 0))
        return found
