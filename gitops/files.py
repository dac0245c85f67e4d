"""Writing several files so that all of them change, or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from gitops.errors import NotWritten


def write_all(texts: Mapping[Path, str]) -> list[Path]:
    """Write each text to its file, and return the files that were changed or made by it.

    Each is put in place whole; when one cannot be, those before it are put back as they were. Folders that are not
    there yet are made.

    Raises:
        NotWritten: a file cannot be written; all are as they were.
    """
    before = {file: file.read_bytes() if file.is_file() else None for file in texts}
    changed = [file for file, text in texts.items() if before[file] != text.encode()]
    made = list(_missing(changed))
    done: list[Path] = []
    try:
        for file in changed:
            file.parent.mkdir(parents=True, exist_ok=True)
            _put(file, texts[file].encode())
            done.append(file)
    except BaseException as error:
        # Ctrl-C too: half of a promotion is a pod that does not start.
        for file in done:
            content = before[file]
            if content is None:
                file.unlink(missing_ok=True)
            else:
                _put(file, content)
        for folder in reversed(made):
            if folder.is_dir():
                folder.rmdir()
        if isinstance(error, OSError):
            failed = changed[len(done)]
            raise NotWritten(f"{failed}: cannot be written ({error.strerror}); nothing is changed") from error
        raise
    return changed


def _missing(files: list[Path]) -> list[Path]:
    """Return the folders of ``files`` that are not there, outer ones first."""
    folders = {parent for file in files for parent in file.parents if not parent.exists()}
    return sorted(folders, key=lambda folder: len(folder.parts))


def _put(file: Path, content: bytes) -> None:
    """Put a file in place in one step, with the mode that it had."""
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(name).chmod(mode)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
