"""What the deployments of a tree need of Secrets: the image registry's, and those of the stores that their models are in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitops.manifests.graphnode import fetch_arguments
from gitops.manifests.pod import Container
from gitops.manifests.provided import provided_by_cluster, provided_in_namespace
from gitops.manifests.rendered import Rendered, Workload
from gitops.manifests.secrets import SEALED, SECRET, source_of_secret
from gitops.manifests.site import Site
from gitops.manifests.tree import Tree
from gitops.seal import secrets
from gitops.seal.secrets import Secret, image_pull, object_store
from gitops.seal.stores import MLFLOW, STORES, Store, store_of


@dataclass(frozen=True)
class Needs:
    """The overlays that pull with the pull secret, those that fetch with an account of a store, and what else makes Secrets.

    ``sources`` has the title of what makes a Secret, and is no SealedSecret, by the Secret's name. ``listed`` are the Secrets that
    are sealed for a first overlay, empty as soon as there is one.
    """

    site: Site
    pull: tuple[str, ...]
    stores: Mapping[Store, tuple[str, ...]]
    sources: Mapping[str, str]
    listed: frozenset[str]

    def secrets(self) -> Iterator[tuple[Secret, str]]:
        """Yield each Secret that is to be sealed, and why."""
        pull = image_pull(self.site)
        if self.pull and pull.name not in self.sources:
            yield pull, f"pulls the image for {_listed(self.pull)}"
        if self.stores and self.site.object_store_secret not in self.sources:
            reasons = [f"{store.name} for {_listed(overlays)}" for store, overlays in self.stores.items()]
            yield object_store(self.site, self.stores), f"fetches from {', from '.join(reasons)}"
        for secret in (pull, object_store(self.site)):
            if secret.name in self.listed:
                yield secret, "is listed in base/secrets, for the first overlay"
        for secret in self._others():
            if secret.name not in self.sources:
                yield secret, "is one of a fork's own, in gitops/seal/secrets.py"

    def not_sealed(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each Secret that is not to be sealed, and why."""
        for name, found, need in (
            (self.site.image_pull_secret, self.pull, "pulls with it"),
            (self.site.object_store_secret, self.stores, "fetches with keys of a store"),
            *((secret.name, True, "") for secret in self._others()),
        ):
            if name in self.sources:
                yield name, f"comes from {self.sources[name]}"
            elif not found and name not in self.listed:
                yield name, f"no overlay {need}"

    def _others(self) -> Iterator[Secret]:
        return (secret for secret in secrets.secrets(self.site) if secret.name not in _names(self.site))


def _names(site: Site) -> tuple[str, str]:
    return site.image_pull_secret, site.object_store_secret


def needs(tree: Tree, site: Site) -> Needs:
    """Return what the overlays of ``tree`` need, as far as they build."""
    pull: list[str] = []
    stores: dict[Store, list[str]] = defaultdict(list)
    for folder, rendered in tree.rendered.items():
        for workload in _overlay_workloads(rendered, site):
            if site.image_pull_secret in workload.pod.image_pull_secrets and folder not in pull:
                pull.append(folder)
            for container in workload.pod.init_containers:
                store = _account_of(container, site)
                if store and folder not in stores[store]:
                    stores[store].append(folder)
    known = {store: tuple(stores[store]) for store in STORES if stores[store]}
    return Needs(site, tuple(pull), known, _other_sources(tree, site), _listed_secrets(tree, site))


def _listed_secrets(tree: Tree, site: Site) -> frozenset[str]:
    if any(rendered.overlay for rendered in tree.rendered.values()):
        return frozenset()
    return frozenset(
        found.name
        for rendered in tree.rendered.values()
        for found in filter(None, map(source_of_secret, rendered.objects))
        if found.kind == SEALED and found.namespace == site.namespace and found.name in _names(site)
    )


def _overlay_workloads(rendered: Rendered, site: Site) -> Iterator[Workload]:
    """Yield the workloads of an overlay, but those that say that the cluster has their Secrets."""
    cluster = provided_by_cluster(rendered)
    for workload in rendered.workloads if rendered.overlay else ():
        if not any((workload.title, SECRET, name) in cluster for name in _names(site)):
            yield workload


def _account_of(container: Container, site: Site) -> Store | None:
    """Return the store whose account a container fetches with, None where it fetches with none."""
    store = store_of(fetch_arguments(container)[0])
    sources = [source for source in container.env_from if source.secret == site.object_store_secret]
    # An optional Secret: the pod's own identity reads the store, and nothing but MLflow may want a login.
    needed = store is MLFLOW or not all(source.optional for source in sources)
    return store if sources and needed else None


def _other_sources(tree: Tree, site: Site) -> dict[str, str]:
    found = {
        name: f"the cluster, as {owner} says"
        for (namespace, kind, name), owner in provided_in_namespace(tree).items()
        if (namespace, kind) == (site.namespace, SECRET)
    }
    for folder, rendered in tree.rendered.items():
        for entry in rendered.objects if folder not in tree.compositions else ():
            secret = source_of_secret(entry)
            if secret and secret.kind != SEALED and secret.namespace == site.namespace:
                found[secret.name] = f"{secret.title} in {folder}"
    return found


def _listed(overlays: Sequence[str]) -> str:
    return overlays[0] if len(overlays) == 1 else f"{overlays[0]} and {len(overlays) - 1} more"
