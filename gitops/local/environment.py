"""A container's command line and environment variables: from its manifest, the values of secrets, and this machine."""

from __future__ import annotations

import fnmatch
import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitops.errors import NotRunnable
from gitops.local.volumes import translate
from gitops.manifests import image
from gitops.manifests.pod import Container, EnvVar
from gitops.manifests.quantity import quantity

# Fields that would change what the process does; the others are for the scheduler and the kernel.
_UNKNOWN = ("command", "workingDir", "volumeDevices", "stdin", "tty")
# What says of a store that everyone may read it (components/public-store).
_UNSIGNED = "_SKIP_SIGNATURE"
_NAMESPACE = "metadata.namespace"
_REFERENCE = re.compile(r"\$(?:\$|\(([A-Za-z_][A-Za-z0-9_.\-]*)\))")


def arguments(container: Container, mounts: Mapping[str, Path], environ: Mapping[str, str]) -> list[str]:
    """Return the command line that stands in for ``container``.

    Raises:
        NotRunnable: it runs another image, or asks for something that a process here cannot have.
    """
    # What runs in its place is this checkout.
    if not image.is_project_image(container.image):
        raise NotRunnable(
            f"{container.path}.image of container {container.name} is {container.image!r}: the local run knows "
            f"only the project's image, {image.NAME}"
        )
    for field in _UNKNOWN:
        if container.raw.get(field):
            raise NotRunnable(
                f"{container.path}.{field} of container {container.name} is set: the local run has no stand-in for it"
            )
    return [
        *(sys.executable, "-m", "server"),
        *(translate(_expand(argument, environ), mounts) for argument in container.args),
    ]


def variables(
    container: Container,
    mounts: Mapping[str, Path],
    secret: Mapping[str, str],
    operator: Mapping[str, str],
    namespace: str,
) -> dict[str, str]:
    """Return the environment variables of ``container`` as Kubernetes would set them: envFrom, then env.

    ``secret`` is the content of any secret, ``operator`` what the operator adds, ``namespace`` the pod's.

    Raises:
        NotRunnable: a value comes from something that is not here.
    """
    result: dict[str, str] = {}
    for source in container.env_from:
        if source.config_map:
            raise NotRunnable(
                f"{source.path} of container {container.name} is the ConfigMap {source.config_map!r}: "
                "the local run provides secrets only"
            )
        result |= {source.prefix + key: value for key, value in secret.items()}
    for entry in container.env:
        value = _from(container, entry, secret, namespace) if entry.value_from else entry.value
        # The store here wants a signature, and the keys for it are in the secret.
        if value is not None and not entry.name.endswith(_UNSIGNED):
            result[entry.name] = translate(_expand(value, result), mounts)
    if "/tmp" in mounts:  # noqa: S108
        # The default of programs would be /tmp.
        result.setdefault("TMPDIR", str(mounts["/tmp"]))  # noqa: S108
    return {**result, **operator}


def _from(container: Container, entry: EnvVar, secret: Mapping[str, str], namespace: str) -> str | None:
    where = f"{entry.path}.valueFrom of container {container.name}"
    if "resourceFieldRef" in entry.value_from:
        return _resource(container, entry.value_from["resourceFieldRef"], where)
    if "fieldRef" in entry.value_from:
        field = entry.value_from["fieldRef"].get("fieldPath")
        if field != _NAMESPACE:
            raise NotRunnable(f"{where} asks for {field!r}: the local run knows {_NAMESPACE} of a pod only")
        return namespace
    reference = entry.value_from.get("secretKeyRef")
    if reference is None:
        raise NotRunnable(
            f"{where} is {', '.join(entry.value_from)}: the local run provides secretKeyRef, fieldRef and "
            "resourceFieldRef only"
        )
    key = str(reference.get("key"))
    if key not in secret and not reference.get("optional"):
        raise NotRunnable(
            f"{where} asks for the key {key!r} of a secret: the local run makes up {', '.join(secret)}"
        )
    return secret.get(key)


def _resource(container: Container, reference: Mapping[str, Any], where: str) -> str:
    """Return how much of a resource the container asks for, in the divisor and rounded up, as the kubelet has it."""
    kind, _, resource = str(reference.get("resource")).partition(".")
    asked = str(container.raw.get("resources", {}).get(kind, {}).get(resource, 0))
    number, divisor = quantity(asked), quantity(reference.get("divisor", 1))
    if number is None or not divisor:
        raise NotRunnable(
            f"{where} asks for {asked!r} by {reference.get('divisor')!r}: both must be quantities"
        )
    return str(math.ceil(number / divisor))


def _expand(text: str, environ: Mapping[str, str]) -> str:
    """Replace $(NAME) by a variable that is set before, and $$ by $, as Kubernetes does."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return environ.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


# Where programs, interpreters and temporary files are, and the locale; how packages are downloaded: settings
# of uv and pip, proxies, certificates. Nothing else, so that a developer's AWS_* never reach a container.
_PASSED = (
    *("PATH", "HOME", "TMPDIR", "LANG", "LC_*", "TZ"),
    *("UV_*", "PIP_*", "PYENV_*", "ASDF_DATA_DIR", "MISE_DATA_DIR", "NETRC"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
# Of make, for this repository's own environment.
_KEPT_OUT = ("UV_PROJECT_ENVIRONMENT",)
# What lies below HOME unless these say otherwise, of which a manifest may set another: the caches of
# packages, their clients' settings, and the interpreters that uv installed.
_BASES = {"XDG_CACHE_HOME": ".cache", "XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share"}


def host_variables(environ: Mapping[str, str]) -> dict[str, str]:
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
