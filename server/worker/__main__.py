"""Start the worker: ``python -I …/worker/__main__.py FD PID COUNT``.

FD is its end of a Unix socket pair, PID the process that has started it, without which it must not go on, COUNT how many
processes are to answer calls.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

PACKAGE = "mlflow_model_worker"


def main() -> int:
    """Import the server's folder as a package under a name of its own, and serve the socket.

    Only its packages worker and ipc, and its module operating_system, are imported. The folder is not put on sys.path, where
    its modules could hide the model's.
    """
    folder = Path(__file__).resolve().parents[1]
    spec = importlib.util.spec_from_file_location(
        PACKAGE, str(folder / "__init__.py"), submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(str(folder))
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)
    importlib.import_module(PACKAGE + ".operating_system").die_with_parent(int(sys.argv[2]))
    descriptor, count = int(sys.argv[1]), int(sys.argv[3])
    if count > 1:
        return int(importlib.import_module(PACKAGE + ".worker.fork_server").run(descriptor, count))
    return int(importlib.import_module(PACKAGE + ".worker.loop").run(descriptor))


if __name__ == "__main__":
    sys.exit(main())
