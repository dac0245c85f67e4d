from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gitops.local import ports
from tests.gitops.local.conftest import STATE, alone
from tests.gitops.local.copies import Copy
from tests.polling import wait_for
from tests.processes import with_argument
from tests.project import MANIFESTS, ROOT

pytestmark = pytest.mark.xdist_group("commands")

SECONDS = 240

OVERLAY = "preprocessor"
FOLDER = STATE / "commands"


@pytest.fixture(scope="module", autouse=True)
def _alone() -> Iterator[None]:
    with alone(FOLDER.name):
        yield


def start(code: str) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    lines = f"import sys\nfrom pathlib import Path\nfrom gitops.local.commands import *\nsys.exit({code})"
    return subprocess.Popen(
        [sys.executable, "-c", lines],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@contextlib.contextmanager
def serving(
    root: Path, says: re.Pattern[str] = re.compile(r"Serving at (\S+) until Ctrl-C")
) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run a demo of one overlay until the block ends; give it, what it has said, and the address in the line that ``says`` it."""
    demo = start(f"run_demo([{OVERLAY!r}], 0, root=Path({str(root)!r}), state=Path({str(FOLDER)!r}))")
    try:
        said = ""
        assert demo.stdout is not None
        for line in demo.stdout:
            said += line
            if match := says.match(line):
                yield demo, said, match[1]
                break
        else:
            raise AssertionError(f"it does not serve:\n{said}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(demo.pid, signal.SIGKILL)
        demo.communicate()


def processes() -> dict[int, str]:
    """Return the command lines of all processes that have to do with the demo's folder."""
    found = with_argument(str(FOLDER))
    return {process: line for process, line in found.items() if "run_demo" not in line}


def wait_until_gone() -> None:
    wait_for(lambda: not processes())


def test_a_port_in_use_ends_the_demo_before_anything_starts() -> None:
    with ports.bind(0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "gitops", "demo", "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: port {port} of 127.0.0.1 is in use: ")


@pytest.mark.long
def test_the_demo_shows_a_command_and_its_answer_and_ends_quietly(copy: Copy) -> None:
    expected = json.loads((MANIFESTS / "overlays" / OVERLAY / "expected.json").read_text())
    with serving(copy.root) as (demo, said, _):
        command = re.search(r"^\$ (curl .*\n.*)\n(\{.*)\n", said, re.MULTILINE)
        assert command is not None
        shown = json.loads(command[2])
        assert shown["data"]["names"] == expected["response"]["data"]["names"]
        # As a shell takes it: a backslash at the end of a line joins the next one.
        curl, *options, url, _, body = shlex.split(command[1].replace("\\\n", " "))
        assert [curl, *options] == ["curl", "-s", "-H", "Content-Type: application/json"]
        pasted = httpx.post(url, content=body, headers={"Content-Type": "application/json"}, trust_env=False)
        assert pasted.json() == shown

        second = start(f"run_smoke([], root=Path({str(copy.root)!r}), state=Path({str(FOLDER)!r}))")
        refused, _ = second.communicate(timeout=SECONDS)
        assert f"AlreadyRunning: another run uses {FOLDER} (process {demo.pid}): stop it first" in refused

        assert len(processes()) >= 3
        demo.terminate()
        rest, _ = demo.communicate(timeout=SECONDS)
        assert (demo.returncode, rest) == (0, "")
    wait_until_gone()


@pytest.mark.long
def test_where_nothing_starts_the_page_stays_and_tells_why(copy: Copy) -> None:
    copy.patch(OVERLAY, "/spec/predictors/0/componentSpecs/0/spec/containers/0/image", "other:1")
    says = re.compile(r"No overlay is ready: (\S+)/ tells why, until Ctrl-C")
    with serving(copy.root, says) as (demo, _, url):
        (said,) = httpx.get(f"{url}/demo/deployments", trust_env=False).json()
        assert (said["name"], said["state"]) == (OVERLAY, "failed")
        assert "other:1" in said["reason"]
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=SECONDS)
        assert demo.returncode == 1
        assert "StartFailed: no overlay is ready; see the errors above" in rest


