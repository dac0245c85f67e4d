"""The folder wheels/ of a model: distributions that come with the model and count before any index.

Source: https://peps.python.org/pep-0503/ (the index that is made of it) and MLflow's models with their libraries,
https://mlflow.org/docs/latest/ml/model/dependencies/. A package that lies there is taken from nowhere else, so
nobody can put another one of the same name on an index.
"""

from __future__ import annotations

import hashlib
import html
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from server.errors import BadRequirements

FOLDER = "wheels"


def hashes(model: Path) -> dict[str, str]:
    """Return the sha256 of each wheel in the wheels/ folder of ``model``, by file name; none without one."""
    result = {}
    for path in sorted((model / FOLDER).glob("*.whl")):
        with path.open("rb") as file:
            result[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return result


def index(model: Path, known: dict[str, str], folder: Path) -> str:
    """Make an index of the wheels ``known`` of ``model`` in ``folder``, and return its URL; "" without wheels.

    Raises:
        BadRequirements: a file's name is not one of a wheel.
    """
    pages: dict[str, list[str]] = {}
    for name, sha256 in known.items():
        try:
            package = str(parse_wheel_filename(name)[0])
        except InvalidWheelFilename as error:
            raise BadRequirements(
                f"{FOLDER}/{name}: is not the name of a wheel, name-version-python-abi-platform.whl; "
                "name the file as it was built and log the model again"
            ) from error
        url = (model.absolute() / FOLDER / name).as_uri()
        link = f'<a href="{html.escape(url)}#sha256={sha256}">{html.escape(name)}</a>'
        pages.setdefault(package, []).append(link)
    for package, links in pages.items():
        page = folder / package / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text("<!DOCTYPE html>\n" + "\n".join(links) + "\n")
    return folder.absolute().as_uri() if pages else ""
