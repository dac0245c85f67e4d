"""Who is compared, and put through what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.serving import peers
from benchmarks.serving.dialect import V2, V2_GRPC, V2_RAW
from benchmarks.serving.peer import Peer
from benchmarks.serving.scenario import (
    CROWD,
    GRPC,
    GRPC_LARGE,
    GRPC_SINGLE,
    GRPC_SMALL,
    LARGE,
    OVERLOAD,
    SCRAPED,
    SINGLE,
    SMALL,
    Scenario,
)

SERVER = "this server"
SERVER_DATAFRAME = "this server, DataFrame"
SERVER_TRANSFORMER = "this server, TRANSFORMER"
SERVER_OUTPUT = "this server, OUTPUT_TRANSFORMER"
SERVER_UNCOUNTED = "this server, metrics off"
SERVER_REST = "this server, without gRPC"
SERVER_POLLING = "this server, busy polling"
# As many as a request of four CPUs starts by default.
SERVER_FOUR_CPUS = "this server, 3 processes for REST"
SERVER_TWO_MODELS = "this server, 2 processes of the model"
SERVER_V2 = "this server, v2"
SERVER_V2_RAW = "this server, v2 with raw bytes"
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
        Entry(
            peers.server(SERVER),
            (SMALL, SCRAPED, SINGLE, LARGE, GRPC, GRPC_LARGE, GRPC_SINGLE, GRPC_SMALL, CROWD, OVERLOAD),
        ),
        Entry(peers.server(SERVER_UNCOUNTED, tuning={"SERVER_METRICS": "false"}), (SMALL,)),
        Entry(peers.server(SERVER_REST, tuning={"SERVER_GRPC": "false"}), ()),
        Entry(peers.limit(LIMIT_2, 2), (SMALL, LARGE)),
        Entry(peers.limit(LIMIT_1, 1), (SINGLE,)),
        Entry(peers.server(SERVER_DATAFRAME, peers.DATAFRAME), (SMALL,)),
        Entry(peers.server(SERVER_TRANSFORMER, service_type="TRANSFORMER"), (SMALL,)),
        Entry(peers.server(SERVER_OUTPUT, service_type="OUTPUT_TRANSFORMER"), (SMALL,)),
        Entry(
            peers.server(SERVER_POLLING, tuning={"SERVER_SPIN_MICROSECONDS": "1000"}), (SMALL, SINGLE, LARGE)
        ),
        Entry(peers.server(SERVER_FOUR_CPUS, tuning={"SERVER_EDGE_PROCESSES": "3"}), (SMALL, LARGE, CROWD)),
        Entry(
            peers.server(SERVER_TWO_MODELS, tuning={"SERVER_MODEL_PROCESSES": "2"}), (SMALL, SINGLE, LARGE)
        ),
        Entry(
            peers.server(SERVER_V2, dialect=V2, grpc=V2_GRPC), (SMALL, LARGE, GRPC, GRPC_LARGE, GRPC_SMALL)
        ),
        Entry(peers.server(SERVER_V2_RAW, dialect=V2_RAW), (SMALL, LARGE)),
        Entry(peers.stock(STOCK_DEFAULT, peers.NDARRAY, {}), ()),
        Entry(peers.stock(STOCK, peers.NDARRAY, tunings[STOCK]), (SMALL, GRPC, GRPC_SINGLE, GRPC_SMALL)),
        Entry(peers.stock(STOCK_DATAFRAME, peers.DATAFRAME, tunings[STOCK]), (SMALL, SINGLE, LARGE)),
    ]
    if MLSERVER in tunings:
        found.append(
            Entry(
                peers.mlserver(MLSERVER, tunings[MLSERVER]),
                (SMALL, SINGLE, LARGE, GRPC, GRPC_LARGE, GRPC_SINGLE, GRPC_SMALL),
            )
        )
    if MLFLOW in tunings:
        found.append(Entry(peers.mlflow(MLFLOW, tunings[MLFLOW]), (SMALL, SINGLE, LARGE)))
    return found
