from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.serving import load
from benchmarks.serving.errors import BenchFailed
from benchmarks.serving.load import Load, Target, Traffic, answered_bytes, generate, parse, until

# As h2load 1.52 writes it: start in µs since 1970, status, µs; and what it says at the end.
LOG = "1795000000000000\t200\t1000\n1795000000500000\t503\t3000\n1795000001000000\t-1\t500000\n"
SAID = "traffic: 2.30MB (2407680) total, 1.10MB (1153680) headers (space savings 20.00%), 752.40KB (770450) data\n"
TARGET = Target("http://127.0.0.1:1/predict", "application/json", b"{}", 2)


def loaded(statuses: list[int], micros: list[int], seconds: float = 2) -> Load:
    return Load(seconds, np.array(statuses), np.array(micros), generator=0.5)


def test_a_log_is_read() -> None:
    statuses, micros = parse(LOG)
    assert statuses.tolist() == [200, 503, -1]
    assert micros.tolist() == [1000, 3000, 500000]
    assert until(LOG) == 1.5


def test_an_empty_log_has_no_requests() -> None:
    statuses, micros = parse("")
    assert len(statuses) == len(micros) == 0
    assert until("") == 0


def test_only_200_counts() -> None:
    it = loaded([200, 200, 200, 503], [1000, 2000, 3000, 10])
    assert it.rate == 1.5
    assert it.refused == 0.25
    assert it.share == 0.25


def test_goodput_leaves_out_what_came_too_late() -> None:
    it = loaded([200, 200, 503], [1_000_000, 1_000_001, 10])
    assert it.goodput(deadline=1) == 0.5


def test_latencies_are_in_milliseconds() -> None:
    it = loaded([200] * 101, [1000 * number for number in range(101)])
    assert (it.percentile(50), it.percentile(99)) == (50, 99)


def test_the_bytes_of_answers_are_found() -> None:
    assert answered_bytes(SAID) == 770450


def test_no_bytes_of_answers_are_an_error() -> None:
    with pytest.raises(BenchFailed) as caught:
        answered_bytes("nothing")
    assert str(caught.value) == "h2load does not say how many bytes it got:\nnothing"


def test_without_the_generator_the_message_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchFailed) as caught:
        generate(TARGET, Traffic(1), 0.1, tmp_path)
    assert str(caught.value) == (
        "h2load, which generates the load, is not on PATH: install it "
        "(Debian, Ubuntu: apt-get install nghttp2-client; Fedora: dnf install nghttp2)"
    )


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program in the generator's place that writes the log as ``script`` says."""
    found = folder / "h2load"
    log = 'for each; do case $each in --log-file=*) log=${each#*=};; esac; done; : > "$log"'
    found.write_text(f"#!/bin/sh\n{log}\n{script}\n")
    found.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_refusals_fail_a_load_without_a_rate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path, monkeypatch, r'printf "1 200 5\n2 503 5\n" > "$log"')
    with pytest.raises(BenchFailed) as caught:
        generate(TARGET, Traffic(1), 0.1, tmp_path)
    assert (
        str(caught.value) == "http://127.0.0.1:1/predict answers 50.0% of 2 requests with [503]: must be 200"
    )
    assert generate(TARGET, Traffic(1, rate=10), 0.1, tmp_path).refused == 0.5


def test_no_answers_fail_a_load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path, monkeypatch, "echo finished")
    with pytest.raises(BenchFailed) as caught:
        generate(TARGET, Traffic(1), 0.1, tmp_path)
    assert str(caught.value) == "http://127.0.0.1:1/predict answers nothing within 0.1 s:\nfinished\n"


def test_a_generator_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path, monkeypatch, "echo no such option; exit 2")
    with pytest.raises(BenchFailed, match=r"h2load .* ended with 2:\nno such option\n$"):
        generate(TARGET, Traffic(1), 0.1, tmp_path)


def test_answers_of_grpc_that_weigh_too_little_are_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = (
        r'printf "1 200 5\n2 200 5\n" > "$log"; echo "traffic: 9B (9) total, 1B (1) headers, 8B (8) data"'
    )
    program(tmp_path, monkeypatch, script)
    target = Target("http://127.0.0.1:1/x", "application/grpc", b"", 70)
    with pytest.raises(BenchFailed) as caught:
        generate(target, Traffic(1), 0.1, tmp_path)
    assert str(caught.value) == "http://127.0.0.1:1/x answers with 4 bytes on average: a right answer has 70"


def test_a_generator_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(load, "END_SECONDS", 0.2)
    program(tmp_path, monkeypatch, r'printf "0 200 90000\n" > "$log"; exec sleep 60')
    assert generate(TARGET, Traffic(1), 0.1, tmp_path).rate == 10
    program(tmp_path, monkeypatch, r'printf "0 200 9000\n" > "$log"; exec sleep 60')
    with pytest.raises(BenchFailed) as caught:
        generate(TARGET, Traffic(1), 0.1, tmp_path)
    assert str(caught.value) == "http://127.0.0.1:1/predict stops answering while it is asked for 0.1 s"
