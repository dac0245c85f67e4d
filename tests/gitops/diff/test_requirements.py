from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitops.diff.model import LOCK, Model, read_lock
from gitops.diff.requirements import Package, requirements
from gitops.errors import BadManifest
from gitops.manifests import contract as contracts
from tests.gitops.diff.repository import contract, lock

DIGEST = "sha256:" + "1" * 64


def model(folder: Path, listed: list[str] | None = None, locked: str | None = None) -> Model:
    (folder / contracts.FILE).unlink(missing_ok=True)
    (folder / LOCK).unlink(missing_ok=True)
    if listed is not None:
        (folder / contracts.FILE).write_text(json.dumps(contract(requirements=listed)))
    if locked is not None:
        (folder / LOCK).write_text(locked)
    return Model("", DIGEST, "MODEL", "", contracts.read(folder), read_lock(folder), ())


def test_what_the_models_list(tmp_path: Path) -> None:
    before = model(tmp_path, ["numpy==2.4.6", "Scikit_Learn>=1.9", "gone", "same==1"])
    after = model(
        tmp_path,
        ["numpy==2.5.0", "scikit-learn>=1.9,<2", "same==1", "new[extra] @ https://example.com/new.whl"],
    )
    found = requirements(before, after)
    assert found.packages == (
        Package("gone", "any", "", direct=True),
        Package("new", "", "[extra] @ https://example.com/new.whl", direct=True),
        Package("numpy", "2.4.6", "2.5.0", direct=True),
        Package("scikit-learn", ">=1.9", "<2,>=1.9", direct=True),
    )
    assert found.notes == ()


def test_locks_say_more_than_the_lists(tmp_path: Path) -> None:
    before = model(tmp_path, ["numpy"], lock(DIGEST, numpy="2.4.6", pandas="3.1.1", six="1"))
    after = model(tmp_path, ["numpy"], lock(DIGEST, numpy="2.5.0", pandas="3.1.1", tzdata="2"))
    found = requirements(before, after)
    assert found.packages == (
        Package("numpy", "2.4.6", "2.5.0", direct=True),
        Package("six", "1", "", direct=False),
        Package("tzdata", "", "2", direct=False),
    )
    assert found.notes == ()


def test_other_files_of_the_same_version_are_not_overlooked(tmp_path: Path) -> None:
    text = lock(DIGEST, numpy="2.4.6")
    before = model(tmp_path, None, text)
    after = model(tmp_path, None, text.replace("--hash=sha256:0", "--hash=sha256:f"))
    assert requirements(before, after).notes == (
        "`numpy` `2.4.6` has other files under the same version; hashes: 1 gone, 1 new",
    )


def test_a_package_in_several_versions(tmp_path: Path) -> None:
    one, two = ("numpy==2.4.6 ; python_version >= '3.12'", "numpy==2.2.0 ; python_version < '3.12'")
    found = requirements(model(tmp_path, [one]), model(tmp_path, [two, one]))
    assert found.packages == (
        Package(
            "numpy",
            '2.4.6 ; python_version >= "3.12"',
            '2.2.0 ; python_version < "3.12", 2.4.6 ; python_version >= "3.12"',
            direct=True,
        ),
    )


def test_what_a_lock_is_made_for(tmp_path: Path) -> None:
    text = lock(DIGEST, numpy="2.4.6")
    before = model(tmp_path, None, text)
    after = model(tmp_path, None, text.replace("3.11, 3.13", "3.13").replace("x86_64", "x86_64, aarch64"))
    assert requirements(before, after).notes == (
        "Pythons of the lock: `3.11, 3.13` → `3.13`",
        "platforms of the lock: `x86_64` → `x86_64, aarch64`",
    )


def test_pythons_that_a_lock_leaves_out(tmp_path: Path) -> None:
    text = lock(DIGEST, numpy="2.4.6")
    without = text.replace("3.11, 3.13\n", "3.11\n# python left out: 3.13\n")
    before, after = model(tmp_path, None, text), model(tmp_path, None, without)
    assert requirements(before, after).notes == (
        "Pythons of the lock: `3.11, 3.13` → `3.11`",
        "Pythons left out of the lock: none → `3.13`",
    )
    assert requirements(model(tmp_path), after).notes == (
        "`requirements.lock` is new: 1 packages with hashes are installed; it leaves out Python 3.13",
    )


def test_a_lock_comes_or_goes(tmp_path: Path) -> None:
    without, with_lock = model(tmp_path), model(tmp_path, None, lock(DIGEST, numpy="2", pandas="3"))
    assert requirements(without, with_lock).notes == (
        "`requirements.lock` is new: 2 packages with hashes are installed",
    )
    assert requirements(with_lock, without).notes == (
        "`requirements.lock` is gone: every pod resolves the model's requirements when it starts",
    )


def test_a_contract_that_comes_is_no_change_of_packages(tmp_path: Path) -> None:
    assert requirements(model(tmp_path), model(tmp_path, ["numpy"])).packages == ()


def test_a_line_that_is_no_requirement_stands_for_itself(tmp_path: Path) -> None:
    found = requirements(model(tmp_path, ["numpy", "./wheels/a.whl"]), model(tmp_path, ["numpy", "=?"]))
    assert [(entry.name, entry.before, entry.after) for entry in found.packages] == [
        ("./wheels/a.whl", "./wheels/a.whl", ""),
        ("=?", "", "=?"),
    ]


def test_what_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("numpy==2.4.6\n")
    with pytest.raises(BadManifest) as caught:
        read_lock(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / LOCK}: has no line `# model: …`")
