from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.image.compare import differences

FILE = {"content": b"print()", "mode": 0o644, "mtime": 0, "linkname": ""}


def saved(path: Path, *layers: dict[str, dict[str, object]]) -> Path:
    """Write an image as `docker save` does: of files by their paths in each layer."""
    with tarfile.open(path, "w") as image:
        names = [f"{number}/layer.tar" for number in range(len(layers))]
        add(image, "manifest.json", json.dumps([{"Layers": names}]).encode())
        for name, files in zip(names, layers, strict=True):
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as layer:
                for file, given in files.items():
                    add(layer, file, **{**FILE, **given})  # type: ignore[arg-type]
            add(image, name, packed.getvalue())
    return path


def add(archive: tarfile.TarFile, name: str, content: bytes, **given: object) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for key, value in given.items():
        setattr(member, key, value)
    archive.addfile(member, io.BytesIO(content))


def test_what_differs_by_its_times_only_is_the_same(tmp_path: Path) -> None:
    one = saved(tmp_path / "one", {"base": {}}, {"opt/a.py": {}})
    other = saved(tmp_path / "other", {"base": {"mtime": 5}}, {"opt/a.py": {"mtime": 9}})
    assert differences(one, other) == []


CASES = {
    "content": {"a": {"content": b"exit()"}},
    "mode": {"a": {"mode": 0o666}},
    "owner": {"a": {"uid": 1000}},
    "missing": {},
    "more": {"a": {}, "b": {}},
}


@pytest.mark.parametrize("files", CASES.values(), ids=CASES)
def test_what_a_file_is_counts(tmp_path: Path, files: dict[str, dict[str, object]]) -> None:
    one, other = saved(tmp_path / "one", {}, {"a": {}}), saved(tmp_path / "other", {}, files)
    (said,) = differences(one, other)
    assert said.startswith("b: missing, and " if "b" in files else "a: (")


def test_a_difference_says_what_each_is(tmp_path: Path) -> None:
    one, other = saved(tmp_path / "one", {"a": {}}), saved(tmp_path / "other", {"a": {"mode": 0o600}})
    digest = hashlib.sha256(b"print()").hexdigest()
    assert differences(one, other) == [
        f"a: (b'0', '0o644', 0, 0, '', '{digest}'), and (b'0', '0o600', 0, 0, '', '{digest}') in the other"
    ]


LAYERS = {
    "spread otherwise": ({"a": {}}, {"b": {}}),
    "replaced": ({"a": {"mode": 0o600}, "b": {}}, {"a": {}}),
    "removed": ({"a": {}, "b": {}, "c": {}}, {".wh.c": {}}),
    "a folder removed": ({"a": {}, "b": {}, "c/d/e": {}, "c/f": {}}, {".wh.c": {}}),
    "a folder made anew": ({"a": {}, "b": {}, "c/d": {}}, {"c/.wh..wh..opq": {}}),
}


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_what_counts_is_what_a_container_would_see(
    tmp_path: Path, layers: tuple[dict[str, dict[str, object]], ...]
) -> None:
    one, other = saved(tmp_path / "one", {"a": {}, "b": {}}), saved(tmp_path / "other", *layers)
    assert differences(one, other) == []