@pytest.mark.long
def test_a_container_that_ends_is_told_and_a_demo_that_is_killed_leaves_nothing(copy: Copy) -> None:
    with serving(copy.root) as (demo, _, url):
        # The first one; others are forked from it.
        server = min(number for number, line in processes().items() if " -m server serve " in line)
        os.kill(server, signal.SIGKILL)
        assert demo.stdout is not None
        assert demo.stdout.readline() == f"overlay {OVERLAY}: container {OVERLAY} ended with signal SIGKILL\n"
        path = f"/seldon/seldon/graph-iris-{OVERLAY}/api/v1.0/predictions"
        answer = httpx.post(url + path, json={}, trust_env=False)
        assert answer.status_code == 503
        assert answer.json()["status"]["info"] == (
            f"graph-iris-{OVERLAY} does not run: container {OVERLAY} ended with signal SIGKILL"
        )
        assert len(processes()) >= 1
        demo.kill()
        demo.wait()
        wait_until_gone()


def test_smoke_says_what_differs(copy: Copy) -> None:
    file = copy.root / "overlays" / OVERLAY / "expected.json"
    content = json.loads(file.read_text())
    rows = content["response"]["data"]["ndarray"]
    rows[0][0] += 2e-9
    content["response"]["data"]["names"][0] = "other"
    file.write_text(json.dumps(content))
    smoke = start(f"run_smoke([{OVERLAY!r}], root=Path({str(copy.root)!r}), state=Path({str(FOLDER)!r}))")
    said, _ = smoke.communicate(timeout=SECONDS)
    assert smoke.returncode == 1
    assert re.search(
        rf"^failed  {OVERLAY}: data\.names\[0\] is 'sepal length \(cm\)': must be 'other'; "
        rf"data\.ndarray\[0\]\[0\] is 1\.159172627\d+: must be {re.escape(repr(rows[0][0]))} to 1e-09\n"
        r"0 of 1 overlays ok in \d+\.\d s\n",
        said,
        re.MULTILINE,
    ), said
    wait_until_gone()


@pytest.mark.long
def test_an_overlay_that_names_no_request_is_served_and_not_compared(copy: Copy) -> None:
    (copy.root / "overlays" / OVERLAY / "expected.json").write_text('{"request": null, "response": null}')
    smoke = start(f"run_smoke([{OVERLAY!r}], root=Path({str(copy.root)!r}), state=Path({str(FOLDER)!r}))")
    said, _ = smoke.communicate(timeout=SECONDS)
    assert smoke.returncode == 0, said
    assert (
        f"    ok  {OVERLAY}: serves; its expected.json names no request, so no answer is compared\n" in said
    )
    wait_until_gone()


@pytest.mark.parametrize("orchestrator", [False, True], ids=["container", "orchestrator"])
@pytest.mark.long
def test_smoke_asks_by_the_protocol_of_the_overlay(copy: Copy, orchestrator: bool) -> None:
    copy.component(OVERLAY, "open-inference-protocol")
    if orchestrator:
        copy.patch(OVERLAY, "/spec/predictors/0/annotations", {})
    smoke = start(f"run_smoke([{OVERLAY!r}], root=Path({str(copy.root)!r}), state=Path({str(FOLDER)!r}))")
    said, _ = smoke.communicate(timeout=SECONDS)
    assert smoke.returncode == 0, said
    assert f"    ok  {OVERLAY}: values as expected, by /v2/models/{OVERLAY}/infer\n" in said
    wait_until_gone()


@pytest.mark.long
def test_smoke_says_what_differs_by_another_protocol(copy: Copy) -> None:
    copy.component(OVERLAY, "open-inference-protocol")
    file = copy.root / "overlays" / OVERLAY / "expected.json"
    content = json.loads(file.read_text())
    content["response"]["data"]["ndarray"][0][0] += 1
    file.write_text(json.dumps(content))
    smoke = start(f"run_smoke([{OVERLAY!r}], root=Path({str(copy.root)!r}), state=Path({str(FOLDER)!r}))")
    said, _ = smoke.communicate(timeout=SECONDS)
    assert smoke.returncode == 1
    assert re.search(rf"^failed  {OVERLAY}: data\.ndarray\[0\]\[0\] is 1\.159", said, re.MULTILINE), said
    wait_until_gone()


@pytest.mark.long
def test_the_demo_shows_a_command_of_the_protocol(copy: Copy) -> None:
    copy.component(OVERLAY, "open-inference-protocol")
    with serving(copy.root) as (demo, said, _):
        command = re.search(r"^\$ (curl .*?\n.*?)\n", said, re.MULTILINE | re.DOTALL)
        assert command is not None, said
        assert f"/v2/models/{OVERLAY}/infer" in command[1]
        done = subprocess.run(command[1], shell=True, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["model_name"] == OVERLAY
        demo.send_signal(signal.SIGINT)
        demo.wait(SECONDS)
    wait_until_gone()
