"""What a request costs by its rows and values, fitted to what was measured, and docs/capacity.md."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from benchmarks.serving.growth import HELD_OUT, Case, Growth
from benchmarks.serving.machine import commit, machine
from benchmarks.serving.table import markdown

# What a pod should be used of its cores, so that one may be missing and a burst has room.
UTILISATION = 0.7
_DOCUMENT = """\
# Capacity

<!-- Written by `make bench`, with growth.svg: no number is edited by hand. -->

After this page you can say how many pods a load needs, how much CPU and memory each, and when an autoscaler should add one.

## The rule

    CPU time of a request = {fixed:,.0f} µs + {row:.2f} µs × rows + {cell:.3f} µs × values + your model's own time
    pods                  = requests/s × CPU time of a request ÷ cores of a pod ÷ {utilisation}

A value is a number of a row; `model_duration_seconds` has your model's own time ([Observability](observability.md)). A
pod's cores are used to {utilisation:.0%}, so that there is room for a burst, and for a pod that is missing. Columns of texts cost
more (the table has them), and a lone client's requests too, since nothing is answered together with them.

The rule is fitted to the requests of numbers below. Checked against one that it was not fitted to, {held_rows} rows of
{held_columns} columns: the rule says {predicted:,.0f} µs, measured were {measured:,.0f} µs ({ratio:.2f} times the rule).

Memory: {ready:.0f} MiB when ready with this small tree, {peak:.0f} MiB after loads of up to 10,000 rows; a pod's memory limit is that, your
model's, and what requests under way may take, `SERVER_BUDGET_BYTES` (three eighths of the limit by default).

## Requests and limits

- Request as many CPUs as the rule gives for a pod; more than one is used by two processes or more
  ([what to set when](performance.md)). Set no CPU limit: a burst may use what the node has left.
- Replicas: [`replicas`](overlays.md#replicas), or [an autoscaler](overlays.md#an-autoscaler) at {utilisation:.0%} of the CPU request.
- One pod answers nobody while it is replaced after a fault: have two ([Reliability](reliability.md)).

## How it grows

![CPU time and throughput by rows, columns and connections](growth.svg)

{table}

## How it was measured

`make bench` wrote this on {date} at commit {commit}; medians of {rounds} rounds. The model is a decision tree of scikit-learn, whose
own time is small, in the environment of [the benchmark](benchmark.md); its answers are compared with the tree's own. Processes are
those of the model and of REST, where they are more than one. Clients and server share the machine's cores.

{machine}
"""


@dataclass(frozen=True)
class Rule:
    """µs of CPU time of a request: ``fixed``, and for each ``row`` and each ``cell``."""

    fixed: float
    row: float
    cell: float

    def cpu(self, case: Case) -> float:
        """Return the µs of a case."""
        return self.fixed + self.row * case.rows + self.cell * case.cells


def fit(growth: Growth) -> Rule:
    """Return the rule with the least sum of squared relative errors over the cases of numbers by rows and by columns.

    No term of it is below 0.
    """
    used = [case for case in growth.loads if case.series in ("rows", "columns") and not case.texts]
    measured = np.array([growth.cpu(case) for case in used])
    terms = np.array([[1.0, case.rows, case.cells] for case in used])
    scaled = terms / measured[:, np.newaxis]
    found, _ = nnls(scaled, np.ones(len(used)))
    return Rule(*map(float, found))


def table(growth: Growth) -> str:
    """Return requests/s and CPU time of each case."""
    rows = [
        (
            case.series,
            f"{case.rows:,}",
            f"{case.columns}{', half of them texts' if case.texts else ''}",
            str(case.connections),
            f"{case.model_processes} + {case.rest_processes}",
            f"{growth.rate(case):,.0f}",
            f"{growth.cpu(case):,.0f}",
        )
        for case in growth.loads
    ]
    head = ("by", "rows", "columns", "connections", "processes of model + REST", "requests/s", "CPU µs each")
    return markdown(head, rows)


def document(growth: Growth) -> str:
    """Return the page."""
    rule = fit(growth)
    predicted, measured = rule.cpu(HELD_OUT), growth.cpu(HELD_OUT)
    return _DOCUMENT.format(
        fixed=rule.fixed,
        row=rule.row,
        cell=rule.cell,
        utilisation=UTILISATION,
        held_rows=HELD_OUT.rows,
        held_columns=HELD_OUT.columns,
        predicted=predicted,
        measured=measured,
        ratio=measured / predicted,
        ready=growth.ready,
        peak=growth.peak,
        table=table(growth),
        rounds=len(growth.loads[HELD_OUT]),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        commit=commit(),
        machine=markdown(("machine", ""), machine()),
    )
