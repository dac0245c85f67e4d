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
    first = Volumes(pod(volumes=[MODELS]), "iris-main-model", tmp_path, {})
    other = Volumes(pod(volumes=[MODELS]), "iris-main-model-b", tmp_path, {})
    first.make()
    other.make()
    (first.folder / "models" / "fetched").touch()

    again = Volumes(pod(volumes=[MODELS]), "iris-main-model", tmp_path, {})
    again.make()
    assert (again.folder / "models" / "fetched").exists()

    changed = Volumes(pod(volumes=[MODELS], args=["serve", "now"]), "iris-main-model", tmp_path, {})
    changed.make()
    assert list((changed.folder / "models").iterdir()) == []
    assert sorted(tmp_path.iterdir()) == sorted([changed.folder, other.folder])


def test_mounts_are_folders_of_the_pod(tmp_path: Path) -> None:
    mounts = [
        {"name": "models", "mountPath": "/mnt/models/"},
        {"name": "models", "mountPath": "/mnt/sub", "subPath": "a/b"},
    ]
    made = pod(volumes=[MODELS], volumeMounts=mounts)
    volumes = Volumes(made, "iris", tmp_path, {})
    assert volumes.mounts(made.containers[0]) == {
        "/mnt/models": volumes.folder / "models",
        "/mnt/sub": volumes.folder / "models" / "a" / "b",
    }


LOCK = {"name": "lock", "configMap": {"name": "model-lock-1"}}


def test_a_config_map_is_a_folder_of_its_files(tmp_path: Path) -> None:
    volumes = Volumes(
        pod(volumes=[LOCK]), "iris", tmp_path, {"model-lock-1": {"requirements.lock": "numpy\n"}}
    )
    volumes.make()
    assert (volumes.folder / "lock" / "requirements.lock").read_text() == "numpy\n"


def test_a_config_map_that_is_optional_may_be_missing(tmp_path: Path) -> None:
    optional = {"name": "lock", "configMap": {"name": "model-lock-1", "optional": True}}
    volumes = Volumes(pod(volumes=[optional]), "iris", tmp_path, {})
    volumes.make()
    assert list((volumes.folder / "lock").iterdir()) == []


def test_a_service_account_has_no_token_here(tmp_path: Path) -> None:
    sources = [{"serviceAccountToken": {"audience": "sts.amazonaws.com", "path": "token"}}]
    volumes = Volumes(
        pod(volumes=[{"name": "identity", "projected": {"sources": sources}}]), "iris", tmp_path, {}
    )
    volumes.make()
    assert list((volumes.folder / "identity").iterdir()) == []


def test_a_config_map_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotRunnable) as error:
        Volumes(pod(volumes=[LOCK]), "iris", tmp_path, {}).make()
    assert str(error.value) == (
        "spec.predictors[0].componentSpecs[0].spec.volumes[0] (volume lock) is the ConfigMap 'model-lock-1': "
        "the overlay renders none of this name"
    )


def test_a_claim_is_one_folder_for_every_pod_that_names_it(tmp_path: Path) -> None:
    claim = {"name": "cache", "persistentVolumeClaim": {"claimName": "model-cache"}}
    folders = []
    for args in (["serve"], ["serve", "now"]):
        made = pod(volumes=[claim], args=args, volumeMounts=[{"name": "cache", "mountPath": "/mnt/cache"}])
        volumes = Volumes(made, "iris", tmp_path / "pods", {})
        volumes.make()
        folders.append(volumes.mounts(made.containers[0])["/mnt/cache"])
    assert folders == [tmp_path / "claims" / "model-cache"] * 2
    assert folders[0].is_dir()


def test_a_volume_of_another_kind_is_refused(tmp_path: Path) -> None:
    volumes = Volumes(pod(volumes=[{"name": "lock", "secret": {"secretName": "lock"}}]), "iris", tmp_path, {})
    with pytest.raises(NotRunnable) as error:
        volumes.make()
    assert str(error.value) == (
        "spec.predictors[0].componentSpecs[0].spec.volumes[0] (volume lock) is of kind secret: "
        "the local run has only emptyDir, claims, whole ConfigMaps and service account tokens"
    )


def test_a_mount_without_its_volume_is_refused(tmp_path: Path) -> None:
    made = pod(volumeMounts=[{"name": "models", "mountPath": "/mnt/models"}])
    with pytest.raises(NotRunnable) as error:
        Volumes(made, "iris", tmp_path, {}).mounts(made.containers[0])
    assert str(error.value) == (
        "spec.predictors[0].componentSpecs[0].spec.containers[0].volumeMounts[0] of container model mounts "
        "'models': the pod has no such volume"
    )
