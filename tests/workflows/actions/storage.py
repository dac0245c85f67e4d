"""What jobs leave for others: artifacts of a run, and caches.

https://github.com/actions/upload-artifact, https://github.com/actions/download-artifact, https://github.com/actions/cache
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import shutil
from pathlib import Path

from tests.workflows.action import ActionFailed, Outputs, Use

_PAGES = "github-pages"
_GLOB = re.compile(r"[*?\[]")


def upload(use: Use) -> Outputs:
    name = use.given("name", "artifact")
    target = use.job.artifacts / name
    if target.exists():
        if not use.says("overwrite"):
            raise ActionFailed(
                f"Conflict: an artifact with this name already exists on the workflow run: {name}"
            )
        shutil.rmtree(target)
    files, root = _found(use)
    if not files:
        what = use.given("if-no-files-found", "warn")
        message = f"No files were found with the provided path: {use.given('path')}"
        if what == "error":
            raise ActionFailed(message)
        use.job.annotations.append((what, message))
        return {}
    for file in files:
        copy = target / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy)
    return {"artifact-id": name, "artifact-url": f"https://github.com/artifacts/{name}"}


def _found(use: Use) -> tuple[list[Path], Path]:
    """The files that are meant, and the folder that their names in the artifact start from."""
    files: list[Path] = []
    roots: list[Path] = []
    for line in use.lines("path"):
        path = use.path(line)
        fixed = Path(*(part for part in _before_glob(path)))
        roots.append(fixed)
        matched = sorted(fixed.glob(str(path.relative_to(fixed)))) if fixed != path else [path]
        for each in matched:
            files += (
                [each] if each.is_file() else sorted(below for below in each.rglob("*") if below.is_file())
            )
    hidden = use.says("include-hidden-files")
    if not files:
        return [], Path()
    root = Path(os.path.commonpath(roots))
    root = root.parent if root.is_file() else root
    shown = [
        file
        for file in dict.fromkeys(files)
        if hidden or not any(part.startswith(".") for part in file.relative_to(root).parts)
    ]
    return shown, root


def _before_glob(path: Path) -> list[str]:
    parts = list(path.parts)
    at = next((at for at, part in enumerate(parts) if _GLOB.search(part)), len(parts))
    return parts[:at]


def upload_pages(use: Use) -> Outputs:
    """https://github.com/actions/upload-pages-artifact: a folder that must be there, as the artifact that Pages takes."""
    folder = use.path(use.given("path", "_site/"))
    if not folder.is_dir():
        raise ActionFailed(f"tar: {folder}: Cannot open: No such file or directory")
    name = use.given("name", _PAGES)
    shutil.copytree(folder, use.job.artifacts / name)
    return {"artifact_id": name}


def deploy_pages(use: Use) -> Outputs:
    """https://github.com/actions/deploy-pages: the site is that artifact from then on."""
    use.needs(pages="write")
    if use.job.permissions.get("id-token") != "write":
        raise ActionFailed('Ensure GITHUB_TOKEN has permission "id-token: write".')
    folder = use.job.artifacts / use.given("artifact_name", _PAGES)
    if not folder.is_dir():
        raise ActionFailed(f'No artifacts named "{folder.name}" were found for this workflow run.')
    use.job.repository.site = {
        file.relative_to(folder).as_posix(): file.read_text() for file in folder.rglob("*") if file.is_file()
    }
    return {"page_url": "https://owner.github.io/site/"}


def download(use: Use) -> Outputs:
    folder = use.path(use.given("path", "."))
    there = sorted(entry.name for entry in use.job.artifacts.iterdir())
    if name := use.given("name"):
        if name not in there:
            raise ActionFailed(f"Unable to download artifact(s): Artifact not found for name: {name}")
        shutil.copytree(use.job.artifacts / name, folder, dirs_exist_ok=True)
    else:
        for each in there:
            if fnmatch.fnmatchcase(each, use.given("pattern", "*")):
                target = folder if use.says("merge-multiple") else folder / each
                shutil.copytree(use.job.artifacts / each, target, dirs_exist_ok=True)
    use.job.repository.runner.own(folder)
    return {"download-path": str(folder)}


def restore(use: Use) -> Outputs:
    """Put back what a run before kept under the key; a branch sees its own caches and the default branch's."""
    found = _kept(use)
    if found is None:
        if use.says("fail-on-cache-miss"):
            raise ActionFailed(
                f"Failed to restore cache entry. Exiting as fail-on-cache-miss is set: {use.given('key')}"
            )
        return {"cache-hit": "", "cache-primary-key": use.given("key")}
    if not use.says("lookup-only"):
        for at, path in enumerate(_paths(use)):
            if (found / str(at)).exists():
                _link(found / str(at), path)
                use.job.repository.runner.own(path)
    hit = (found / "key").read_text()
    exact = str(hit == use.given("key")).lower()
    return {"cache-hit": exact, "cache-primary-key": use.given("key"), "cache-matched-key": hit}


def save(use: Use) -> Outputs:
    folder = _scope(use, use.job.contexts.values["github"]["ref"]) / _name(use.given("key"))
    if folder.exists():
        return {}
    folder.mkdir(parents=True)
    (folder / "key").write_text(use.given("key"))
    for at, path in enumerate(_paths(use)):
        if path.exists():
            _link(path, folder / str(at))
    return {}


def save_after(use: Use) -> None:
    """At the end of a job that succeeded, unless the same key was found."""
    if use.job.succeeds:
        save(use)


def _kept(use: Use) -> Path | None:
    github = use.job.contexts.values["github"]
    refs = [github["ref"], f"refs/heads/{github['base_ref']}", "refs/heads/main"]
    for key, exact in [(use.given("key"), True), *((line, False) for line in use.lines("restore-keys"))]:
        for ref in dict.fromkeys(refs):
            entries = [entry for entry in _scope(use, ref).glob("*") if _fits(entry, key, exact=exact)]
            if entries:
                return max(entries, key=lambda entry: entry.stat().st_mtime)
    return None


def _fits(entry: Path, key: str, *, exact: bool) -> bool:
    kept = (entry / "key").read_text()
    return kept == key if exact else kept.startswith(key)


def _scope(use: Use, ref: str) -> Path:
    return use.job.repository.folder / "caches" / _name(ref)


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _paths(use: Use) -> list[Path]:
    return [use.path(line) for line in use.lines("path")]


def _link(source: Path, target: Path) -> None:
    """Make the same files elsewhere; both are replaced and never written into by those who keep caches."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, copy_function=_replace, dirs_exist_ok=True)
    else:
        _replace(source, target)


def _replace(source: str | Path, target: str | Path) -> None:
    Path(target).unlink(missing_ok=True)
    os.link(source, target)
