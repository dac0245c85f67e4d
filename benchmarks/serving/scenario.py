"""What every server is put through."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.serving.load import Traffic


@dataclass(frozen=True)
class Scenario:
    """Requests of so many rows over so much traffic; ``grpc`` asks by gRPC with a tensor instead of by JSON.

    Meanwhile the metrics are asked for ``scrapes`` times a second.
    """

    name: str
    rows: int
    traffic: Traffic
    grpc: bool = False
    scrapes: int = 0


SMALL = Scenario("2 rows, 16 connections", 2, Traffic(16))
# Prometheus asks once in 15 or 30 seconds.
SCRAPED = Scenario("2 rows, 16 connections, scraped 10 times a second", 2, Traffic(16), scrapes=10)
SINGLE = Scenario("2 rows, 1 connection", 2, Traffic(1))
LARGE = Scenario("1,000 rows, 16 connections", 1000, Traffic(16))
GRPC = Scenario("gRPC, 2 rows, 16 streams", 2, Traffic(1, streams=16), grpc=True)
GRPC_LARGE = Scenario("gRPC, 1,000 rows, 16 streams", 1000, Traffic(1, streams=16), grpc=True)
GRPC_SINGLE = Scenario("gRPC, 2 rows, 1 connection", 2, Traffic(1), grpc=True)
GRPC_SMALL = Scenario("gRPC, 2 rows, 16 connections", 2, Traffic(16), grpc=True)
# More connections let it answer more at a time: the peak is the better of this and SMALL.
CROWD = Scenario("2 rows, 128 connections", 2, Traffic(128))
# So many connections that some are free to ask, whatever waits for its answer.
OVERLOAD = Scenario("2 rows, twice what it can take", 2, Traffic(512))
OVERLOAD_FACTOR = 2
# An answer that comes later counts for nothing.
DEADLINE_SECONDS = 1.0
