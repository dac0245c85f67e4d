"""The models, each served three times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest

from tests.conformance import models
from tests.conformance.three import Three, three


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Three]]:
    """The models of the quick tests by name, all started at the same time."""
    folder = tmp_path_factory.mktemp("served")
    with ExitStack() as stack:
        yield _started(
            stack,
            svm=three(
                folder / "svm", models.SVM, "MODEL", xtype="DataFrame", predict_method="decision_function"
            ),
            scaler=three(folder / "scaler", models.SCALER, "TRANSFORMER"),
            echo=three(folder / "echo-served", models.echo(folder), "MODEL"),
        )


@pytest.fixture(scope="session")
def more_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Three]]:
    """Models as nodes of the other types."""
    folder = tmp_path_factory.mktemp("more-served")
    with ExitStack() as stack:
        yield _started(
            stack,
            postprocessor=three(
                folder / "postprocessor", models.POSTPROCESSOR, "OUTPUT_TRANSFORMER", xtype="DataFrame"
            ),
            transformer=three(folder / "echo-served", models.echo(folder), "TRANSFORMER"),
        )


def _started(stack: ExitStack, **served: AbstractContextManager[Three]) -> dict[str, Three]:
    started = {name: stack.enter_context(entry) for name, entry in served.items()}
    for entry in started.values():
        entry.wait_until_ready()
    return started
