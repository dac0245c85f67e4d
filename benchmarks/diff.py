"""How long `make diff` takes over many overlays: `make bench-diff`, or python -m benchmarks.diff NUMBER.

A repository is made in a temporary folder from base/ and overlays/model of tests/manifests: each overlay has names, a contract and a lock
of its own. Then one, all through the base, and all by themselves are changed and compared with the commit. It
ends with status 1 when one of these takes longer than its budget.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.budget import judge
from gitops.diff.command import diff
from gitops.tools import tool
from server.operating_system import cpus
from server.pins.contract import contract

ROOT = Path(__file__).resolve().parent.parent
OVERLAYS = 200
# For so many overlays on two cores.
BUDGET_SECONDS = 15
PACKAGES = 60
HASHES = 20
# A fork may have removed the examples.
_MANIFESTS = ROOT / "tests" / "manifests"
_MODEL = _MANIFESTS / "examples/iris/models/iris_svm_model"


def main(number: int) -> int:
    """Print a line for each kind of change; return the exit status."""
    fine = []
    tool("kustomize")
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        generate(root, number)
        for arguments in (
            ("init", "--quiet"),
            ("add", "."),
            ("commit", "--quiet", "--message", "Add overlays"),
        ):
            subprocess.run(["git", "-C", root, *_AUTHOR, *arguments], check=True)
        overlays = sorted((root / "overlays").iterdir())
        print(f"{number} overlays, {cpus()} cores")
        for name, change in (
            ("nothing changes", lambda: None),
            ("one model changes", lambda: promote(overlays[:1])),
            ("the image changes", lambda: release(root)),
            ("the image and every model change", lambda: promote(overlays)),
        ):
            taken, computed = measure(root, change)
            budget = BUDGET_SECONDS
            fine.append(judge(name, taken, budget, f"; of computing on all cores {computed:.1f} s"))
    return 0 if all(fine) else 1


_AUTHOR = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost")


def generate(root: Path, number: int) -> None:
    """Write base/ and ``number`` overlays below ``root``."""
    for name in ("base", "site"):
        shutil.copytree(_MANIFESTS / name, root / name)
    described = contract(_MODEL, str(_MODEL), "")
    for index in range(number):
        name = f"model-{index}"
        overlay = root / "overlays" / name
        shutil.copytree(_MANIFESTS / "overlays/model", overlay)
        node = (overlay / "node.yaml").read_text()
        node = re.sub(r"^(  (?:name|node|deployment): ).*", rf"\g<1>{name}", node, flags=re.MULTILINE)
        (overlay / "node.yaml").write_text(node)
        kustomization = (overlay / "kustomization.yaml").read_text()
        kustomization = kustomization.replace("value: model\n", f"value: {name}\n")
        kustomization = kustomization.replace("name: model-", f"name: {name}-")
        (overlay / "kustomization.yaml").write_text(kustomization)
        expected = json.loads((overlay / "expected.json").read_text())
        expected["models"] = {name: described["digest"]}
        (overlay / "expected.json").write_text(json.dumps(expected, indent=2))
        (overlay / "contract.json").write_text(json.dumps(described, indent=2))
        (overlay / "requirements.lock").write_text(_lock(described, "1.0"))


def _lock(described: dict[str, Any], version: str) -> str:
    hashes = "".join(f" \\\n    --hash=sha256:{index:064x}" for index in range(HASHES))
    others = [f"package-{index}=={version}" for index in range(PACKAGES)]
    packages = "".join(f"{package}{hashes}\n" for package in [*described["requirements"], *others])
    return f"# model: {described['digest']}\n# python: 3.13\n# platform: x86_64\n{packages}"


def promote(overlays: Iterable[Path]) -> None:
    """Pin another model in each of ``overlays``."""
    for place, overlay in enumerate(overlays, 1):
        digest = f"sha256:{place:064x}"
        node = (overlay / "node.yaml").read_text()
        (overlay / "node.yaml").write_text(re.sub(r"sha256:[0-9a-f]{64}", digest, node))
        described = json.loads((overlay / "contract.json").read_text()) | {"digest": digest}
        described["signature"]["inputs"] = described["signature"]["inputs"][1:]
        (overlay / "contract.json").write_text(json.dumps(described, indent=2))
        (overlay / "requirements.lock").write_text(_lock(described, "2.0"))


def release(root: Path) -> None:
    """Pin another image in the base."""
    file = root / "base/kustomization.yaml"
    file.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{1:064x}", file.read_text()))


def measure(root: Path, change: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds that the comparison takes after ``change``, and those that this process and kustomize computed."""
    change()
    began, computed = time.monotonic(), _computed()
    diff(root, "HEAD", io.StringIO(), output=root.parent / f"{root.name}.md")
    taken, computed = time.monotonic() - began, _computed() - computed
    (root.parent / f"{root.name}.md").unlink()
    return taken, computed


def _computed() -> float:
    return sum(os.times()[:4])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else OVERLAYS))
