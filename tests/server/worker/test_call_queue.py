"""The calls that the model's process holds: their order, and those that are cancelled."""

from __future__ import annotations

import itertools
import select
import socket

import numpy as np
import pytest

from server.ipc import wire
from server.ipc.connection import FrameConnection
from server.worker import call_queue as calls_module
from server.worker.call_queue import CallQueue
from tests.server.model.clock import Clock


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    control, controlled = socket.socketpair()
    with ours, theirs, control, controlled:
        ours.settimeout(5)
        yield (
            FrameConnection(ours),
            CallQueue([FrameConnection(theirs)], FrameConnection(controlled)),
            control,
        )


def send(server, *headers):
    for header in headers:
        server.send(wire.pack(header, []))


def test_they_come_in_order(ends):
    server, calls, _ = ends
    send(server, {"id": 1}, {"id": 2}, {"id": 3})
    assert [calls.next()[1]["id"] for _ in range(3)] == [1, 2, 3]


def test_one_that_is_cancelled_before_it_is_started_does_not_come(ends):
    server, calls, _ = ends
    send(server, {"id": 1}, {"id": 2}, {"cancel": 1})
    assert calls.next()[1]["id"] == 2
    assert server.receive()[0] == {"event": "cancelled", "id": 1, "values": []}


def test_one_that_was_started_is_not_answered_twice(ends):
    server, calls, _ = ends
    send(server, {"id": 1})
    assert calls.next()[1]["id"] == 1
    send(server, {"cancel": 1}, {"id": 2})
    assert calls.next()[1]["id"] == 2
    assert not select.select([server], [], [], 0)[0]


def test_the_servers_end_is_the_end(ends):
    server, calls, control = ends
    send(server, {"id": 1})
    control.close()
    with pytest.raises(EOFError):
        calls.next()


def test_several_processes_of_the_server_take_turns():
    pairs = [socket.socketpair() for _ in range(2)]
    control, controlled = socket.socketpair()
    servers = [FrameConnection(ours) for ours, _ in pairs]
    with control, controlled:
        calls = CallQueue([FrameConnection(theirs) for _, theirs in pairs], FrameConnection(controlled))
        send(servers[0], {"id": 1}, {"id": 2}, {"id": 3})
        send(servers[1], {"id": 10}, {"id": 11})
        assert [calls.next()[1]["id"] for _ in range(4)] == [1, 10, 2, 11]
        servers[1].close()
        assert calls.next()[1]["id"] == 3
        send(servers[0], {"id": 4})
        assert calls.next()[1]["id"] == 4
        control.close()
        with pytest.raises(EOFError):
            calls.next()
    for sock in itertools.chain(*pairs):
        sock.close()


def test_processes_of_the_server_whose_calls_wait_for_others_are_told_that_it_goes_on(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(calls_module, "time", clock)
    pairs = [socket.socketpair() for _ in range(2)]
    control, controlled = socket.socketpair()
    servers = [FrameConnection(ours) for ours, _ in pairs]
    with control, controlled:
        calls = CallQueue([FrameConnection(theirs) for _, theirs in pairs], FrameConnection(controlled))
        send(servers[0], {"id": 1})
        send(servers[1], {"id": 10})
        calls.next()
        assert not select.select(servers, [], [], 0)[0]
        clock.now += 100  # The first call's time.
        calls.next()
        assert select.select(servers, [], [], 0)[0] == [servers[1]]
        assert servers[1].receive()[0] == {"event": "turn", "values": []}
    for sock in itertools.chain(*pairs):
        sock.close()


def test_an_array_can_be_written_and_is_aligned_whatever_came_before_it(ends):
    server, calls, _ = ends
    for number in range(20):
        server.send(wire.pack({"id": number, "x": "y" * number}, [np.arange(3.0), np.arange(20_000.0)]))
        for value in calls.next()[2]:
            assert value.flags.writeable
            assert value.flags.aligned


def test_the_servers_end_is_seen_while_it_looks_for_calls(monkeypatch):
    ours, theirs = socket.socketpair()
    control, controlled = socket.socketpair()
    asked, looks = 40, []

    def look():
        looks.append(asked)
        if looks[-3:] == [0, 0, 0]:
            control.close()

    with ours, theirs, control, controlled:
        monkeypatch.setattr(calls_module.os, "sched_yield", look)
        calls = CallQueue([FrameConnection(theirs)], FrameConnection(controlled), spin=60)
        while asked:
            ours.sendall(b"".join(wire.pack({"id": asked}, [])))
            calls.next()
            asked -= 1
        with pytest.raises(EOFError):
            calls.next()
    assert looks[-3:] == [0, 0, 0]
