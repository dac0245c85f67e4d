from __future__ import annotations

import pytest

from server.model.environ import tell_unknown, with_threads
from server.settings import ServeSettings

OPENMP, MKL, OPENBLAS, NUMEXPR = (f"{name}_NUM_THREADS" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR"))
CASES = {
    "one process has all CPUs": ({}, 4, 1, {OPENMP: "4", MKL: "4", OPENBLAS: "4", NUMEXPR: "4"}),
    "several share them": ({}, 8, 2, {OPENMP: "4", MKL: "4", OPENBLAS: "1", NUMEXPR: "1"}),
    "each has one at least": ({}, 1, 2, {OPENMP: "1", MKL: "1", OPENBLAS: "1", NUMEXPR: "1"}),
    "what is said counts": ({MKL: "3"}, 2, 1, {OPENMP: "2", MKL: "3", OPENBLAS: "2", NUMEXPR: "2"}),
    "what is said of OpenMP is said of all": ({OPENMP: "3"}, 2, 1, {OPENMP: "3"}),
    "but not of what cannot be forked": (
        {OPENMP: "3"},
        2,
        2,
        {OPENMP: "3", OPENBLAS: "1", NUMEXPR: "1"},
    ),
}


@pytest.mark.parametrize(("environ", "cpus", "processes", "expected"), CASES.values(), ids=CASES)
def test_threads_do_not_fight(environ, cpus, processes, expected):
    assert with_threads({"A": "b", **environ}, cpus, processes) == {"A": "b", **expected}


def test_variables_that_are_no_settings_are_one_line_and_not_their_values(caplog):
    environ = {
        "SERVER_QUEUE_CALL": "hunter2",
        "SERVER_XYZ": "hunter2",
        "SERVER_OWN": "the model's",
        "PATH": "/bin",
    }
    tell_unknown(ServeSettings(model_environment="SERVER_OWN"), environ)
    assert [each.getMessage() for each in caplog.records] == [
        "the server has no such settings, and ignores them: SERVER_QUEUE_CALL (did you mean SERVER_QUEUE_CALLS?), "
        "SERVER_XYZ"
    ]
    caplog.clear()
    tell_unknown(ServeSettings(), {"SERVER_QUEUE_CALLS": "5"})
    assert not caplog.records
