"""How this server grows: with rows, columns, texts, connections, and processes of its model and of its REST interface.

One thing changes at a time. The model is a decision tree of scikit-learn, which computes for microseconds, so that what is
measured is the server.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.serving import environments, peers
from benchmarks.serving.dialect import SELDON
from benchmarks.serving.errors import BenchFailed
from benchmarks.serving.load import Load, Target, Traffic
from benchmarks.serving.peer import HOST, Running, running
from benchmarks.serving.rounds import Pace, quietly
from server.operating_system import cpus

# A tree of so many leaves, of which as many columns as it likes decide.
LEAVES, TRAINED = 16, 500
CITIES = [f"city {number}" for number in range(20)]
# What skops loads of a tree only if told so.
TRUSTED = ["sklearn.tree._tree.Tree"]
# What one request costs is fitted to the cases of numbers; this one is not among them, and is compared with what they say.
HELD_OUT_ROWS, HELD_OUT_COLUMNS = 300, 20


@dataclass(frozen=True)
class Case:
    """Requests of ``rows`` with ``columns``, half of them texts where ``texts``, on so many connections, to so many processes."""

    series: str
    rows: int = 100
    columns: int = 4
    texts: bool = False
    connections: int = 16
    model_processes: int = 1
    rest_processes: int = 1

    @property
    def tuning(self) -> dict[str, str]:
        """The settings of the server, which are its defaults where one process of each is enough."""
        both = {
            "SERVER_MODEL_PROCESSES": self.model_processes,
            "SERVER_EDGE_PROCESSES": self.rest_processes,
        }
        return {name: str(number) for name, number in both.items() if number > 1}

    @property
    def cells(self) -> int:
        """How many values a request has."""
        return self.rows * self.columns


HELD_OUT = Case("held out", HELD_OUT_ROWS, HELD_OUT_COLUMNS)


@dataclass(frozen=True)
class Growth:
    """The loads of each case, one a round, and the MiB of a server for 4 columns, when ready and at most."""

    loads: dict[Case, list[Load]]
    ready: float
    peak: float

    def rate(self, case: Case) -> float:
        """Return the median of the requests/s."""
        return statistics.median(load.rate for load in self.loads[case])

    def cpu(self, case: Case) -> float:
        """Return the median of the µs of CPU time a request."""
        return statistics.median(load.cpu for load in self.loads[case])


def cases(cores: int) -> list[Case]:
    """Return what is measured on a machine with so many cores."""
    found = [Case("rows", rows=rows) for rows in (1, 10, 100, 1_000, 10_000)]
    found += [Case("columns", columns=columns, connections=4) for columns in (4, 40, 400)]
    found += [Case("columns", columns=columns, texts=True, connections=4) for columns in (4, 40, 400)]
    found += [Case("connections", rows=2, connections=number) for number in (1, 4, 16, 64, 256)]
    found += [
        Case("processes", rows=rows, model_processes=model, rest_processes=rest)
        for rows in (2, 1_000)
        for model, rest in ((1, 1), (min(cores, 4), 1), (1, min(cores, 4)), (min(cores, 4), min(cores, 4)))
    ]
    return [*dict.fromkeys(found), HELD_OUT]


def grow(pace: Pace, scratch: Path) -> Growth:
    """Measure each case in each round, every second round backwards.

    Raises:
        BenchFailed: a server does not start, or answers wrongly.
    """
    loads: dict[Case, list[Load]] = {}
    ready = []
    everything = cases(cpus())
    for number in range(pace.rounds):
        for group in _by_server(everything if number % 2 == 0 else everything[::-1]):
            first = group[0]
            model = _model(first.columns, first.texts)
            peer = peers.server(
                "growth",
                peers.DATAFRAME if first.texts else peers.NDARRAY,
                tuning=first.tuning,
                model=model,
                method="predict",
            )
            with running(peer) as server:
                if (first.columns, first.texts, first.tuning) == (4, False, {}):
                    ready.append(server.memory)
                for case in group:
                    loads.setdefault(case, []).append(_load(server, case, pace, scratch))
        print(f"growth: round {number + 1} of {pace.rounds} done", file=sys.stderr, flush=True)
    largest = max(load.memory for case in everything if case.series == "rows" for load in loads[case])
    return Growth({case: loads[case] for case in everything}, statistics.median(ready), largest)


def _by_server(measured: list[Case]) -> Iterator[list[Case]]:
    """Yield the cases that one server can be put through after the other."""
    groups: dict[Any, list[Case]] = {}
    for case in measured:
        groups.setdefault((case.columns, case.texts, *case.tuning.items()), []).append(case)
    yield from groups.values()


def _load(server: Running, case: Case, pace: Pace, scratch: Path) -> Load:
    body, expected = _request(case)
    answer = server.post(body)
    if not np.allclose(np.ravel(SELDON.values(answer)), expected, rtol=0, atol=1e-12):
        raise BenchFailed(f"the server answers {case} otherwise than its model does")
    target = Target(f"http://{HOST}:{server.ports.http}{SELDON.path}", SELDON.content_type, body, len(answer))
    return quietly(server, target, Traffic(case.connections), pace, scratch)


def _table(rows: int, columns: int, texts: bool) -> Any:
    """Return a DataFrame of random numbers, of which every second column is one of texts where ``texts``."""
    import pandas as pd

    random = np.random.default_rng(0)
    found: dict[str, Any] = {}
    for index in range(columns):
        as_text = texts and index % 2
        found[f"c{index}"] = random.choice(CITIES, rows) if as_text else random.random(rows).round(4)
    return pd.DataFrame(found)


@cache
def _request(case: Case) -> tuple[bytes, Any]:
    """Return the body of a request, and what the model itself says of its rows."""
    import skops.io

    table = _table(case.rows, case.columns, case.texts)
    message = {"data": {"names": list(table.columns), "ndarray": table.to_numpy().tolist()}}
    estimator = skops.io.load(_model(case.columns, case.texts) / "model.skops", trusted=TRUSTED)
    return orjson.dumps(message), estimator.predict(table)


@cache
def _model(columns: int, texts: bool) -> Path:
    """Return the folder of a tree for such tables, logged by MLflow with the requirements of the example model."""
    import mlflow
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.tree import DecisionTreeRegressor

    folder = environments.CACHE / f"tree-{columns}{'-texts' if texts else ''}"
    if folder.is_dir():
        return folder
    table = _table(TRAINED, columns, texts)
    target = table.select_dtypes("number").sum(axis=1)
    model: Any = DecisionTreeRegressor(max_leaf_nodes=LEAVES, random_state=0)
    if texts:
        # Encoding hundreds of columns of texts would take the model longer than all the rest.
        names = table.select_dtypes("number").columns.tolist()
        model = make_pipeline(ColumnTransformer([("numbers", "passthrough", names)]), model)
    model.fit(table, target)
    partial = folder.with_suffix(f".{os.getpid()}")
    mlflow.sklearn.save_model(
        model,
        partial,
        serialization_format="skops",
        skops_trusted_types=TRUSTED,
        signature=mlflow.models.infer_signature(table, model.predict(table)),
        pip_requirements=str(environments.REQUIREMENTS),
    )
    mlflow.models.update_model_requirements(str(partial), "remove", ["mlflow"])
    partial.rename(folder)
    return folder
