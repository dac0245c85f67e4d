"""Measure, print what came of it, and write docs/benchmark.md and docs/capacity.md with their pictures as each is measured."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.serving import capacity, table
from benchmarks.serving.aims import judge
from benchmarks.serving.document import document
from benchmarks.serving.errors import BenchFailed
from benchmarks.serving.growth import grow
from benchmarks.serving.load import h2load
from benchmarks.serving.memory import check_system
from benchmarks.serving.plan import STOCK, STOCK_USUAL, entries
from benchmarks.serving.plot import growth_svg, svg
from benchmarks.serving.rounds import FULL, GROWTH, QUICK, measure, tune
from benchmarks.serving.rows import ROOT
from gitops.errors import WrapperNotInstalled

DOCS = ROOT / "docs"


def main() -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="this server, limit and the stock wrapper; write nothing"
    )
    quick = parser.parse_args().quick
    # Whoever ends it otherwise than by Ctrl-C must not leave servers running either.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        check_system()
        h2load()
        with TemporaryDirectory(prefix="bench-") as scratch:
            run(quick, Path(scratch))
    except (BenchFailed, WrapperNotInstalled) as error:
        print(f"benchmark failed, nothing is written: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benchmark interrupted, nothing is written", file=sys.stderr)
        return 130
    return 0


def run(quick: bool, scratch: Path) -> None:
    """Measure, print, and unless it is a quick run write."""
    pace = QUICK if quick else FULL
    tunings = {STOCK: STOCK_USUAL} if quick else tune(pace, scratch)
    rounds = measure(entries(tunings), pace, scratch)
    verdicts = judge(rounds)
    for part in (table.aims(verdicts), table.figures(rounds), table.overload(rounds), table.memory(rounds)):
        print(f"{part}\n")
    print(table.noise(rounds))
    if quick:
        return
    (DOCS / "benchmark.md").write_text(document(rounds, verdicts, tunings, pace))
    (DOCS / "benchmark.svg").write_text(svg(rounds))
    growth = grow(GROWTH, scratch)
    print(capacity.table(growth))
    (DOCS / "capacity.md").write_text(capacity.document(growth))
    (DOCS / "growth.svg").write_text(growth_svg(growth))


if __name__ == "__main__":
    sys.exit(main())
