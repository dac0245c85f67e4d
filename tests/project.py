"""What the project's own tests run on: its code, with the manifests and examples of tests/manifests.

The folders of FOLDERS are a fork's to change: it pins its models and its image, names its bucket, removes the examples.
Its CI judges them by `make check` and `make diff`. The tests, which say what the examples are, have a copy of them in
tests/manifests, as before the first release. ``python -m tests.project`` (`make test-manifests`) writes that copy
again from the repository, as long as this is no fork's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from gitops.errors import BadManifest
from gitops.files import set_scalars
from gitops.manifests import image, image_interface
from gitops.manifests.image import BASE_KUSTOMIZATION
from gitops.manifests.site import read_site

ROOT = Path(__file__).parents[1]
MANIFESTS = ROOT / "tests" / "manifests"
FOLDERS = ("argocd", "base", "components", "examples", "flux", "overlays", "site")
MODELS = MANIFESTS / "examples" / "iris" / "models"


def adopted(root: Path = ROOT) -> bool:
    """Return whether the manifests of ``root`` name another repository than the copy below it, or none."""
    try:
        return read_site(root).repository != read_site(root / MANIFESTS.relative_to(ROOT)).repository
    except BadManifest:
        return True


def files(root: Path, *folders: str) -> Iterator[str]:
    """Yield the paths of the files below ``folders`` of ``root``, or of all of it, that git has or would take."""
    command = [
        "git",
        "-C",
        root,
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        *folders,
    ]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in sorted({*listed.split("\0")} - {""}):
        if (root / name).is_file() or (root / name).is_symlink():
            yield name


def manifests(root: Path = ROOT) -> dict[str, bytes]:
    """Return what the copy has to hold, by path: the files of FOLDERS below ``root``, without an image's release."""
    found = {
        name: (root / name).read_bytes() for name in files(root, *FOLDERS) if name != image_interface.FILE
    }
    place, unreleased = ("images", ("name", image.NAME)), {"digest": image.UNRELEASED}
    found[BASE_KUSTOMIZATION] = set_scalars(
        found[BASE_KUSTOMIZATION].decode(), place, unreleased, origin=BASE_KUSTOMIZATION
    ).encode()
    return found


def copied(root: Path = ROOT) -> dict[str, bytes]:
    """Return what the copy below ``root`` holds, by path."""
    folder = root / MANIFESTS.relative_to(ROOT)
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }


def update(root: Path = ROOT) -> Iterator[str]:
    """Write the copy below ``root`` again; yield a line for each file that changes."""
    before, after = copied(root), manifests(root)
    folder = root / MANIFESTS.relative_to(ROOT)
    for name in sorted(before.keys() | after.keys()):
        path = folder / name
        if name not in after:
            path.unlink()
        elif before.get(name) != after[name]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(after[name])
        else:
            continue
        yield f"{path.relative_to(root)}: {'written' if name in after else 'removed'}"


def copy(target: Path) -> None:
    """Copy the project to ``target``: all that git has or would take, with the tests' manifests as the repository's."""
    for name in files(ROOT):
        if name.partition("/")[0] not in FOLDERS:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    for name in FOLDERS:
        shutil.copytree(MANIFESTS / name, target / name)


def main() -> int:
    """Return the exit status: 1 where this is a fork's repository, whose manifests are no business of the tests."""
    if adopted():
        sys.stderr.write(
            "tests/manifests stays as it is: site/site.yaml names another repository than it does, so the manifests "
            "here are a fork's own, which no test of the project is about\n"
        )
        return 1
    for line in update():
        sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
