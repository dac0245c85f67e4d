"""What the images hold, and what they say of themselves."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import IO

import pytest

from tests.image.engine import DOCKER, inspect, run

pytestmark = pytest.mark.image

LARGEST_BYTES = 150_000_000


def python(image: str, code: str) -> str:
    done = run("--entrypoint", "python", image, "-I", "-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_they_run_as_a_numeric_user_who_is_not_root(either_image: str) -> None:
    assert inspect(either_image)["Config"]["User"] == "65532:65532"


def test_they_say_their_ports_and_leave_health_to_kubernetes(either_image: str) -> None:
    config = inspect(either_image)["Config"]
    assert sorted(config["ExposedPorts"]) == ["6000/tcp", "9000/tcp", "9500/tcp"]
    assert not config.get("Healthcheck")
    assert not config.get("Volumes")
    assert "SERVICE_TYPE=MODEL" in config["Env"]


TITLES = {"image": "seldon-mlflow-server", "seldon_core_image": "seldon-mlflow-server-seldon-core"}


@pytest.mark.parametrize(("which", "title"), TITLES.items(), ids=TITLES)
def test_their_labels_say_which_they_are(request: pytest.FixtureRequest, which: str, title: str) -> None:
    labels = inspect(request.getfixturevalue(which))["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == title


def test_it_holds_the_server_and_no_tool_of_the_repository(image: str) -> None:
    names = ("server", "gitops", "tests", "pytest", "mypy", "seldon_core", "aiohttp", "sklearn")
    code = f"import importlib.util as u; print([name for name in {names} if u.find_spec(name)])"
    assert python(image, code) == "['server']"


def test_the_other_holds_the_component_class_and_what_it_needs(seldon_core_image: str) -> None:
    names = ("server", "seldon_core", "gitops", "pytest", "pandas", "sklearn", "skops", "uv")
    code = (
        "import importlib.metadata as m, importlib.util as u; "
        f"print([name for name in {names} if u.find_spec(name)], m.version('seldon-core'))"
    )
    assert python(seldon_core_image, code) == "['server', 'seldon_core'] 1.17.1"


def test_anybody_can_read_what_is_installed_and_only_root_could_write_to_it(either_image: str) -> None:
    code = """
import pathlib
for path in pathlib.Path("/opt").rglob("*"):
    status = path.lstat()
    if not path.is_symlink() and (status.st_uid or status.st_mode & 0o022 or not status.st_mode & 0o004):
        print(path)
"""
    assert python(either_image, code) == ""


def test_every_module_has_byte_code_that_depends_on_no_time(either_image: str) -> None:
    code = """
import importlib.util, pathlib, sysconfig
missing, dated = [], []
for source in pathlib.Path(sysconfig.get_path("purelib")).rglob("*.py"):
    compiled = pathlib.Path(importlib.util.cache_from_source(str(source)))
    if not compiled.is_file():
        try:
            compile(source.read_bytes(), source, "exec")
        except SyntaxError:
            continue
        missing.append(str(source))
    elif compiled.read_bytes()[4:8] != bytes([1, 0, 0, 0]):
        dated.append(str(source))
print(len(missing), len(dated), (missing + dated)[:5])
"""
    assert python(either_image, code) == "0 0 []"


def test_uv_and_a_python_for_models_are_in_it(image: str) -> None:
    code = (
        "from pathlib import Path; from server.environment.interpreters import present; "
        "from server.environment.uv import Uv; print(len(present(Uv(Path('/'), Path('/')))) > 0)"
    )
    done = run("--entrypoint", "python", "--tmpfs", "/tmp", image, "-I", "-c", code)
    assert (done.stdout.strip(), done.stderr) == ("True", "")


def test_without_the_pythons_for_models_it_is_small(image: str, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    subprocess.run([DOCKER, "save", "--output", archive, image], check=True)
    with tarfile.open(archive) as saved:
        listing = saved.extractfile("manifest.json")
        assert listing is not None
        (manifest,) = json.load(listing)
        layers = [saved.extractfile(name) for name in manifest["Layers"]]
        sizes = [compressed(layer) for layer in layers if layer is not None]
    assert len(sizes) == len(manifest["Layers"])
    assert sum(sizes) <= LARGEST_BYTES


def compressed(layer: IO[bytes]) -> int:
    """Return how many bytes a layer has in a registry; none of the layer that holds Pythons for models."""
    content = layer.read()
    packed = content.startswith(b"\x1f\x8b")
    plain = gzip.decompress(content) if packed else content
    path = "opt/python/"
    with tarfile.open(fileobj=io.BytesIO(plain)) as files:
        if any(member.name.startswith(path) for member in files):
            return 0
    return len(content) if packed else len(gzip.compress(content, 6))
