"""A real repository of the manifests, in a temporary folder, that a test may change."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gitops.diff.command import diff
from gitops.manifests.site import read_site
from gitops.markdown import COMMENT_LIMIT
from tests.project import MANIFESTS

NODES = ("model", "postprocessor", "preprocessor")
POD = "/spec/predictors/0/componentSpecs/0/spec"
AUTHOR = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")


def column(name: str | None, type_: str = "double", *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "type": type_, "required": required}


def contract(digest: str = "sha256:" + "0" * 64, **changes: Any) -> dict[str, Any]:
    """What `inspect --json` says of a small model, with ``changes``."""
    signature = {
        "inputs": [column("length"), column("width")],
        "outputs": [column("class", "long")],
        "params": [],
    }
    whole = {
        "digest": digest,
        "size": 1000,
        "files": 7,
        "flavors": {"python_function": None, "sklearn": "1.9.1"},
        "estimator": "sklearn.svm._classes.SVC",
        "methods": ["predict", "decision_function"],
        "signature": signature,
        "python": "3.13.0",
        "conda_packages": [],
        "requirements": ["numpy==2.4.6", "scikit-learn==1.9.1"],
        "mlflow": {"version": "3.17.2", "run": "93bc5efa", "model": "e8332876"},
        "signed": "no",
    }
    return whole | changes


def lock(digest: str, **versions: str) -> str:
    """A requirements.lock; the hash of a package's one file says its name and version."""
    packages = "".join(
        f"{name}=={version} \\\n    --hash=sha256:{f'{name}{version}'.encode().hex():0>64}\n"
        for name, version in versions.items()
    )
    return f"# model: {digest}\n# python: 3.11, 3.13\n# platform: x86_64\n{packages}"


def sealed(name: str, **values: str) -> str:
    """A SealedSecret; the values are no secrets."""
    metadata = {"name": name, "namespace": "seldon"}
    return yaml.safe_dump(
        {
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "metadata": metadata,
            "spec": {"encryptedData": values, "template": {"metadata": metadata}},
        }
    )


@dataclass
class Repository:
    root: Path

    def git(self, *arguments: str | Path) -> str:
        command = ["git", "-C", str(self.root), *AUTHOR, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self) -> str:
        """Commit all there is and return the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD").strip()

    def read(self, file: str) -> str:
        return (self.root / file).read_text()

    def write(self, file: str, text: str) -> None:
        (self.root / file).parent.mkdir(parents=True, exist_ok=True)
        (self.root / file).write_text(text)

    def edit(self, file: str, pattern: str, new: str) -> None:
        """Replace the one place that matches."""
        text, count = re.subn(pattern, new, self.read(file), flags=re.MULTILINE)
        assert count == 1, f"{pattern!r} matches {count} times in {file}"
        self.write(file, text)

    def patch(self, overlay: str, *operations: dict[str, Any]) -> None:
        """Add JSON patches of an overlay's SeldonDeployment."""
        file = f"overlays/{overlay}/kustomization.yaml"
        raw = yaml.safe_load(self.read(file))
        patch = {"target": {"kind": "SeldonDeployment"}, "patch": yaml.safe_dump(list(operations))}
        raw["patches"] = [*raw.get("patches", ()), patch]
        self.write(file, yaml.safe_dump(raw, sort_keys=False))

    def release(self, digit: str) -> str:
        """Pin another image in the base; return its name."""
        self.edit("base/kustomization.yaml", "digest: .*", f"digest: sha256:{digit * 64}")
        name = read_site(self.root).image
        return f"{name}@sha256:{digit * 64}"

    def pin(self, overlay: str, digit: str, **changes: Any) -> str:
        """Pin another model in an overlay, with its contract; return the digest."""
        digest = f"sha256:{digit * 64}"
        self.edit(f"overlays/{overlay}/node.yaml", "modelDigest: .*", f"modelDigest: {digest}")
        self.describe(overlay, **changes)
        return digest

    def describe(self, overlay: str, **changes: Any) -> None:
        """Write the contract of the model that an overlay pins, and its lock where it has one."""
        folder = self.root / "overlays" / overlay
        (found,) = re.findall("sha256:[0-9a-f]{64}", (folder / "node.yaml").read_text())
        (folder / "contract.json").write_text(json.dumps(contract(found, **changes), indent=2))
        if (folder / "requirements.lock").is_file():
            (folder / "requirements.lock").write_text(lock(found, numpy="2.4.6"))

    def diff(
        self, base: str = "main", limit: int = COMMENT_LIMIT, output: Path | None = None
    ) -> tuple[int, str]:
        out = io.StringIO()
        status = diff(self.root, base, out, output=output, limit=limit)
        return status, out.getvalue()

    def state(self) -> dict[str, object]:
        """Return all that a command could touch: git's own files, and content and time of every file."""
        files = {
            str(path.relative_to(self.root)): (path.lstat().st_mtime_ns, path.read_bytes())
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }
        return {"files": files, "folders": sorted(path for path in self.root.rglob("*") if path.is_dir())}


def applied(root: Path) -> Repository:
    """One with the Applications that apply its overlays."""
    return make(root, "argocd")


def make(root: Path, *more: str) -> Repository:
    for name in ("base", "components", "overlays", "site", *more):
        if (MANIFESTS / name).is_dir():
            shutil.copytree(MANIFESTS / name, root / name)
    repository = Repository(root)
    for node in NODES:
        repository.describe(node)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit()
    repository.git("switch", "--quiet", "--create", "change")
    return repository


def section(text: str, folder: str) -> str:
    """Return the section of the report whose heading begins with ``folder``."""
    (found,) = (
        part for part in re.split("^### ", text, flags=re.MULTILINE)[1:] if part.startswith(f"`{folder}`")
    )
    return found
