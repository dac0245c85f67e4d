from __future__ import annotations

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gitops.errors import NotRunnable
from gitops.local import runtime
from gitops.local.commands import run_smoke
from gitops.progress import Progress
from tests.conformance.wrapping import interpreter
from tests.gitops.local.copies import Copy
from tests.project import ROOT

PYTHON, TEMPORARY = Path("/wrapper/bin/python"), Path("/state/tmp")
PARAMETER = {"name": "model_uri", "value": "/state/models", "type": "STRING"}
ENVIRON = {"TMPDIR": "/state/pods/tmp", "PREDICTIVE_UNIT_PARAMETERS": json.dumps([PARAMETER])}


def command(arguments: Sequence[str], **environ: str) -> runtime.Command:
    given = ["python", "-m", "server", *arguments]
    return runtime.seldon_core(PYTHON, TEMPORARY)((given, {**ENVIRON, **environ}))


@pytest.mark.parametrize(
    ("kind", "said"),
    [("MODEL", "MODEL"), ("TRANSFORMER", "TRANSFORMER"), ("OUTPUT_TRANSFORMER", "MODEL")],
)
def test_the_wrapper_serves_the_component_class_with_the_nodes_parameters(kind: str, said: str) -> None:
    arguments, environ = command(["serve", "--environment", "/state/environment"], SERVICE_TYPE=kind)
    assert arguments[:4] == [
        "/wrapper/bin/python",
        "-m",
        "gitops.local.seldon_core_microservice",
        "server.component.MLFlowServer",
    ]
    assert arguments[4:7] == ["--service-type", said, "--parameters"]
    assert json.loads(arguments[7]) == [
        PARAMETER,
        {"name": "environment", "value": "/state/environment", "type": "STRING"},
    ]
    assert environ["TMPDIR"] == "/state/tmp"


def test_init_containers_are_the_servers_own() -> None:
    arguments, environ = command(["environment", "/state/models", "/state/environment"])
    assert arguments == ["python", "-m", "server", "environment", "/state/models", "/state/environment"]
    assert environ == ENVIRON


def test_what_the_component_class_does_not_know_is_refused() -> None:
    with pytest.raises(NotRunnable) as error:
        command(["serve", "--other"])
    assert str(error.value) == (
        "serve --other: the stock wrapper's component class takes --environment only; "
        "run it by the server itself (RUNTIME=server)"
    )


def test_a_path_that_is_too_long_for_the_wrappers_sockets_is_refused(tmp_path: Path) -> None:
    state = tmp_path / ("long" * 20)
    with pytest.raises(NotRunnable) as error:
        runtime.runtime("seldon-core", state, Progress(Console(file=StringIO())))
    assert str(error.value).startswith(
        f"{state}/tmp: the stock wrapper puts sockets into a folder whose path has at most 68 bytes; "
    )


@pytest.mark.long
@pytest.mark.xdist_group("ports")
def test_the_overlays_answer_the_same_by_the_wrapper(
    copy: Copy, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    interpreter()
    state = tmp_path_factory.mktemp("w")
    (copy.root / "gitops").symlink_to(ROOT / "gitops")  # The wrapper is started by a module of it.
    assert run_smoke(["model", "pipeline"], root=copy.root, state=state, runtime="seldon-core") == 0
    said = capsys.readouterr().out
    assert "model: numbers, names and requestPath as expected" in said
    assert "pipeline: numbers, names and requestPath as expected" in said
