"""Names of registered models that may mean another model tomorrow."""

from __future__ import annotations

import re

_ALIAS = re.compile(r"models:/[^/@]+@[^/@]+/?")


def is_alias(model: str) -> bool:
    """Whether ``model`` is the alias of a registered model, as in models:/name@champion."""
    return _ALIAS.fullmatch(model) is not None
