from __future__ import annotations

import re
from typing import Any

import pytest

from gitops.diff.objects import changes
from gitops.diff.rows import Row, rows
from gitops.manifests.rendered import Rendered, render
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


def test_a_canary_that_is_a_copy_is_told_by_what_it_has_of_its_own(repository: Repository) -> None:
    before = objects(repository, "model")
    repository.patch(
        "model",
        {"op": "copy", "from": "/spec/predictors/0", "path": "/spec/predictors/1"},
        {"op": "replace", "path": "/spec/predictors/1/name", "value": "canary"},
        {"op": "add", "path": "/spec/predictors/1/traffic", "value": 20},
        {"op": "add", "path": "/spec/predictors/0/traffic", "value": 80},
        {
            "op": "replace",
            "path": "/spec/predictors/1/componentSpecs/0/spec/containers/0/image",
            "value": "next",
        },
    )
    (change,) = [e for e in changes(before, objects(repository, "model")) if e.kind == "SeldonDeployment"]
    image = change.before["spec"]["predictors"][0]["componentSpecs"][0]["spec"]["containers"][0]["image"]  # type: ignore[index]
    assert sorted(
        (row.part, row.field, row.before, row.after) for row in rows(change) if row.field != "(order)"
    ) == [
        ("predictor canary", "a copy of", None, "model"),
        ("predictor canary", "traffic", "80", "20"),
        ("predictor model", "traffic", None, "80"),
        ("server canary/model", "image", image, "next"),
    ]


def test_the_predictor_that_stays_is_the_main_one_wherever_it_stands(repository: Repository) -> None:
    found = told(
        repository,
        "model",
        {"op": "copy", "from": "/spec/predictors/0", "path": "/spec/predictors/0"},
        {"op": "replace", "path": "/spec/predictors/0/name", "value": "canary"},
    )
    assert found == [("predictor canary", "a copy of", None, "model")]


def test_a_node_of_another_name_is_the_same_node(repository: Repository) -> None:
    before = objects(repository, "model")
    for file in ("node.yaml", "kustomization.yaml"):
        text = repository.read(f"overlays/model/{file}")
        text = text.replace("node: model", "node: svm").replace("value: model\n", "value: svm\n")
        repository.write(f"overlays/model/{file}", text.replace("- name: model-", "- name: svm-"))
    found = [row for change in changes(before, objects(repository, "model")) for row in rows(change)]
    assert [row for row in found if row.whole] == []
    assert Row("predictor", "", "name", "model", "svm") in found


def changed(before: Any, after: Any, kind: str = "AppProject") -> list[tuple[str, str | None, str | None]]:
    sides = [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "namespace": "b"}, **content}
        for content in (before, after)
    ]
    (change,) = changes(*([side] for side in sides))
    return [(row.field, row.before, row.after) for row in rows(change)]


def test_one_entry_of_a_list_without_names_is_one_row() -> None:
    kinds = [{"group": "", "kind": kind} for kind in ("ConfigMap", "Job", "Service")]
    new = {"group": "apps", "kind": "Deployment"}
    assert changed({"allowed": kinds}, {"allowed": [new, *kinds]}) == [
        ("allowed[0]", None, "group apps, kind Deployment")
    ]
    assert changed({"allowed": kinds}, {"allowed": kinds[1:]}) == [
        ("allowed[0]", "group, kind ConfigMap", None)
    ]
    assert changed({"allowed": kinds}, {"allowed": kinds[::-1], "more": "x"}) == [("more", None, "x")]


def test_an_egress_rule_that_comes_first_is_one_row_and_one_that_changes_its_value() -> None:
    def rule(port: int, cidr: str = "0.0.0.0/0") -> dict[str, Any]:
        return {
            "to": [{"ipBlock": {"cidr": cidr, "except": ["169.254.0.0/16"]}}],
            "ports": [{"protocol": "TCP", "port": port}, {"protocol": "UDP", "port": port}],
        }

    before = {"egress": [rule(443), rule(53)]}
    (row,) = changed(before, {"egress": [rule(9000, "10.0.0.0/8"), rule(443), rule(53)]}, "NetworkPolicy")
    assert row[0] == "egress[0]"
    assert row[1] is None
    assert "ports[0].port 9000" in str(row[2])
    assert changed(before, {"egress": [rule(443), rule(53, "10.0.0.0/8")]}, "NetworkPolicy") == [
        ("egress[1].to[0].ipBlock.cidr", "0.0.0.0/0", "10.0.0.0/8")
    ]


ANSWER = (
    '{"request": {"data": {"names": ["a"], "ndarray": [[1]]}}, "response": {"data": [0.5]}, "tolerance": 0.1}'
)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (ANSWER, ANSWER.replace("0.1", "10.0"), [("key f tolerance", "0.1", "10.0")]),
        (ANSWER, ANSWER.replace("[0.5]", "[0.7]"), [("key f response.data", "[0.5]", "[0.7]")]),
        (ANSWER, ANSWER.replace("[[1]]", "[[2]]"), [("key f request.data.ndarray", "[[1]]", "[[2]]")]),
        (
            ANSWER,
            ANSWER.replace(", ", ",\n"),
            [("key f (formatting only)", "the same values", "the same values")],
        ),
        ("a: 1\nb: 2\n", "a: 1\r\nb: 2\r\n", [("key f (formatting only)", "LF", "CRLF")]),
        ("a: 1\nb: 2\n", "a: 1\nb: 3\n", [("key f:2", "b: 2", "b: 3")]),
        (
            "\n".join("abcdef"),
            "\n".join("ghijkl"),
            [("key f", "6 lines, 6 of them gone", "6 lines, 6 of them new")],
        ),
    ],
    ids=["tolerance", "answer", "request", "json", "line-ends", "line", "lines"],
)
def test_a_file_is_read_as_what_it_is(old: str, new: str, told: list[tuple[str, str, str]]) -> None:
    assert changed({"data": {"f": old}}, {"data": {"f": new}}, "ConfigMap") == told


def test_a_huge_value_by_its_size_its_hash_and_where_it_differs() -> None:
    old, new = "x " * 5000 + "old", "x " * 5000 + "new"
    ((_, before, after),) = changed({"data": {"f": old}}, {"data": {"f": new}}, "ConfigMap")
    assert re.fullmatch(r"10,003 characters, hash [0-9a-f]{8}, at 10001: …[x ]+old…", str(before))
    assert str(after).endswith("new…")


def test_the_same_quantity_in_other_words_is_no_change(repository: Repository) -> None:
    path = f"{CONTAINER}/resources/limits/memory"
    assert told(repository, "model", {"op": "replace", "path": path, "value": "1024Mi"}) == []
