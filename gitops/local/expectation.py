"""The expected.json in an overlay's folder."""

from __future__ import annotations

from pathlib import Path

from gitops.errors import BadManifest
from server import expectation
from server.errors import BadExpectation
from server.expectation import Expectation


def read(folder: Path) -> Expectation | None:
    """Return what the expected.json of the overlay in ``folder`` says, or None where no answer is compared.

    Raises:
        BadManifest: there is none, or it does not hold a request and a response.
    """
    try:
        return expectation.read(folder / expectation.FILE)
    except BadExpectation as error:
        raise BadManifest(str(error)) from error
