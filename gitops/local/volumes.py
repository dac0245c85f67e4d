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
from gitops.manifests.pod import Container, Pod, Volume

CLAIM = "persistentVolumeClaim"
_HASH = "[0-9a-f]{12}"


class Volumes:
    """The volumes of one pod: emptyDirs, ConfigMaps and claims; that of a service account's token stays empty.

    emptyDirs outlive its containers as they do on a node, claims outlive the pod and are shared by all that name
    them. ``config_maps`` holds the data of the ConfigMaps that there are, by name. Each pod has a folder named by
    what it is and by the hash of its template, so a pod that is started again finds what its init containers
    made, and one whose manifest changed starts anew.
    """

    def __init__(
        self, pod: Pod, name: str, parent: Path, config_maps: Mapping[str, Mapping[str, str]]
    ) -> None:
        self.folder = parent / f"{name}-{_hash(pod.raw)}"
        self._parent = parent
        self._name = name
        self._pod = pod
        self._config_maps = config_maps

    def make(self) -> None:
        """Make the folders, and remove those of this pod's older templates.

        Raises:
            NotRunnable: a volume is not of a kind that a folder can stand in for, or there is no such ConfigMap.
        """
        contents = {volume.name: self._content(volume) for volume in self._pod.volumes}
        for old in self._parent.glob(f"{self._name}-*"):
            if re.fullmatch(f"{re.escape(self._name)}-{_HASH}", old.name) and old != self.folder:
                shutil.rmtree(old)
        for name, files in contents.items():
            self._of(name).mkdir(parents=True, exist_ok=True)
            for file, text in files.items():
                (self._of(name) / file).write_text(text, encoding="utf-8")

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

    def _content(self, volume: Volume) -> Mapping[str, str]:
        """Return the files that a volume starts with."""
        if volume.kind in ("emptyDir", CLAIM) or _is_token(volume):
            return {}
        if volume.kind != "configMap" or volume.source.get("items"):
            raise NotRunnable(
                f"{volume.path} (volume {volume.name}) is of kind {volume.kind}: the local run has only emptyDir, "
                "claims, whole ConfigMaps and service account tokens"
            )
        name = volume.source.get("name", "")
        if name not in self._config_maps and not volume.source.get("optional", False):
            raise NotRunnable(
                f"{volume.path} (volume {volume.name}) is the ConfigMap {name!r}: the overlay renders none of this name"
            )
        return self._config_maps.get(name, {})

    def _of(self, name: str) -> Path:
        volume = self._pod.volume(name)
        if volume is not None and volume.kind == CLAIM:
            return self._parent.parent / "claims" / str(volume.source.get("claimName"))
        return self.folder / name


def _is_token(volume: Volume) -> bool:
    """Whether a volume holds nothing but a token of the service account, which nobody here would take."""
    return bool(volume.projected) and all("serviceAccountToken" in source for source in volume.projected)


def translate(text: str, mounts: Mapping[str, Path]) -> str:
    """Return ``text`` as it is, or, if it is a path at or below a mount path, the path in that mount's folder."""
    for path in sorted(mounts, key=len, reverse=True):
        if text == path or text.startswith(f"{path}/"):
            return f"{mounts[path]}{text[len(path) :]}"
    return text


def _hash(template: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:12]
