"""The values of the two secrets: from the environment, or for a store of the run's own made up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gitops.manifests.site import Site
from gitops.seal.command import values_of
from gitops.seal.secrets import object_store, secrets
from gitops.seal.values import clean
from tests.e2e import store
from tests.e2e.errors import E2eError


def values(
    environ: Mapping[str, str], site: Site, *, store_in_pod: bool, notice: Callable[[str], None]
) -> dict[str, str]:
    """Return the values of all secrets of ``site`` by their names.

    Raises:
        E2eError: one is missing.
        BadValue: one cannot be right; the message does not show it.
    """
    found = store.account() if store_in_pod else {}
    wanted = [
        value
        for secret in secrets(site)
        for value in secret.values
        if value.name not in found and (environ.get(value.name) or not value.optional)
    ]
    given = {value.name: environ.get(value.name) or value.default for value in wanted}
    missing = [name for name, text in given.items() if not text]
    if missing:
        own = {value.name for value in object_store(site).values}
        instead = "; STORE=pod needs no account of a store" if own & set(missing) else ""
        raise E2eError(
            f"{', '.join(missing)}: not set; they are sealed to the cluster for {site.image_pull_secret} and {site.object_store_secret}, as by "
            f"`make seal`{instead}"
        )
    found |= {name: clean(name, text, notice) for name, text in given.items()}
    # What cannot be right is said before anything is made.
    for secret in secrets(site):
        secret.manifest(values_of(secret, found))
    return found
