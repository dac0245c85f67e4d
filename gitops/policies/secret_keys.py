"""Policies about what makes a Secret: a SealedSecret, an ExternalSecret, or a Secret that SOPS encrypted."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from gitops.manifests.rendered import BASE, Rendered
from gitops.manifests.secrets import SEALED, SecretSource, source_of_secret
from gitops.manifests.tree import Tree
from gitops.policies.policy import Violation, policy
from gitops.seal.needs import needs
from gitops.seal.secrets import Secret, object_store, secrets
from gitops.seal.stores import ACCOUNT_NAME, MLFLOW, STORES, Store


@policy
def secret_keys(tree: Tree) -> Iterator[Violation]:
    """A Secret of the deployments has the keys and the type that they need: a pod finds no other."""
    site = tree.site
    if site is None:
        return
    needed, known = set(needs(tree, site).stores), {secret.name: secret for secret in secrets(site)}
    for folder, found in _sources(tree):
        if found.namespace != site.namespace or found.name not in known:
            continue
        given, secret = found.keys, known[found.name]
        if found.name == site.object_store_secret:
            secret = object_store(site, needed | _stores_of(given))
        if found.type != secret.type:
            message = f"makes a Secret of type {found.type!r}: must be {secret.type}"
            yield Violation(found.title, message, _again(found), folder)
        keys = frozenset(secret.keys)
        for message, names in (
            ("lacks", keys - (keys if given is None else given)),
            ("has", (given or frozenset()) - keys - set(secret.optional_keys)),
        ):
            if names:
                what = f"{message} the {'key' if len(names) == 1 else 'keys'} {', '.join(sorted(names))}"
                yield Violation(found.title, f"{what}: {_rule(secret)}", _again(found), folder)


def _stores_of(keys: frozenset[str] | None) -> set[Store]:
    """Return the stores whose account is among ``keys``: it is of no use without the others."""
    return {store for store in STORES if not (keys or frozenset()).isdisjoint(store.account)}


def _rule(secret: Secret) -> str:
    others = f", and may be {', '.join(secret.optional_keys)} too" if secret.optional_keys else ""
    return f"must be {', '.join(secret.keys) or 'none'}{others}"


@policy
def secret_source(rendered: Rendered) -> Iterator[Violation]:
    """A Secret has one source: two would overwrite each other's values for ever."""
    sources: dict[tuple[str, str], list[str]] = defaultdict(list)
    for found in filter(None, map(source_of_secret, rendered.objects)):
        sources[found.namespace, found.name].append(found.title)
    for (namespace, name), titles in sources.items():
        if len(titles) > 1:
            yield Violation(
                f"Secret {name}",
                f"has {len(titles)} sources in namespace {namespace}: {', '.join(titles)}",
                "keep one of them in base/secrets/kustomization.yaml (docs/secrets.md)",
            )


@policy
def identity_keys(tree: Tree) -> Iterator[Violation]:
    """A pod that reads its store by an identity gets no keys of a store: they would count before the identity."""
    name = tree.site.object_store_secret if tree.site else ""
    sources = {(found.namespace, found.name): found for _, found in _sources(tree)}
    accounts = {name for store in STORES if store is not MLFLOW for name in store.account}
    for folder, rendered in tree.rendered.items():
        for workload in rendered.workloads if folder not in (BASE, *tree.compositions) else ():
            secret = sources.get((workload.namespace, name))
            keys = sorted(accounts.intersection(secret.keys or ())) if secret else []
            account = workload.pod.raw.get("serviceAccountName")
            for container in workload.pod.init_containers if account and keys else ():
                for source in container.env_from:
                    # What has an identity reads the Secret for MLflow's login alone, if there is one.
                    if secret and source.secret == name and source.optional:
                        yield Violation(
                            workload.title,
                            f"{source.path} reads {', '.join(keys)} of {secret.title} before the identity of the service "
                            f"account {account} counts",
                            f"remove {secret.title} from base/secrets, make it without them, or remove envFrom here",
                            folder,
                        )


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns; these accounts are those of
# AWS's documentation.
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?!111122223333|123456789012|0{12})[0-9]{12}:role/[\w+=,.@/-]+")
_UUID = re.compile(r"(?!0{8}-)[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# By variable: the form of its value, and the words for it.
_IDENTITY: Mapping[str, tuple[re.Pattern[str], str]] = {
    "AWS_ROLE_ARN": (_ROLE, "the ARN of a role of your account, as in arn:aws:iam::<12 digits>:role/<name>"),
    "AZURE_CLIENT_ID": (_UUID, "the client ID of your managed identity, a UUID that is not all zeros"),
    "AZURE_TENANT_ID": (_UUID, "the ID of your tenant, a UUID that is not all zeros"),
    ACCOUNT_NAME: (re.compile(r"[a-z0-9]{3,24}"), "the name of your storage account: 3 to 24 of a–z and 0–9"),
}


@policy
def identity_value(tree: Tree) -> Iterator[Violation]:
    """A pod's identity is one of yours: the store refuses the one that the component has as an example."""
    for folder, rendered in tree.rendered.items():
        for workload in rendered.workloads if folder not in (BASE, *tree.compositions) else ():
            for container in workload.containers:
                for variable in container.env:
                    form, words = _IDENTITY.get(variable.name, (None, ""))
                    if form and variable.value is not None and not form.fullmatch(variable.value):
                        yield Violation(
                            workload.title,
                            f"{variable.path}: {variable.name} is {variable.value!r}: must be {words}",
                            "write it into the component that sets it, in components/workload-identity-aws/aws.yaml or "
                            "components/workload-identity-azure/azure.yaml (docs/secrets.md)",
                            folder,
                        )


def _sources(tree: Tree) -> Iterator[tuple[str, SecretSource]]:
    """Yield the Secrets that the tree makes, with the folder; a component that nothing uses makes none."""
    for folder, rendered in tree.rendered.items():
        for entry in rendered.objects if folder not in tree.compositions else ():
            found = source_of_secret(entry)
            if found is not None:
                yield folder, found


def _again(found: SecretSource) -> str:
    if found.kind == SEALED:
        return f"seal it again: `make seal SECRET={found.name}` (docs/secrets.md)"
    return "correct it (docs/secrets.md)"
