"""A model that takes as long as it is told to."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
    folder = tmp_path_factory.mktemp("slow")
    (folder / "code").mkdir()
    (folder / "code" / "slow.py").write_text(SLOW_MODEL)
    script = f"import pickle, sys; sys.path.insert(0, {str(folder / 'code')!r}); import slow\n"
    script += f"pickle.dump(slow.Model(), open({str(folder / 'model.pkl')!r}, 'wb'))"
    subprocess.run([sys.executable, "-c", script], check=True)
    (folder / "MLmodel").write_text(
        "flavors:\n  sklearn: {pickled_model: model.pkl, serialization_format: pickle, code: code}\n"
    )
    return folder
