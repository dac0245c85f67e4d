from __future__ import annotations

from typing import Any

import pytest

from gitops.check.rendered import Rendered, render
from gitops.diff.objects import changes
from gitops.diff.rows import Row, rows
from tests.gitops.diff.repository import POD, Repository

CONTAINER = f"{POD}/containers/0"


def objects(repository: Repository, overlay: str) -> tuple[Any, ...]:
    found = render(repository.root, f"overlays/{overlay}")
    assert isinstance(found, Rendered), found
    return found.objects


def told(
    repository: Repository, overlay: str, *operations: dict[str, Any], shown: str = ""
) -> list[tuple[Any, ...]]:
    """Return the rows of what patches of an overlay change, in it or in the overlay ``shown``."""
    before = objects(repository, shown or overlay)
    repository.patch(overlay, *operations)
    found = [row for change in changes(before, objects(repository, shown or overlay)) for row in rows(change)]
    return [(row.part, row.field, row.before, row.after) for row in found]


@pytest.mark.parametrize(
    ("path", "value", "row"),
    [
        (f"{CONTAINER}/resources/limits/memory", "3Gi", ("server", "resources.limits.memory", "1Gi", "3Gi")),
        (
            f"{CONTAINER}/readinessProbe/periodSeconds",
            9,
            ("server", "readinessProbe.periodSeconds", "5", "9"),
        ),
        ("/spec/predictors/0/replicas", 2, ("predictor", "replicas", "1", "2")),
        (
            "/spec/predictors/0/graph/parameters/1/value",
            "ndarray",
            ("graph node", "parameter xtype", "DataFrame", "ndarray"),
        ),
        (
            f"{POD}/automountServiceAccountToken",
            True,
            ("pod", "automountServiceAccountToken", "false", "true"),
        ),
        (
            f"{POD}/initContainers/1/resources/limits/memory",
            "3Gi",
            ("environment", "resources.limits.memory", "2Gi", "3Gi"),
        ),
        ("/metadata/labels", {"team": "iris"}, ("SeldonDeployment", "metadata.labels.team", None, "iris")),
    ],
)
def test_a_value_is_told_by_its_part(
    repository: Repository, path: str, value: Any, row: tuple[str, ...]
) -> None:
    assert told(repository, "model", {"op": "add", "path": path, "value": value}) == [row]


def test_a_part_of_several_nodes_is_told_by_its_node(repository: Repository) -> None:
    change = {"op": "replace", "path": f"{CONTAINER}/resources/limits/memory", "value": "3Gi"}
    assert told(repository, "model", change, shown="pipeline") == [
        ("server model", "resources.limits.memory", "1Gi", "3Gi")
    ]


@pytest.mark.parametrize("overlay", ["model", "pipeline"])
def test_what_is_the_same_in_all_containers_is_told_once(repository: Repository, overlay: str) -> None:
    old, before = repository.release("0"), objects(repository, overlay)
    new = repository.release("1")
    (change,) = [
        entry for entry in changes(before, objects(repository, overlay)) if entry.kind == "SeldonDeployment"
    ]
    assert rows(change) == [Row("every container", "", "image", old, new)]


def test_the_image_of_one_node_alone(repository: Repository) -> None:
    image = repository.release("0").replace("0" * 64, "1" * 64)
    paths = (f"{CONTAINER}/image", f"{POD}/initContainers/0/image", f"{POD}/initContainers/1/image")
    patches = [{"op": "replace", "path": path, "value": image} for path in paths]
    (row,) = told(repository, "model", *patches, shown="pipeline")
    assert row[:2] == ("every container of model", "image")


def test_a_variable_a_secret_and_a_sidecar_that_come(repository: Repository) -> None:
    found = told(
        repository,
        "model",
        {"op": "add", "path": f"{CONTAINER}/env/-", "value": {"name": "LEVEL", "value": "debug"}},
        {"op": "add", "path": f"{CONTAINER}/envFrom", "value": [{"secretRef": {"name": "hub"}}]},
        {"op": "add", "path": f"{POD}/containers/-", "value": {"name": "proxy", "image": "proxy"}},
    )
    assert ("server", "env[LEVEL]", None, "debug") in found
    assert ("server", "envFrom[secretRef hub].secretRef.name", None, "hub") in found
    assert ("container proxy", "image", None, "proxy") in found


def test_a_model_is_told_first_and_apart_from_its_containers_arguments(repository: Repository) -> None:
    before = objects(repository, "model")
    repository.edit("overlays/model/node.yaml", "modelUri: .*", "modelUri: s3://mlflow/artifacts/other")
    digest = repository.pin("model", "1")
    found = [row for change in changes(before, objects(repository, "model")) for row in rows(change)]
    told = [(row.part, row.field, row.after) for row in found if row.kind != ""]
    assert told[:2] == [
        ("graph node", "model URI", "s3://mlflow/artifacts/other"),
        ("graph node", "model digest", digest),
    ]
    assert not any(row.field == "args" for row in found)


def test_other_arguments_are_told(repository: Repository) -> None:
    (row,) = told(
        repository, "model", {"op": "add", "path": f"{POD}/initContainers/0/args/-", "value": "--verbose"}
    )
    assert row[1] == "args"
    assert row[3].endswith('"--verbose"]')


def test_another_order_is_told(repository: Repository) -> None:
    path = f"{CONTAINER}/volumeMounts"
    (row,) = told(repository, "model", {"op": "move", "from": f"{path}/2", "path": f"{path}/0"})
    assert row[:2] == ("server", "volumeMounts (order)")


def test_the_hash_in_a_name_is_not_told() -> None:
    def config_map(name: str, value: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"key": value}}

    (change,) = changes([config_map("a-6h72g64hmf", "one")], [config_map("a-7ftk47hggk", "two")])
    assert rows(change) == [Row("", "", "key key", "one", "two")]


def test_an_image_that_ends_like_a_hash_is_told() -> None:
    before, after = (
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"image": f"proxy-{tag}"}}
        for tag in ("6h72g64hmf", "7ftk47hggk")
    )
    (change,) = changes([before], [after])
    assert rows(change) == [Row("", "", "spec.image", "proxy-6h72g64hmf", "proxy-7ftk47hggk")]
