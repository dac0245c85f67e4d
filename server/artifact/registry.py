"""Models by their names in MLflow: models:/ and runs:/ resolved to where their files are.

Those that a tracking server hands out itself, as mlflow-artifacts:/ or by HTTP, come by MLflow's own client.
"""

from __future__ import annotations

import logging
import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from server.artifact import staging
from server.artifact.local import LocalFolder
from server.artifact.progress import Progress
from server.artifact.staging import Entry, check_space
from server.artifact.store_client import authorities
from server.errors import AccessDenied, BadSetting, ServerError, SourceNotFound, SourceUnreachable
from server.settings import FetchSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

_VERSION = re.compile(r"models:/(?P<name>[^/@]+)/(?P<version>\d+)/?")
_ALIAS = re.compile(r"models:/(?P<name>[^/@]+)@(?P<alias>[^/@]+)/?")
_LOGGED = re.compile(r"models:/(?P<id>m-[^/@]+)/?")
_RUN = re.compile(r"runs:/(?P<run>[^/]+)/(?P<path>.+?)/?")
# The value of an Authorization header, which a message about a wrong one quotes.
_HEADER = re.compile(r"(?i)(?<=['\"])(bearer|basic) [^'\"]*|\b(bearer|basic) [^\s'\"]+")
# models:/name@alias → models:/name/version → models:/m-… → the place, and one to spare.
_STEPS = 5
# MLflow's client retries for minutes by default, and sends telemetry. Variables of the environment take precedence.
_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
# What MLflow's client, and requests below it, read to know whom to trust.
_TRUST = (
    "MLFLOW_TRACKING_SERVER_CERT_PATH",
    "MLFLOW_TRACKING_INSECURE_TLS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
_STATUSES: dict[int, tuple[type[ServerError], str]] = {
    400: (SourceNotFound, "correct the model's URI"),
    401: (
        AccessDenied,
        "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    ),
    403: (AccessDenied, "allow this user to read the model"),
    404: (SourceNotFound, "correct the model's URI"),
}


def resolve(uri: str, settings: FetchSettings) -> str:
    """Return the URI of the folder that ``uri``, models:/… or runs:/…, stands for now.

    Raises:
        BadSetting: the URI is of no such form, or there is no tracking server to ask.
        ServerError: the tracking server refuses, does not answer, or knows no such model.
    """
    return way(uri, settings)[-1]


def way(uri: str, settings: FetchSettings) -> list[str]:
    """Return the names that lead from ``uri`` to the folder that it stands for now: ``uri`` first, the folder last.

    Raises:
        ServerError: as of ``resolve``.
    """
    if not settings.tracking_uri:
        raise BadSetting(
            f"{uri}: is resolved by a tracking server, and none is set; set MLFLOW_TRACKING_URI to its address"
        )
    names = [uri]
    with asked(uri, settings):
        # One or two seconds, which only these URIs cost.
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=settings.tracking_uri, registry_uri=settings.tracking_uri)
        for _ in range(_STEPS):
            if not names[-1].startswith(("models:", "runs:")):
                log.info("%s is at %s", uri, names[-1])
                return names
            names.append(_step(client, names[-1]))
    raise SourceNotFound(
        f"{uri}: leads from one name to another ({names[-1]}) and to no files; register it again"
    )


def version(names: Iterable[str]) -> str:
    """Return the version in the registry among the names that lead to a model (``way``), or "" where there is none."""
    found = [match["version"] for match in map(_VERSION.fullmatch, names) if match]
    return found[-1] if found else ""


def _step(client: MlflowClient, uri: str) -> str:
    if match := _VERSION.fullmatch(uri):
        return str(client.get_model_version_download_uri(match["name"], match["version"]))
    if match := _ALIAS.fullmatch(uri):
        version = client.get_model_version_by_alias(match["name"], match["alias"]).version
        log.info("%s is version %s", uri, version)
        return f"models:/{match['name']}/{version}"
    if match := _LOGGED.fullmatch(uri):
        return str(client.get_logged_model(match["id"]).artifact_location)
    if match := _RUN.fullmatch(uri):
        return _logged_by(client, match["run"], match["path"])
    raise BadSetting(
        f"{uri}: must be models:/name/version, models:/name@alias, models:/m-… or runs:/run/path; "
        "correct the model's URI"
    )


def _logged_by(client: MlflowClient, run_id: str, path: str) -> str:
    """Return where the model ``path`` of a run is: MLflow 3 keeps it apart from the run's own artifacts."""
    run = client.get_run(run_id)
    for output in run.outputs.model_outputs if run.outputs else []:
        model = client.get_logged_model(output.model_id)
        if model.name == path:
            return f"models:/{model.model_id}"
    return f"{str(run.info.artifact_uri).rstrip('/')}/{path}"


@contextmanager
def asked(uri: str, settings: FetchSettings) -> Iterator[None]:
    """Turn what MLflow's client raises in the block, about ``uri``, into a ServerError."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    from mlflow.exceptions import MlflowException
    from requests import HTTPError, RequestException

    server = re.sub(r"//[^/@]*@", "//", settings.tracking_uri)
    try:
        with _trusting(settings):
            yield
    except MlflowException as error:
        raise _refused(uri, server, error.get_http_status_code(), str(error)) from error
    except HTTPError as error:
        status = 0 if error.response is None else error.response.status_code
        raise _refused(uri, server, status, str(error)) from error
    except RequestException as error:
        raise _refused(uri, server, 0, str(error)) from error


@contextmanager
def _trusting(settings: FetchSettings) -> Iterator[None]:
    """Let MLflow's client trust FETCH_CA_BUNDLE in the block, unless its own variables say whom it trusts."""
    if authorities(settings) is None or any(os.environ.get(name) for name in _TRUST):
        yield
        return
    os.environ[_TRUST[0]] = settings.ca_bundle
    try:
        yield
    finally:
        del os.environ[_TRUST[0]]


def _refused(uri: str, server: str, status: int, said: str) -> ServerError:
    kind, fix = _STATUSES.get(status, (SourceUnreachable, "correct MLFLOW_TRACKING_URI, or start the server"))
    words = _HEADER.sub("(hidden)", re.sub(r"//[^/@\s]*@", "//", " ".join(said.split())))
    return kind(f"{uri}: {server} says: {words[:300]}{'…' if len(words) > 300 else ''}; {fix}")


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
        staging.check_entries(found, self._uri, self._settings)
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
                staging.check_name(name, self._uri)
                seen, size = seen + 1, size + (info.file_size or 0)
                # Here too: a listing without end would fill the memory.
                staging.check_limits(seen, size, self._uri, self._settings)
                if info.is_dir:
                    folders.append(name)
                else:
                    found.append(Entry(name, info.file_size or 0))
        return found
