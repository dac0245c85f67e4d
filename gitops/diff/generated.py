"""Names of generated ConfigMaps and Secrets, which kustomize ends with a hash of their content."""

from __future__ import annotations

import re

# Ten characters of kustomize's alphabet: letters and digits that spell no words.
_HASHED = re.compile(r"(?P<stem>.+)-[bcdfghkmt2456789]{10}")
KINDS = ("ConfigMap", "Secret")


def stem(name: str) -> str:
    """Return the name of a generated object without its hash; any other name as it is."""
    match = _HASHED.fullmatch(name)
    return match["stem"] if match else name
