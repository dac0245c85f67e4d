"""Which files two saved images hold otherwise.

What a file is counts: its content, mode, owner and whither it links. Its times do not, which only some builders can
set (docs/image.md), and neither does how the files are spread over layers.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path, PurePosixPath

# What a file is, by its path.
Files = dict[str, tuple[object, ...]]
# How a layer says that something of those below it is gone; .wh..wh..opq: all of its folder.
# Source: https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
GONE, ALL_GONE = ".wh.", ".wh..wh..opq"


def files(archive: Path) -> Files:
    """Return the files of an image as `docker save` writes it."""
    found: Files = {}
    with tarfile.open(archive) as saved:
        listing = saved.extractfile("manifest.json")
        assert listing is not None
        (manifest,) = json.load(listing)
        for name in manifest["Layers"]:
            content = saved.extractfile(name)
            assert content is not None
            with tarfile.open(fileobj=content) as layer:
                for gone in [
                    member.name for member in layer if PurePosixPath(member.name).name.startswith(GONE)
                ]:
                    remove(found, PurePosixPath(gone))
                found |= {
                    member.name: described(layer, member)
                    for member in layer
                    if not PurePosixPath(member.name).name.startswith(GONE)
                }
    return found


def remove(found: Files, whiteout: PurePosixPath) -> None:
    """Take out what a whiteout says is gone."""
    if whiteout.name == ALL_GONE:
        path, itself = whiteout.parent, False
    else:
        path, itself = whiteout.with_name(whiteout.name.removeprefix(GONE)), True
    for name in [name for name in found if name.startswith(f"{path}/") or (itself and name == str(path))]:
        del found[name]


def described(layer: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[object, ...]:
    """Return what a member of a layer is, but for its times."""
    content = layer.extractfile(member) if member.isreg() else None
    digest = hashlib.sha256(content.read()).hexdigest() if content else ""
    return member.type, oct(member.mode), member.uid, member.gid, member.linkname, digest


def differences(one: Path, other: Path) -> list[str]:
    """Return a line for each file that two saved images hold otherwise."""
    mine, theirs = files(one), files(other)
    return [
        f"{path}: {mine.get(path, 'missing')}, and {theirs.get(path, 'missing')} in the other"
        for path in sorted(mine.keys() | theirs.keys())
        if mine.get(path) != theirs.get(path)
    ]
