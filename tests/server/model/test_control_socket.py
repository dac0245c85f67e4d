"""Sockets that are handed from process to process."""

from __future__ import annotations

import asyncio
import os
import resource
import socket

import pytest

from server.model.control_socket import ControlSocket


@pytest.fixture
def ends():
    ours, theirs = (ControlSocket(sock) for sock in socket.socketpair())
    yield ours, theirs
    ours.close()
    theirs.close()


def test_each_frame_has_the_sockets_that_came_with_it(ends):
    ours, theirs = ends
    pairs = [socket.socketpair() for _ in range(3)]
    theirs.send({"number": 1}, [pairs[0][0], pairs[1][0]])
    theirs.send({"number": 2})
    theirs.send({"number": 3}, [pairs[2][0]])
    got = asyncio.run(received(ours, 3))
    assert [(header["number"], len(sockets)) for header, sockets in got] == [(1, 2), (2, 0), (3, 1)]
    handed = [sock for _, sockets in got for sock in sockets]
    for (_, other), sock in zip(pairs, handed, strict=True):
        other.send(b"to this one")
        assert sock.recv(100) == b"to this one"
    for sock in (*handed, *(each for pair in pairs for each in pair)):
        sock.close()


def test_sockets_for_which_there_is_no_descriptor_are_missed(ends):
    ours, theirs = ends
    with socket.socket() as one, socket.socket() as other:
        theirs.send({"number": 1}, [one, other])

        async def without_room():
            now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (free() + 1, most))
            try:
                return await ours.receive()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))

        with pytest.raises(OSError, match="Too many open files"):
            asyncio.run(without_room())


async def received(control, count):
    return [await control.receive() for _ in range(count)]


def free():
    """Return the number that the next descriptor gets."""
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor
