"""The variables and secrets of a workflow's environment that a promotion uses."""

from __future__ import annotations

import fnmatch
import json
import ssl
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from gitops.errors import BadArgument
from server.settings import EnvironmentSettings, FetchSettings

# Of MLflow's client, the stores' (obstore), uv and pip, TLS and proxies; beside the settings of the server itself.
_KNOWN = (
    *("MLFLOW_*", "DATABRICKS_*", "AWS_*", "GOOGLE_*", "AZURE_*"),
    *("UV_*", "PIP_*", "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *{
        name
        for kind in (FetchSettings, EnvironmentSettings)
        for entry in fields(kind)
        for name in entry.metadata["env"]
    },
)
# What may write to the repository, and what changes how programs start. Not even a list takes them.
_NEVER = (
    *("GITHUB_*", "ACTIONS_*", "RUNNER_*", "GH_*", "PULL_REQUEST_TOKEN", "APP_*", "*PRIVATE_KEY"),
    *("PATH", "HOME", "SHELL", "ENV", "BASH_ENV", "IFS", "LD_*", "DYLD_*", "PYTHON*", "MAKE*"),
    *("UV_PROJECT_ENVIRONMENT", "VARIABLES", "SECRETS", "PROMOTION_VARIABLES"),
)
# Paths of files. A value that is a document itself becomes such a file.
_FILES = (
    *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "FETCH_CA_BUNDLE", "AWS_CA_BUNDLE"),
    *("MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_CLIENT_CERT_PATH", "FETCH_SIGNATURE_KEY"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AZURE_FEDERATED_TOKEN_FILE", "NETRC"),
)
# The secret or variable with a company's certificate authorities, and the variables that point to them.
_AUTHORITIES, _TRUSTING = "CA_BUNDLE", ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "FETCH_CA_BUNDLE")


@contextmanager
def exported(environ: MutableMapping[str, str]) -> Iterator[None]:
    """Set in ``environ``, for the block, what its VARIABLES and SECRETS hold and a promotion takes.

    Both are JSON objects, as toJSON(vars) and toJSON(secrets) are; a secret counts before a variable. Taken is what
    MLflow, the stores, uv, pip and TLS know by name, and what the variable PROMOTION_VARIABLES lists. Both are gone
    from ``environ`` in the block, so that no child gets them.

    Raises:
        BadArgument: one is not JSON object of texts, or the list names what is not there or never taken.
    """
    given = {**_read(environ, "VARIABLES"), **_read(environ, "SECRETS")}
    listed = (
        given.get("PROMOTION_VARIABLES", environ.get("PROMOTION_VARIABLES", "")).replace(",", " ").split()
    )
    for name in listed:
        if _matches(name, _NEVER):
            raise BadArgument(f"PROMOTION_VARIABLES: {name!r} is never given to a promotion; leave it out")
        if name not in given:
            raise BadArgument(
                f"PROMOTION_VARIABLES: there is no variable and no secret {name!r}; add it to the environment, or leave "
                "it out of the list"
            )
    found = {
        name: value
        for name, value in given.items()
        if value and (name in listed or (_matches(name, _KNOWN) and not _matches(name, _NEVER)))
    }
    before = dict(environ)
    with tempfile.TemporaryDirectory(prefix="promotion-") as folder:
        for name, value in found.items():
            if name in _FILES and _is_document(value):
                found[name] = _file(Path(folder), name, value)
        if authorities := given.get(_AUTHORITIES):
            path = _file(Path(folder), _AUTHORITIES, f"{_system()}\n{authorities}\n")
            found = {**dict.fromkeys(_TRUSTING, path), **found}
        environ.update(found)
        for name in ("VARIABLES", "SECRETS"):
            environ.pop(name, None)
        try:
            yield
        finally:
            environ.clear()
            environ.update(before)


def _read(environ: Mapping[str, str], name: str) -> dict[str, str]:
    text = environ.get(name, "").strip()
    if not text:
        return {}
    try:
        found: Any = json.loads(text)
    except ValueError:
        # Not even a part of it is shown: it may be a secret.
        found = None
    if found is None and text != "null":
        raise BadArgument(
            f"{name}: must be a JSON object, as in `{name}: ${{{{ toJSON({_CONTEXT[name]}) }}}}`"
        )
    if not isinstance(found or {}, dict) or not all(
        isinstance(value, str) for value in (found or {}).values()
    ):
        raise BadArgument(f"{name}: must be a JSON object whose values are texts")
    return dict(found or {})


# The variables of a step, and the contexts that they hold.
_CONTEXT = dict(zip(("VARIABLES", "SECRETS"), ("vars", "secrets"), strict=True))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name.upper(), pattern) for pattern in patterns)


def _is_document(value: str) -> bool:
    return value.lstrip().startswith(("-----BEGIN", "{")) or "\n" in value.strip()


def _file(folder: Path, name: str, content: str) -> str:
    """Return the path of a file that nobody else can read."""
    file = folder / name
    file.touch(mode=0o600)
    file.write_text(content, encoding="utf-8")
    return str(file)


def _system() -> str:
    """Return the authorities that this machine trusts, as PEM."""
    trusted = ssl.get_default_verify_paths().cafile
    return Path(trusted).read_text(encoding="utf-8") if trusted else ""
