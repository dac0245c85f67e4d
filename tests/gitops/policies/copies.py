"""A copy of the repository's manifests that a test may break."""

from __future__ import annotations

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.check import check
from gitops.files import set_scalars
from gitops.manifests import image, image_interface
from gitops.manifests.image import BASE_KUSTOMIZATION
from gitops.manifests.kustomize import build
from gitops.manifests.seldondeployment import is_seldon_deployment
from gitops.manifests.tree import load
from gitops.policies.evaluation import FOLDER_POLICIES, SHAPE_POLICIES, TREE_POLICIES, findings


@dataclass
class Copy:
    root: Path

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace the one place where ``old`` stands."""
        text = (self.root / file).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        (self.root / file).write_text(text.replace(old, new))

    def append(self, file: str, text: str) -> None:
        with (self.root / file).open("a") as stream:
            stream.write(text)

    def unrelease(self) -> None:
        """Pin no image, as before the first release."""
        file = self.root / BASE_KUSTOMIZATION
        place = ("images", ("name", image.NAME))
        file.write_text(
            set_scalars(file.read_text(), place, {"digest": image.UNRELEASED}, origin=BASE_KUSTOMIZATION)
        )
        (self.root / image_interface.FILE).unlink(missing_ok=True)

    def deployment(self, overlay: str) -> dict[str, Any]:
        """Return the SeldonDeployment that the overlay renders."""
        (found,) = filter(is_seldon_deployment, build(self.root / "overlays" / overlay))
        return found

    def errors(self) -> list[str]:
        return [str(finding) for finding in findings(load(self.root)) if finding.level == "error"]

    def broken(self, policy: str, folder: str) -> list[str]:
        """Return what this policy alone finds in this folder."""
        found = findings(
            load(self.root),
            [entry for entry in SHAPE_POLICIES if entry.id == policy],
            [entry for entry in TREE_POLICIES if entry.id == policy],
            [entry for entry in FOLDER_POLICIES if entry.id == policy],
        )
        return [str(finding) for finding in found if finding.folder == folder]

    def check(self, base: str = "") -> tuple[int, str]:
        out = io.StringIO()
        return check(self.root, out, base), out.getvalue()

    def commit(self) -> None:
        """Make it a repository with one commit of all that is there."""
        identity = ("-c", "user.name=maintainers", "-c", "user.email=maintainers@users.noreply.github.com")
        for arguments in (
            ["init", "--quiet"],
            ["add", "--all"],
            [*identity, "commit", "--quiet", "-m", "base"],
        ):
            subprocess.run(["git", "-C", self.root, *arguments], check=True)
