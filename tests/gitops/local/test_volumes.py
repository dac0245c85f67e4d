from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import NotRunnable
from gitops.local.volumes import Volumes, translate
from tests.gitops.local.manifests import pod

MODELS = {"name": "models", "emptyDir": {}}


@pytest.mark.parametrize(
    ("text", "translated"),
    [
        ("/mnt/models", "/state/models"),
        ("/mnt/models/", "/state/models/"),
        ("/mnt/models/a/b", "/state/models/a/b"),
        ("/mnt/models/cache/a", "/state/cache/a"),
        ("/mnt/models-of-others", "/mnt/models-of-others"),
        ("/mnt", "/mnt"),
        ("s3://bucket/mnt/models", "s3://bucket/mnt/models"),
        ("", ""),
    ],
)
def test_a_path_below_a_mount_is_one_in_its_folder(text: str, translated: str) -> None:
    mounts = {"/mnt/models": Path("/state/models"), "/mnt/models/cache": Path("/state/cache")}
    assert translate(text, mounts) == translated


def test_an_empty_dir_outlives_its_container_until_the_template_changes(tmp_path: Path) -> None:
    first = Volumes(pod(volumes=[MODELS]), "iris-main-model", tmp_path)
    other = Volumes(pod(volumes=[MODELS]), "iris-main-model-b", tmp_path)
    first.make()
    other.make()
    (first.folder / "models" / "fetched").touch()

    again = Volumes(pod(volumes=[MODELS]), "iris-main-model", tmp_path)
    again.make()
    assert (again.folder / "models" / "fetched").exists()

    changed = Volumes(pod(volumes=[MODELS], args=["serve", "now"]), "iris-main-model", tmp_path)
    changed.make()
    assert list((changed.folder / "models").iterdir()) == []
    assert sorted(tmp_path.iterdir()) == sorted([changed.folder, other.folder])


def test_mounts_are_folders_of_the_pod(tmp_path: Path) -> None:
    mounts = [
        {"name": "models", "mountPath": "/mnt/models/"},
        {"name": "models", "mountPath": "/mnt/sub", "subPath": "a/b"},
    ]
    made = pod(volumes=[MODELS], volumeMounts=mounts)
    volumes = Volumes(made, "iris", tmp_path)
    assert volumes.mounts(made.containers[0]) == {
        "/mnt/models": volumes.folder / "models",
        "/mnt/sub": volumes.folder / "models" / "a" / "b",
    }


def test_a_volume_of_another_kind_is_refused(tmp_path: Path) -> None:
    volumes = Volumes(pod(volumes=[{"name": "lock", "configMap": {"name": "lock"}}]), "iris", tmp_path)
    with pytest.raises(NotRunnable) as error:
        volumes.make()
    assert str(error.value) == (
        "spec.predictors[0].componentSpecs[0].spec.volumes[0] (volume lock) is of kind configMap: "
        "the local run has only emptyDir"
    )


def test_a_mount_without_its_volume_is_refused(tmp_path: Path) -> None:
    made = pod(volumeMounts=[{"name": "models", "mountPath": "/mnt/models"}])
    with pytest.raises(NotRunnable) as error:
        Volumes(made, "iris", tmp_path).mounts(made.containers[0])
    assert str(error.value) == (
        "spec.predictors[0].componentSpecs[0].spec.containers[0].volumeMounts[0] of container model mounts "
        "'models': the pod has no such volume"
    )
