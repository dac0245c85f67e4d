"""The secret scan on a repository of its own. What it finds is put together here, so that it is not found here."""

from __future__ import annotations

import io
import json
import re
import subprocess
from pathlib import Path

import pytest

from gitops.errors import ScanFailed
from gitops.scan import Allowed, read, scan
from tests.gitops.policies.fixture import FOLDER

AWS = "AKIA" + "ABCDEFGHIJKLMNOP"
GITHUB = "ghp" + "_" + "a1B2" * 9
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----"
LAST = (
    "what may be a secret must not lie in git: take it out, and replace it where it is valid; "
    "if it is none, say why in gitops/scan.yaml\n"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text(".cache/\n")
    return tmp_path


def scanned(root: Path, *allowed: Allowed) -> tuple[int, str]:
    out = io.StringIO()
    return scan(root, out, allowed), out.getvalue()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"key = {AWS}\n", "AWS Access Key"),
        (f"value: {GITHUB}\n", "GitHub Token"),
        (f"{PEM}\n", "Private Key"),
        ("url: https://me:hun" + "ter22@example.com\n", "Basic Auth Credentials"),
    ],
    ids=["aws", "github", "private key", "url"],
)
def test_a_secret_is_found_before_it_is_committed_and_not_shown(root: Path, text: str, kind: str) -> None:
    (root / "notes.md").write_text(f"# Notes\n\n{text}")
    assert scanned(root) == (1, f"notes.md:3: {kind} (not shown)\n{LAST}")


def test_a_program_reads_where_it_is_and_not_what(root: Path) -> None:
    (root / "notes.md").write_text(f"{AWS}\n")
    out = io.StringIO()
    assert scan(root, out, (), as_json=True) == 1
    assert AWS not in out.getvalue()
    content = json.loads(out.getvalue())
    assert (content["command"], content["ok"]) == ("scan", False)
    (item,) = content["items"]
    assert {**item, "fix": ""} == {
        "level": "error",
        "id": "AWS Access Key",
        "place": "notes.md:1",
        "message": "may be a secret, and is not shown",
        "fix": "",
    }
    assert item["fix"].startswith("take it out, ")


def test_a_committed_secret_is_found(root: Path) -> None:
    (root / "notes.md").write_text(f"{AWS}\n")
    subprocess.run(["git", "-C", root, "add", "."], check=True)
    assert scanned(root)[0] == 1


def test_what_git_ignores_is_left_out(root: Path) -> None:
    (root / ".cache").mkdir()
    (root / ".cache/key.pem").write_text(f"{PEM}\n")
    assert scanned(root) == (0, "")


def test_what_is_allowed_is_allowed_by_file_and_type_only(root: Path) -> None:
    allowed = Allowed("keys/*", ("Private Key",), "a test")
    (root / "keys").mkdir()
    (root / "keys/demo.pem").write_text(f"{PEM}\n")
    assert scanned(root, allowed) == (0, "")
    (root / "keys/demo.pem").write_text(f"{PEM}\n{AWS}\n")
    assert scanned(root, allowed) == (1, f"keys/demo.pem:2: AWS Access Key (not shown)\n{LAST}")


ENCRYPTED = (FOLDER / "secret-value/valid/encrypted-by-sops.yaml").read_text()
SECRET = "base/secrets/secret-seldon-init-container-secret.yaml"


def test_what_sops_encrypted_is_allowed(root: Path) -> None:
    (root / "base/secrets").mkdir(parents=True)
    (root / SECRET).write_text(ENCRYPTED)
    (root / ".sops.yaml").write_text(
        f"creation_rules:\n  - age: {re.search('age1[0-9a-z]+', ENCRYPTED)[0]}\n"  # type: ignore[index]
    )
    assert scanned(root, *read()) == (0, "")
    assert scanned(root)[0] == 1


def test_a_value_in_clear_among_what_sops_encrypted_is_found(root: Path) -> None:
    (root / "base/secrets").mkdir(parents=True)
    clear = re.sub(r"(AWS_SECRET_ACCESS_KEY): .*", r"\1: in-" + "clear-and-long", ENCRYPTED)
    (root / SECRET).write_text(clear)
    line = clear.splitlines().index("  AWS_SECRET_ACCESS_KEY: in-clear-and-long") + 1
    assert scanned(root, *read()) == (1, f"{SECRET}:{line}: Secret Keyword (not shown)\n{LAST}")


def test_an_allowance_that_nothing_needs_is_said(root: Path) -> None:
    (root / "keys").mkdir()
    (root / "keys/README.md").write_text("No keys.\n")
    assert scanned(root, Allowed("keys/*", ("Private Key",), "a test")) == (
        1,
        "scan.yaml: keys/* allows what nothing needs: remove the entry\n",
    )


def test_an_allowance_for_files_that_are_not_there_is_fine(root: Path) -> None:
    assert scanned(root, Allowed("keys/*", ("Private Key",), "a test")) == (0, "")


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScanFailed, match="git said: fatal: not a git repository"):
        scan(tmp_path, io.StringIO(), [])


def test_every_allowance_has_a_reason() -> None:
    assert all(entry.types and entry.why for entry in read())
