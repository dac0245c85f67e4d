"""Requests over REST, picked by hand: each with the row of docs/conformance.md that tells of its answers, or none."""

from __future__ import annotations

from tests.conformance.rest.bodies import BODIES
from tests.conformance.rest.echoes import ECHOES, NAMES, RESULTS
from tests.conformance.rest.metas import FEEDBACK, METAS
from tests.conformance.rest.paths import MORE, PATHS
from tests.conformance.rest.tables import TABLES

CASES = [*PATHS, *BODIES, *TABLES, *ECHOES, *RESULTS, *METAS, *FEEDBACK, *NAMES]
__all__ = ["CASES", "MORE"]
