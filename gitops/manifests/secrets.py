"""What makes Secrets: a SealedSecret, an ExternalSecret, and a Secret in git, which SOPS has to have encrypted.

Sources: https://external-secrets.io/latest/api/externalsecret/ and https://getsops.io/docs/#encryption-protocol.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.manifests.seldondeployment import DEFAULT_NAMESPACE, title
from gitops.manifests.unstructured import nested, nested_list, nested_map

SECRET, SEALED, EXTERNAL = "Secret", "SealedSecret", "ExternalSecret"
# The field that SOPS adds to what it encrypts.
SOPS = "sops"
_ENCRYPTED = re.compile(r"ENC\[AES256_GCM,data:[^,]*,iv:[^,]+,tag:[^,]+,type:\w+\]")
_OPAQUE = "Opaque"


@dataclass(frozen=True)
class SecretSource:
    """The Secret that an object makes: ``title`` is the object's, the rest the Secret's.

    ``keys`` is None where only a store outside of git knows them.
    """

    title: str
    kind: str
    namespace: str
    name: str
    type: str
    keys: frozenset[str] | None


def source_of_secret(entry: Mapping[str, Any]) -> SecretSource | None:
    """Return the Secret that a rendered object makes, None for an object that makes none."""
    kind, spec = str(entry.get("kind")), nested_map(entry, "spec")
    name = str(nested(entry, "metadata", "name"))
    if kind == SECRET:
        keys = frozenset(key for field in ("data", "stringData") for key in nested_map(entry, field))
        return _source(entry, name, entry.get("type"), keys)
    if kind == SEALED:
        template = nested_map(spec, "template")
        keys = frozenset((*nested_map(spec, "encryptedData"), *nested_map(template, "data")))
        return _source(entry, name, template.get("type"), keys)
    # With the others the operator adds to a Secret that something else makes, or writes none.
    if kind == EXTERNAL and nested(spec, "target", "creationPolicy") in (None, "Owner", "Orphan"):
        named = nested(spec, "target", "name") or name
        return _source(entry, str(named), nested(spec, "target", "template", "type"), _external_keys(spec))
    return None


def _source(entry: Mapping[str, Any], name: str, type_: Any, keys: frozenset[str] | None) -> SecretSource:
    namespace = str(nested(entry, "metadata", "namespace") or DEFAULT_NAMESPACE)
    return SecretSource(title(entry), str(entry["kind"]), namespace, name, str(type_ or _OPAQUE), keys)


def _external_keys(spec: Mapping[str, Any]) -> frozenset[str] | None:
    template = nested_map(spec, "target", "template")
    own, merged = nested_map(template, "data"), template.get("mergePolicy") == "Merge"
    if template.get("templateFrom"):
        return None
    if own and not merged:
        return frozenset(own)
    if spec.get("dataFrom"):
        return None
    return frozenset((*own, *(str(nested(item, "secretKey")) for item in nested_list(spec, "data"))))


def is_encrypted(entry: Mapping[str, Any]) -> bool:
    """Whether SOPS encrypted a Secret: its ``clear_values`` are then those that it left out."""
    return entry.get("kind") == SECRET and isinstance(entry.get(SOPS), Mapping)


def clear_values(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the path of each value of a Secret that SOPS did not encrypt; it leaves empty ones as they are."""
    for field in ("data", "stringData"):
        for key, value in nested_map(entry, field).items():
            if value != "" and not _ENCRYPTED.fullmatch(str(value)):
                yield f"{field}.{key}"
