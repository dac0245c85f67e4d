"""What a promotion shows of its files."""

from __future__ import annotations

from pathlib import Path

from gitops.promote.preview import unified_diff


def test_files_are_shown_as_git_does(tmp_path: Path) -> None:
    (tmp_path / "node.yaml").write_text("a: 1\nb: 2\n")
    (tmp_path / "same.json").write_text("{}\n")
    texts = {"node.yaml": "a: 1\nb: 3", "same.json": "{}\n", "new/contract.json": "{}\n"}
    assert unified_diff(tmp_path, texts) == (
        "diff --git a/node.yaml b/node.yaml\n--- a/node.yaml\n+++ b/node.yaml\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n+b: 3\n"
        "\\ No newline at end of file\n"
        "diff --git a/new/contract.json b/new/contract.json\n--- /dev/null\n+++ b/new/contract.json\n"
        "@@ -0,0 +1 @@\n+{}\n"
    )


def test_of_a_lock_the_lines_are_counted(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("numpy==1 \\\n    --hash=sha256:0\n")
    assert unified_diff(tmp_path, {"model/requirements.lock": "a\nb\n"}) == (
        "diff --git a/model/requirements.lock b/model/requirements.lock\n2 lines added, 0 removed\n"
    )
