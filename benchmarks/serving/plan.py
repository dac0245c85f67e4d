"""Who is compared, and put through what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.serving import peers
from benchmarks.serving.peer import Peer
from benchmarks.serving.scenario import (
    CROWD,
    GRPC,
    GRPC_SINGLE,
    GRPC_SMALL,
    LARGE,
    OVERLOAD,
    SINGLE,
    SMALL,
    Scenario,
)

SERVER = "this server"
SERVER_DATAFRAME = "this server, DataFrame"
SERVER_TRANSFORMER = "this server, TRANSFORMER"
SERVER_OUTPUT = "this server, OUTPUT_TRANSFORMER"
LIMIT_1 = "limit, 1 worker"
LIMIT_2 = "limit, 2 workers"
STOCK_DEFAULT = "stock wrapper, its default"
STOCK = "stock wrapper"
STOCK_DATAFRAME = "stock wrapper, DataFrame"
MLSERVER = "MLServer"
MLFLOW = "mlflow models serve"

Tuning = Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """A server, and what it is put through."""

    peer: Peer
    scenarios: tuple[Scenario, ...]


@dataclass(frozen=True)
class Contest:
    """The tunings of a peer that are tried, and how one of them is made a peer."""

    name: str
    tunings: list[dict[str, str]]
    peer: Callable[[str, Tuning], Peer]


STOCK_CONTEST = Contest(
    STOCK, peers.STOCK_TUNINGS, lambda name, tuning: peers.stock(name, peers.DATAFRAME, tuning)
)
CONTESTS = [
    STOCK_CONTEST,
    Contest(MLSERVER, peers.MLSERVER_TUNINGS, peers.mlserver),
    Contest(MLFLOW, peers.MLFLOW_TUNINGS, peers.mlflow),
]
# What the quick run takes without trying.
STOCK_USUAL = peers.STOCK_TUNINGS[1]


def entries(tunings: Mapping[str, Tuning]) -> list[Entry]:
    """Return who is put through what; ``tunings`` are by the names of the contests, those without one stay out."""
    found = [
        Entry(peers.server(SERVER), (SMALL, SINGLE, LARGE, GRPC, GRPC_SINGLE, GRPC_SMALL, CROWD, OVERLOAD)),
        Entry(peers.limit(LIMIT_2, 2), (SMALL, LARGE)),
        Entry(peers.limit(LIMIT_1, 1), (SINGLE,)),
        Entry(peers.server(SERVER_DATAFRAME, peers.DATAFRAME), (SMALL,)),
        Entry(peers.server(SERVER_TRANSFORMER, service_type="TRANSFORMER"), (SMALL,)),
        Entry(peers.server(SERVER_OUTPUT, service_type="OUTPUT_TRANSFORMER"), (SMALL,)),
        Entry(peers.stock(STOCK_DEFAULT, peers.NDARRAY, {}), ()),
        Entry(peers.stock(STOCK, peers.NDARRAY, tunings[STOCK]), (SMALL, GRPC, GRPC_SINGLE, GRPC_SMALL)),
        Entry(peers.stock(STOCK_DATAFRAME, peers.DATAFRAME, tunings[STOCK]), (SMALL, SINGLE, LARGE)),
    ]
    if MLSERVER in tunings:
        found.append(
            Entry(
                peers.mlserver(MLSERVER, tunings[MLSERVER]),
                (SMALL, SINGLE, LARGE, GRPC, GRPC_SINGLE, GRPC_SMALL),
            )
        )
    if MLFLOW in tunings:
        found.append(Entry(peers.mlflow(MLFLOW, tunings[MLFLOW]), (SMALL, SINGLE, LARGE)))
    return found
