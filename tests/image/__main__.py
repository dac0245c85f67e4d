"""Print which files two images of the engine hold otherwise, and end with 1 if they do: `python -m tests.image IMAGE OTHER`."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.image.compare import differences
from tests.image.engine import inspect, succeed

images = sys.argv[1:]
one, other = (inspect(image)["RootFS"]["Layers"] for image in images)
if one == other:
    print(f"{' and '.join(images)}: the same layers")
    sys.exit(0)
with TemporaryDirectory() as folder:
    archives = [Path(folder, f"{number}.tar") for number in range(len(images))]
    for image, archive in zip(images, archives, strict=True):
        succeed("save", "--output", str(archive), image)
    found = differences(*archives)
print("\n".join(found) or f"{' and '.join(images)}: the same files, in layers that differ by times or order")
sys.exit(1 if found else 0)
