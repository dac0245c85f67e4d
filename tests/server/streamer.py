"""A model of mlflow.pyfunc that answers in parts, as it is told to, in this process's environment."""

from __future__ import annotations

from pathlib import Path

CODE = '''
"""Takes {"parts", "size", "fails", "waits"}; a part that "waits" is made when the file "until" is there."""
import os, signal, time

class Model:
    def predict(self, data, params=None):
        print("answered", flush=True)
        return data if isinstance(data, dict) else {"data": str(data)}

    def predict_stream(self, data, params=None):
        if data.get("refuses"):
            raise ValueError("before the first part")
        return self.parts(data, params)

    def parts(self, data, params):
        number = -1
        try:
            for number in range(data["parts"]):
                if number == data.get("fails"):
                    raise ValueError("as asked")
                if number == data.get("dies"):
                    os.kill(os.getpid(), signal.SIGKILL)
                if number == data.get("waits"):
                    end = time.monotonic() + 60
                    while not os.path.exists(data["until"]) and time.monotonic() < end:
                        time.sleep(0.01)
                print("made", number, flush=True)
                yield {"part": number, "text": "x" * data.get("size", 0)}
        finally:
            print("closed after", number, flush=True)

def _load_pyfunc(path):
    return Model()
'''


def write(folder: Path) -> Path:
    """Write the model to a new folder, and return that."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "streamer.py").write_text(CODE)
    said = "{loader_module: streamer, code: code, streamable: true}"
    (folder / "MLmodel").write_text(f"flavors:\n  python_function: {said}\n")
    return folder
