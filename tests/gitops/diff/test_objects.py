from __future__ import annotations

from typing import Any

from gitops.diff.objects import changes


def entry(kind: str, name: str, /, version: str = "v1", **content: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **content}


def names(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[tuple[str | None, str | None]]:
    return [
        (
            change.before and change.before["metadata"]["name"],
            change.after and change.after["metadata"]["name"],
        )
        for change in changes(before, after)
    ]


def test_what_is_the_same_is_left_out_whatever_its_place() -> None:
    first, second = entry("Service", "a"), entry("Service", "b")
    assert changes([first, second], [second, first]) == []


def test_new_changed_and_gone() -> None:
    before = [entry("Service", "gone"), entry("Service", "same"), entry("Service", "changed", spec=1)]
    after = [entry("Service", "new"), entry("Service", "changed", spec=2), entry("Service", "same")]
    assert names(before, after) == [(None, "new"), ("changed", "changed"), ("gone", None)]


def test_another_version_of_an_api_is_a_change_of_the_object() -> None:
    before, after = (entry("SealedSecret", "a", f"bitnami.com/{version}") for version in ("v1alpha1", "v1"))
    assert names([before], [after]) == [("a", "a")]


def test_another_group_is_another_object() -> None:
    before, after = (entry("Ingress", "a", f"{group}/v1") for group in ("extensions", "networking.k8s.io"))
    assert names([before], [after]) == [(None, "a"), ("a", None)]


def test_a_generated_config_map_keeps_its_identity() -> None:
    before = [entry("ConfigMap", "lock-6h72g64hmf", data={"a": "1"})]
    after = [entry("ConfigMap", "lock-7ftk47hggk", data={"a": "2"}), entry("ConfigMap", "other-7ftk47hggk")]
    assert names(before, after) == [("lock-6h72g64hmf", "lock-7ftk47hggk"), (None, "other-7ftk47hggk")]
    assert changes(before, after)[0].title == "ConfigMap lock"


def test_the_one_deployment_of_an_overlay_may_be_renamed() -> None:
    group = "machinelearning.seldon.io/v1"
    old, new = (entry("SeldonDeployment", name, group) for name in ("old", "new"))
    assert names([old], [new]) == [("old", "new")]
    assert names([old], [new, entry("SeldonDeployment", "third", group)]) == [
        (None, "new"),
        (None, "third"),
        ("old", None),
    ]


def test_the_diff_is_that_of_sorted_yaml() -> None:
    before = entry("ConfigMap", "a", data={"b": "one\ntwo\n", "a": "x"})
    after = entry("ConfigMap", "a", data={"a": "x", "b": "one\nthree\n"})
    (change,) = changes([before], [after])
    assert change.diff == (
        "--- ConfigMap a\n+++ ConfigMap a\n@@ -3,7 +3,7 @@\n   a: x\n   b: |\n     one\n-    two\n+    three\n"
        " kind: ConfigMap\n metadata:\n   name: a"
    )


def test_the_hashes_of_a_lock_are_counted() -> None:
    def lock(*hashes: str) -> dict[str, Any]:
        lines = "".join(f" \\\n    --hash=sha256:{digit * 64}" for digit in hashes)
        return entry(
            "ConfigMap", "lock", data={"requirements.lock": f"numpy==2.4.6{lines}\n    # via pandas\n"}
        )

    (change,) = changes([lock("a", "b")], [lock("a", "c")])
    lines = [line for line in change.diff.splitlines() if line.startswith(("-   ", "+   "))]
    assert [line.partition(" begins with ")[0] for line in lines] == [
        "-    numpy==2.4.6  # 2 hashes, of which the hash",
        "+    numpy==2.4.6  # 2 hashes, of which the hash",
    ]
    assert "a" * 64 not in change.diff
