"""The project's own image, whatever registry and owner a fork gives it."""

from __future__ import annotations

import re

NAME = "seldon-mlflow-server"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# Stands for a release to come.
UNRELEASED = "sha256:" + "0" * 64


def ours(image: str) -> bool:
    """Whether an image's reference names the project's image."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0] == NAME


def digest(image: str) -> str:
    """Return the digest of an image's reference, empty where it has none."""
    return image.partition("@")[2]


def is_digest(text: str) -> bool:
    """Whether ``text`` is a digest that an image can have: one of zeros stands for none."""
    return _DIGEST.fullmatch(text) is not None and text != UNRELEASED
