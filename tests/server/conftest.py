"""A model that takes as long as it is told to."""

from __future__ import annotations

import pytest

from tests.server.pickled import pickled

SLOW_MODEL = """
import os, signal, time
class Model:
    def predict(self, X):
        open("beside.txt", "w").close()
        print("ran", X[0][0], flush=True)
        if X[0][0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(float(X[0][0]))
        return X
"""


@pytest.fixture(scope="session")
def slow_model(tmp_path_factory):
    """A model that sleeps as long as its input says, and kills its process when that is negative; it says what it ran."""
    return pickled(tmp_path_factory.mktemp("slow"), SLOW_MODEL)
