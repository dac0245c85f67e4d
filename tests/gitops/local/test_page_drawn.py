"""The page of a run, and a node's own, in a real Chromium: what a person sees, types and hears."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from server.api.page import FORM
from server.pins.expectation import differences
from tests.browser import CONTRAST, Tab, needs_chromium, tab
from tests.gitops.local.conftest import Running
from tests.project import MANIFESTS

# In the group of what shares the run.
pytestmark = [pytest.mark.xdist_group("run"), pytest.mark.long, needs_chromium]

EXPECTED: dict[str, Any] = json.loads((MANIFESTS / "overlays/model/expected.json").read_text())
DATA = EXPECTED["response"]["data"]
READY = "document.querySelector('h2 .state.ready') && !document.querySelector('button.primary').disabled"
ANSWER = "[...document.querySelectorAll('form table tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))"
SENT = "/^200 in /.test(document.querySelector('form [role=status]').textContent)"
looks = pytest.mark.parametrize(
    ("width", "scheme"), [(880, "light"), (880, "dark"), (390, "light"), (390, "dark")]
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with tab(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture
def page(browser: Tab, running: Running) -> Iterator[Tab]:
    """A tab whose console has to stay empty, and which asks nobody but the gateway."""
    browser.errors.clear()
    browser.requested.clear()
    browser.look(width=880, scheme="light")
    browser.call("Page.navigate", url="about:blank")
    yield browser
    assert browser.errors == []
    hosts = {urlsplit(url).netloc for url in browser.requested if url.startswith("http")}
    assert hosts <= {urlsplit(running.run.gateway.url).netloc}


def opened(page: Tab, running: Running, overlay: str) -> None:
    """Show an overlay, however the page was before."""
    page.open(
        f"{running.run.gateway.url}/?{overlay}#{overlay}",
        until=f"document.querySelector('article[aria-label={overlay}]')",
    )


def kept(folder: Path, name: str) -> Path:
    return Path(os.environ.get("SCREENSHOTS") or folder) / f"{name}.png"


def is_expected(answer: list[list[str]]) -> bool:
    return differences(DATA["ndarray"], [[float(cell) for cell in row] for row in answer]) == []


def test_the_form_sends_what_it_is_filled_with_and_shows_the_exact_answer(
    page: Tab, running: Running
) -> None:
    opened(page, running, "model")
    page.wait(READY)
    fields = page.evaluate("[...document.querySelectorAll('.rows input')].map(input => input.value)")
    assert [float(value) for value in fields] == [
        value for row in EXPECTED["request"]["data"]["ndarray"] for value in row
    ]
    page.evaluate("document.querySelector('button.primary').click()")
    page.wait(SENT)
    assert (
        page.evaluate("[...document.querySelectorAll('form th')].map(cell => cell.textContent)")
        == DATA["names"]
    )
    shown = page.evaluate(ANSWER)
    # Digit by digit what the server has sent, to this request as to the page's.
    raw = running.client.post(
        "/seldon/seldon/graph-iris-model/api/v1.0/predictions", json=EXPECTED["request"]
    ).json()
    assert shown == [[repr(value) for value in row] for row in raw["data"]["ndarray"]]
    assert is_expected(shown)
    page.wait("document.querySelector('.chart .bar')")


def test_the_same_is_asked_by_the_other_protocol(page: Tab, running: Running) -> None:
    opened(page, running, "model")
    page.wait(READY)
    page.evaluate(
        "[...document.querySelectorAll('label.choice')].find(label => /v2/.test(label.textContent)).querySelector('input').click()"
    )
    page.evaluate("document.querySelector('button.primary').click()")
    page.wait(SENT)
    assert is_expected(page.evaluate(ANSWER))
    curl, python = page.evaluate("[...document.querySelectorAll('.code pre')].map(text => text.textContent)")
    url = f"{running.run.gateway.url}/seldon/seldon/graph-iris-model/v2/models/model/infer"
    assert f"'{url}'" in curl
    assert f'httpx.post("{url}", json=request' in python
    # The code is right as it stands.
    compiled = {}
    exec(python.partition("response =")[0].replace("import httpx", ""), compiled)
    assert running.client.post(url, json=compiled["request"]).status_code == 200


def test_a_request_that_is_being_written_goes_where_the_protocol_says(page: Tab, running: Running) -> None:
    opened(page, running, "model")
    page.wait(READY)
    page.evaluate(
        """(() => {
          const choose = label => [...document.querySelectorAll('label.choice')]
            .find(entry => entry.textContent.includes(label)).querySelector('input').click();
          const text = document.querySelector('textarea');
          choose('JSON');
          text.value = '{"inputs": [null]}';
          text.dispatchEvent(new Event('input'));
          choose('v2');
        })()"""
    )
    assert "/v2/models/model/infer" in page.evaluate("document.querySelector('.code pre').textContent")
    page.evaluate("document.querySelector('button.primary').click()")
    page.wait(SENT)


def test_an_address_that_cannot_be_decoded_shows_the_first(page: Tab, running: Running) -> None:
    page.open(f"{running.run.gateway.url}/?percent#%", until="document.querySelector('article')")


def test_a_person_without_a_mouse_types_a_value_and_sends_it(page: Tab, running: Running) -> None:
    opened(page, running, "model")
    page.wait(READY)
    for _ in range(60):
        page.press("Tab")
        if page.evaluate("document.activeElement.matches('.rows input')"):
            break
    # Where the person is can be seen.
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.evaluate("document.activeElement.select()")
    page.call("Input.insertText", text="many")
    page.press("Enter")
    page.wait(
        "document.querySelector('form [role=status]').textContent.includes('\"many\" must be a number')"
    )
    assert page.evaluate("document.querySelector('form [role=status]').textContent").startswith("400 in ")
    # What is refused is told on the console by the browser itself.
    assert all("400" in error for error in page.errors)
    page.errors.clear()


def test_a_row_is_added_and_answered(page: Tab, running: Running) -> None:
    opened(page, running, "pipeline")
    page.wait(READY)
    page.evaluate(
        "[...document.querySelectorAll('.rows > button')].find(button => button.textContent === 'Add a row').click()"
    )
    assert (
        page.evaluate("document.activeElement.closest('fieldset').querySelector('legend').textContent")
        == "Row 3"
    )
    page.evaluate("document.querySelector('button.primary').click()")
    page.wait(SENT)
    answer = page.evaluate(ANSWER)
    assert len(answer) == 3
    assert answer[1] == answer[2]


def test_a_deployment_that_failed_tells_why(page: Tab, running: Running) -> None:
    opened(page, running, "wrong-digest")
    said = page.evaluate("document.querySelector('#summary').textContent")
    assert (
        said
        == "9 deployments: 5 ready, 0 starting, 4 failed (foreign-image, no-build, no-model, wrong-digest)"
    )
    why = page.evaluate("document.querySelector('article strong').textContent")
    assert why == "init container model-initializer ended with exit code 13"
    assert page.evaluate("document.querySelector('h2 .state').textContent") == "failed"
    assert "nothing of it is kept" in page.evaluate(
        "document.querySelector('[aria-label=\"Why it failed\"]').textContent"
    )
    assert page.evaluate("document.querySelector('button.primary').disabled")
    # Its log opens at the container that failed.
    page.evaluate(
        "[...document.querySelectorAll('summary')].find(entry => entry.textContent === 'Logs').click()"
    )
    page.wait("/nothing of it is kept/.test(document.querySelector('[aria-label=Log]').textContent)")
    opened(page, running, "no-build")
    assert "kustomize build" in page.evaluate("document.querySelector('article').innerText")


def test_what_happens_elsewhere_is_seen_at_once(page: Tab, running: Running) -> None:
    opened(page, running, "postprocessor")
    page.wait(READY)
    page.evaluate("document.querySelector('.rows input').focus()")
    running.client.get("/seldon/seldon/graph-iris-postprocessor/health/ping")
    page.wait("/GET \\/health\\/ping/.test(document.querySelector('article').textContent)")
    # And disturbs nobody who types.
    assert page.evaluate("document.activeElement.matches('.rows input')")


@looks
@pytest.mark.parametrize("overlay", ["pipeline", "wrong-digest"])
def test_it_is_read_in_any_light_on_any_screen(
    page: Tab, running: Running, tmp_path: Path, overlay: str, width: int, scheme: str
) -> None:
    page.look(width=width, scheme=scheme)
    opened(page, running, overlay)
    if overlay == "pipeline":
        page.evaluate("document.querySelector('button.primary').click()")
        page.wait(SENT)
    page.evaluate("document.querySelectorAll('details').forEach(entry => { entry.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []
    assert page.unnamed() == []
    page.screenshot(kept(tmp_path, f"demo-{overlay}-{width}-{scheme}"))


@looks
def test_a_node_has_a_page_of_its_own(
    page: Tab, running: Running, tmp_path: Path, width: int, scheme: str
) -> None:
    page.look(width=width, scheme=scheme)
    node = f"{running.run.gateway.url}/seldon/seldon/graph-iris-model"
    example = running.client.get(f"{node}/seldon.json").json()["components"]["examples"]["request"]["value"]
    page.open(f"{node}/api/v1.0/doc/", until="document.querySelector('button.primary')")
    page.evaluate("document.querySelector('button.primary').click()")
    page.wait(SENT)
    answer = running.client.post(f"{node}/api/v1.0/predictions", json=example).json()["data"]["ndarray"]
    assert page.evaluate(ANSWER) == [[repr(value) for value in row] for row in answer]
    assert page.evaluate("document.title") == "model"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []
    assert page.unnamed() == []
    page.screenshot(kept(tmp_path, f"node-{width}-{scheme}"))


LARGE = 2**63 - 1
TABLES: dict[str, tuple[Any, Any]] = {
    "columns": (
        {"data": {"names": ["a", "b"], "ndarray": [[1.0, "x"], [2.5, None]]}},
        [["1.0", "x"], ["2.5", "null"]],
    ),
    "texts": ({"data": {"ndarray": ["a", "b"]}}, [["a"], ["b"]]),
    "large integers": ({"data": {"names": ["id"], "ndarray": [[LARGE]]}}, [[str(LARGE)]]),
    "tensor": ({"data": {"tensor": {"shape": [2, 2], "values": [1, 2, 3, 4]}}}, [["1", "2"], ["3", "4"]]),
    "images": ({"data": {"ndarray": [[[1, 2], [3, 4]]]}}, None),
    "object": ({"jsonData": {"messages": [{"role": "user", "content": "hello"}]}}, None),
    "text": ({"strData": "hello"}, None),
    "records": ({"jsonData": [{"a": 1, "b": True}]}, [["1", "true"]]),
    "v2": (
        {
            "inputs": [
                {"name": n, "datatype": t, "shape": [2], "data": d}
                for n, t, d in [("a", "INT64", [1, 2]), ("b", "BYTES", ["x", "y"])]
            ]
        },
        [["1", "x"], ["2", "y"]],
    ),
    "v2 matrix": (
        {"inputs": [{"name": "input-1", "datatype": "FP64", "shape": [2, 2], "data": [1.5, 2.0, 3.0, 4.0]}]},
        [["1.5", "2.0"], ["3.0", "4.0"]],
    ),
    "MLflow": ({"dataframe_split": {"columns": ["a"], "data": [[1]]}}, [["1"]]),
    "values of another shape": ({"data": {"tensor": {"shape": [1, 3], "values": [1, 2, 3, 4]}}}, None),
    "records with other keys": ({"jsonData": [{"a": 1}, {"b": 2}]}, None),
    "a frame with a short row": ({"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3]]}}, None),
    "nothing": (None, None),
    # What a person has who is writing one.
    "no values": ({"data": {"tensor": {"shape": [1, 2]}}}, None),
    "no row": ({"data": {"ndarray": [None, [1]]}}, None),
    "no rows": ({"dataframe_split": {"columns": ["a"]}}, None),
    "no tensor": ({"inputs": [None]}, None),
    "no shape": ({"inputs": [{"name": "a", "data": [1]}]}, None),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_fields_and_all_else_is_json(page: Tab, name: str) -> None:
    """In any browser: not all have JSON.rawJSON."""
    body, rows = TABLES[name]
    page.open("about:blank", until="document.readyState === 'complete'")
    run = "(() => { delete JSON.rawJSON; %s; const body = parse(%s), found = tabular(body); return [found && found.rows.map(row => row.map(shown)), found && stringify(found.with(found.rows)), pretty(body)]; })()"
    found, again, text = page.evaluate(run % (FORM.read_text(), json.dumps(json.dumps(body))))
    assert found == rows
    assert json.loads(text) == body
    if rows is not None:
        # The same fields make the same request.
        assert json.loads(again) == body
