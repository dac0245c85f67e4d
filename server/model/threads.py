"""How many threads the libraries of the model's processes start, so that they do not fight for the CPUs."""

from __future__ import annotations

from collections.abc import Mapping

OPENMP = "OMP_NUM_THREADS"
# They count OPENMP's where they have none of their own.
EAGER = ("OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
LAZY = (OPENMP, "MKL_NUM_THREADS")


def with_threads(environ: Mapping[str, str], cpus: int, processes: int) -> dict[str, str]:
    """Return the environment variables of the model's processes: ``environ``, and what it does not say of threads.

    The processes share the CPUs. Of several, which are forked, each has one thread of those libraries that start them
    when they are imported: a fork has none of its parent's threads.
    """
    share = str(max(1, cpus // processes))
    said = {} if OPENMP in environ else dict.fromkeys((*LAZY, *EAGER), share)
    if processes > 1:
        said.update(dict.fromkeys(EAGER, "1"))
    return {**said, **environ}
