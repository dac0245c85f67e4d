"""A pod's volumes as folders, and the paths in its containers as paths in them."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitops.errors import NotRunnable
from gitops.pods import Container, Pod

_HASH = "[0-9a-f]{12}"


class Volumes:
    """The volumes of one pod: emptyDirs, which outlive its containers as they do on a node.

    Each pod has a folder named by what it is and by the hash of its template, so a pod that is started
    again finds what its init containers made, and one whose manifest changed starts anew.
    """

    def __init__(self, pod: Pod, name: str, parent: Path) -> None:
        self.folder = parent / f"{name}-{_hash(pod.raw)}"
        self._parent = parent
        self._name = name
        self._pod = pod

    def make(self) -> None:
        """Make the folders, and remove those of this pod's older templates.

        Raises:
            NotRunnable: a volume is not of a kind that a folder can stand in for.
        """
        for volume in self._pod.volumes:
            if volume.kind != "emptyDir":
                raise NotRunnable(
                    f"{volume.path} (volume {volume.name}) is of kind {volume.kind}: the local run has only emptyDir"
                )
        for old in self._parent.glob(f"{self._name}-*"):
            if re.fullmatch(f"{re.escape(self._name)}-{_HASH}", old.name) and old != self.folder:
                shutil.rmtree(old)
        for volume in self._pod.volumes:
            self._of(volume.name).mkdir(parents=True, exist_ok=True)

    def mounts(self, container: Container) -> dict[str, Path]:
        """Return the folder for each mount path of ``container``.

        Raises:
            NotRunnable: it mounts a volume that the pod does not have.
        """
        for mount in container.mounts:
            if self._pod.volume(mount.volume) is None:
                raise NotRunnable(
                    f"{mount.path} of container {container.name} mounts {mount.volume!r}: the pod has no such volume"
                )
        return {
            mount.mount_path.rstrip("/"): self._of(mount.volume) / mount.sub_path
            for mount in container.mounts
        }

    def _of(self, volume: str) -> Path:
        return self.folder / volume


def translate(text: str, mounts: Mapping[str, Path]) -> str:
    """Return ``text`` as it is, or, if it is a path at or below a mount path, the path in that mount's folder."""
    for path in sorted(mounts, key=len, reverse=True):
        if text == path or text.startswith(f"{path}/"):
            return f"{mounts[path]}{text[len(path) :]}"
    return text


def _hash(template: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:12]
