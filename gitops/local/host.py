"""The few settings of this machine that a container's process gets beside its own environment."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from pathlib import Path

# Where programs, interpreters and temporary files are, and the locale; how packages are downloaded: settings
# of uv and pip, proxies, certificates. Nothing else, so that a developer's AWS_* never reach a container.
_PASSED = (
    *("PATH", "HOME", "TMPDIR", "LANG", "LC_*", "TZ"),
    *("UV_*", "PIP_*", "PYENV_*", "NETRC"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
# Of make, for this repository's own environment.
_KEPT_OUT = ("UV_PROJECT_ENVIRONMENT",)
# What lies below HOME unless these say otherwise, of which a manifest may set another: the caches of
# packages, their clients' settings, and the interpreters that uv installed.
_BASES = {"XDG_CACHE_HOME": ".cache", "XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share"}


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of ``environ`` that a container's process gets."""
    passed = {
        name: value
        for name, value in environ.items()
        if any(fnmatch.fnmatchcase(name.upper(), pattern) for pattern in _PASSED) and name not in _KEPT_OUT
    }
    bases = {
        name: environ.get(name) or str(Path(environ["HOME"], below))
        for name, below in _BASES.items()
        if environ.get(name) or environ.get("HOME")
    }
    return passed | bases
