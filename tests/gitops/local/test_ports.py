from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gitops.errors import BadArgument, PortInUse
from gitops.local import ports


def test_a_port_in_use_is_named_with_another_to_choose() -> None:
    with ports.bind(0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse) as error:
            ports.bind(port)
    assert str(error.value) == (
        f"port {port} of 127.0.0.1 is in use: stop the process that listens there, or choose another port, "
        f"as in `make demo PORT={port + 1}`"
    )


def test_a_port_that_cannot_be_had_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # An address that no interface of this machine has fails in the same way as a port that is forbidden.
    monkeypatch.setattr(ports, "HOST", "192.0.2.1")
    with pytest.raises(BadArgument) as error:
        ports.bind(8080)
    assert str(error.value) == (
        "port 8080 of 192.0.2.1 cannot be had (Cannot assign requested address); choose one from 1024 to 65535"
    )


def test_free_ports_are_never_handed_out_twice() -> None:
    found = [port for _ in range(20) for port in ports.free(3)]
    assert len(set(found)) == 60
    for port in found:
        ports.bind(port).close()


@pytest.mark.parametrize(
    ("outgoing", "outside"),
    [
        ("32768\t60999\n", range(10_000, 30_000)),
        ("15000\t65535\n", range(10_000, 15_000)),
        ("1024\t60000\n", range(60_001, 65_536)),
        ("1024\t65535\n", range(10_000, 30_000)),
    ],
)
def test_no_connection_takes_a_free_port_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outgoing: str, outside: range
) -> None:
    monkeypatch.setattr(ports, "OUTGOING", tmp_path / "ip_local_port_range")
    ports.OUTGOING.write_text(outgoing)
    assert set(ports.free(50)) <= set(outside)


def test_a_port_that_is_taken_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with ports.bind(ports.free(1)[0]) as taken, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        other.close()
        monkeypatch.setattr(ports, "_choice", lambda: [taken.getsockname()[1], port])
        assert ports.free(1) == [port]


def test_no_two_processes_are_given_a_port() -> None:
    """Both choose twelve of the same thirty."""
    program = (
        "import sys\n"
        "from gitops.local import ports\n"
        "ports._choice = lambda: range(int(sys.argv[1]), int(sys.argv[1]) + 30)\n"
        "print(*ports.free(12), flush=True)\n"
        "sys.stdin.read()\n"
    )
    first = str(ports.free(1)[0])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, first], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    given = []
    for process in processes:
        assert process.stdout is not None
        given += process.stdout.readline().split()
    for process in processes:
        process.communicate()
    assert len(set(given)) == len(given) == 24
