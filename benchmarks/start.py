"""How long a pod takes before it answers: its environment against pip's, its start against the bare model's.

    python -m benchmarks.start [--rounds N]

Both sides of a ratio are measured by turns in one run; the figures are medians. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gitops.local import ports

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "tests" / "manifests" / "examples" / "iris" / "models" / "iris_svm_model"
# What the library alone takes; and a program that has nothing but the model: what its requests need, and the model.
LIBRARY = "import sklearn"
BARE = {
    "ndarray": "import sklearn, skops.io; skops.io.load({path!r})",
    "DataFrame": "import pandas, sklearn, skops.io; skops.io.load({path!r})",
}
POLL_SECONDS = 0.01
GIVE_UP_SECONDS = 120


def main() -> None:
    """Measure, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each measurement")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="bench-start-", dir=ROOT / ".cache") as scratch:
        folder = Path(scratch)
        environments(folder, min(rounds, 3))
        starts(folder, rounds)


def environments(folder: Path, rounds: int) -> None:
    """Compare the verb ``environment`` with pip: both without any cache, both with their own, and found by its key."""
    env, requirements = folder / "env", MODEL / "requirements.txt"
    build(env, folder / "uv")  # Fills uv's cache, and tells which Python the model gets.
    python = os.path.realpath(env / "current" / "bin" / "python")
    seconds = alternated(
        rounds,
        {
            "pip, no cache": lambda: pip(folder, python, requirements, "--no-cache-dir"),
            "environment, no cache": lambda: build(fresh(folder / "cold"), fresh(folder / "none")),
            "pip, warm cache": lambda: pip(folder, python, requirements, "--cache-dir", str(folder / "pip")),
            "environment, warm cache": lambda: build(fresh(folder / "warm"), folder / "uv"),
            "environment, found by its key": lambda: build(env, folder / "uv"),
        },
        warm_up=["pip, warm cache"],
    )
    print(f"\nThe environment of {MODEL.name} (medians of {rounds} rounds)")
    report(
        seconds,
        [
            ("environment, no cache", "pip, no cache", "≥ 5 times faster"),
            ("environment, warm cache", "pip, warm cache", ""),
            ("environment, warm cache", "pip, no cache", "≥ 10 times faster"),
            ("environment, found by its key", "pip, no cache", ""),
        ],
    )


def starts(folder: Path, rounds: int) -> None:
    """Compare the time until the server is ready with that of a bare program that loads the same model."""
    env = folder / "env"
    python = str(env / "current" / "bin" / "python")
    path = str(MODEL / "model.skops")
    measured: dict[str, Callable[[], object]] = {LIBRARY: partial(run, [python, "-I", "-c", LIBRARY])}
    for xtype, program in BARE.items():
        code = program.format(path=path)
        measured[f"bare, {xtype}"] = partial(run, [python, "-I", "-c", code])
        measured[f"server, {xtype}"] = partial(serve, env, xtype)
    seconds = alternated(rounds, measured, warm_up=list(measured))
    print(f"\nFrom the start of the process to ready (medians of {rounds} rounds)")
    report(
        seconds,
        [
            *((f"server, {xtype}", f"bare, {xtype}", "≤ 1.3 times as long") for xtype in BARE),
            *((f"server, {xtype}", LIBRARY, "") for xtype in BARE),
        ],
    )


def alternated(
    rounds: int, measured: dict[str, Callable[[], object]], warm_up: list[str]
) -> dict[str, float]:
    """Return the median seconds of each, all taken by turns; those in ``warm_up`` run once before."""
    taken: dict[str, list[float]] = {name: [] for name in measured}
    for name in warm_up:
        measured[name]()
    for _ in range(rounds):
        for name, action in measured.items():
            started = time.perf_counter()
            stopped = action()
            # An action that has more to do after what is measured returns when it was done.
            end = stopped if isinstance(stopped, float) else time.perf_counter()
            taken[name].append(end - started)
            print(f"{name}: {end - started:.2f} s", file=sys.stderr)
    return {name: statistics.median(values) for name, values in taken.items()}


def report(seconds: dict[str, float], ratios: list[tuple[str, str, str]]) -> None:
    """Print the medians, and how they compare."""
    for name, median in seconds.items():
        print(f"  {name:32}{median:8.2f} s")
    for name, other, aim in ratios:
        ratio = seconds[name] / seconds[other]
        said = f"{1 / ratio:.1f} times faster than" if ratio < 1 else f"{ratio:.2f} times as long as"
        print(f"  {name}: {said} {other}{f' (aim: {aim})' if aim else ''}")


def fresh(folder: Path) -> Path:
    """Return the folder, which is not there any more."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def build(env: Path, cache: Path) -> None:
    """Make the model's environment by the verb."""
    run(
        [sys.executable, "-m", "server", "environment", str(MODEL), str(env)],
        UV_CACHE_DIR=str(cache),
        ENVIRONMENT_CACHE="",
    )


def pip(folder: Path, python: str, requirements: Path, *options: str) -> None:
    """Install the same requirements by pip into a fresh virtual environment of the same Python."""
    env = fresh(folder / "venv")
    run([python, "-m", "venv", str(env)])
    run([str(env / "bin" / "pip"), "install", "--quiet", *options, "--requirement", str(requirements)])


def serve(env: Path, xtype: str) -> float:
    """Start the server, and return when it was ready."""
    port, grpc_port, health_port = ports.free(3)
    parameters = [
        {"name": "model_uri", "value": str(MODEL), "type": "STRING"},
        {"name": "xtype", "value": xtype, "type": "STRING"},
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "serve", "--environment", str(env)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "SERVER_HOST": "127.0.0.1",
            "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(port),
            "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": str(grpc_port),
            "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(health_port),
            "PREDICTIVE_UNIT_PARAMETERS": json.dumps(parameters),
        },
    )
    try:
        end = time.monotonic() + GIVE_UP_SECONDS
        while not is_ready(port):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the server does not get ready")
            time.sleep(POLL_SECONDS)
        return time.perf_counter()
    finally:
        process.terminate()
        process.wait()


def is_ready(port: int) -> bool:
    """Ask /health/status once."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/status")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def run(command: list[str], **environ: str) -> None:
    """Run a command to its end."""
    subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environ},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
