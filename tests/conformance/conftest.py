"""The models, each served three times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gitops.errors import WrapperNotInstalled
from gitops.wrapper import python
from tests.conformance import models
from tests.conformance.three import Three, three


@pytest.fixture(scope="session")
def wrapper() -> None:
    """The stock wrapper is installed, which takes a Python that it runs on."""
    try:
        python()
    except WrapperNotInstalled as error:
        if "No interpreter found" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def served(wrapper: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Three]]:
    """The models of the quick tests by name, all started at the same time."""
    folder = tmp_path_factory.mktemp("served")
    with ExitStack() as stack:
        yield _started(
            {
                "svm": stack.enter_context(
                    three(
                        _new(folder, "svm"),
                        models.SVM,
                        "MODEL",
                        xtype="DataFrame",
                        predict_method="decision_function",
                    )
                ),
                "scaler": stack.enter_context(three(_new(folder, "scaler"), models.SCALER, "TRANSFORMER")),
                "echo": stack.enter_context(three(_new(folder, "echo"), models.echo(folder), "MODEL")),
            }
        )


def _new(folder: Path, name: str) -> Path:
    new = folder / f"{name}-three"
    new.mkdir()
    return new


def _started(served: dict[str, Three]) -> dict[str, Three]:
    for entry in served.values():
        entry.wait_until_ready()
    return served
