"""What a kustomization is made of, before kustomize runs: nothing is fetched, and nothing is read in two ways."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops.errors import BuildFailed
from gitops.manifests.documents import documents, read_text
from gitops.manifests.kustomization import local_roots
from gitops.manifests.kustomize import build

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n"


@pytest.fixture
def address() -> Iterator[tuple[str, list[str]]]:
    """The address of a server of manifests, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(MAP.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("resources: ['{url}/cm.yaml']", "resources[0]"),
        ("bases: ['{url}/cm.yaml']", "bases[0]"),
        ("components: ['{url}/cm.yaml']", "components[0]"),
        ("crds: ['{url}/cm.yaml']", "crds[0]"),
        ("configurations: ['{url}/cm.yaml']", "configurations[0]"),
        ("openapi: {{path: '{url}/cm.yaml'}}", "openapi.path"),
        ("generators: ['{url}/cm.yaml']", "generators[0]"),
        ("transformers: ['{url}/cm.yaml']", "transformers[0]"),
        ("validators: ['{url}/cm.yaml']", "validators[0]"),
        ("patches: [{{path: '{url}/cm.yaml'}}]", "patches[0].path"),
        ("patchesStrategicMerge: ['{url}/cm.yaml']", "patchesStrategicMerge[0]"),
        ("patchesJson6902: [{{path: '{url}/cm.yaml', target: {{kind: A}}}}]", "patchesJson6902[0].path"),
        ("replacements: [{{path: '{url}/cm.yaml'}}]", "replacements[0].path"),
        ("configMapGenerator: [{{name: a, files: ['a={url}/cm.yaml']}}]", "configMapGenerator[0].files[0]"),
        ("configMapGenerator: [{{name: a, envs: ['{url}/cm.yaml']}}]", "configMapGenerator[0].envs[0]"),
        ("secretGenerator: [{{name: a, env: '{url}/cm.yaml'}}]", "secretGenerator[0].env"),
    ],
    ids=lambda value: value.partition(":")[0] if ":" in value else "",
)
def test_no_field_that_takes_a_path_makes_kustomize_ask_an_address(
    tmp_path: Path, address: tuple[str, list[str]], text: str, where: str
) -> None:
    url, asked = address
    (tmp_path / "kustomization.yaml").write_text(text.format(url=url) + "\n")
    with pytest.raises(BuildFailed) as refused:
        build(tmp_path)
    assert (
        f"kustomization.yaml: {where} is '{url}/cm.yaml': must be a file or folder of this repository; "
        in str(refused.value)
    )
    assert asked == []


def test_kustomize_itself_would_ask(
    tmp_path: Path, address: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, asked = address
    (tmp_path / "kustomization.yaml").write_text(f"resources: ['{url}/cm.yaml']\n")
    monkeypatch.setattr("gitops.manifests.kustomization.local_roots", lambda folder: set())
    assert [entry["kind"] for entry in build(tmp_path)] == ["ConfigMap"]
    assert asked == ["/cm.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        "https://example.invalid/repo.git?ref=main",
        "git@example.invalid:owner/repo.git",
        "git::https://example.invalid/repo",
        "file:///etc",
        "oci://example.invalid/manifests",
        "ssh://git@example.invalid/repo",
        "github.com/owner/repo//overlays?ref=v1",
    ],
)
def test_no_form_of_an_address_is_taken(tmp_path: Path, text: str) -> None:
    (tmp_path / "kustomization.yaml").write_text(f"resources: ['{text}']\n")
    with pytest.raises(BuildFailed, match=r"kustomization\.yaml: resources\[0\] is .*commit a copy"):
        local_roots(tmp_path)


# The file system takes 255 bytes.
@pytest.mark.parametrize("text", ["a" * 300, "a\\0b"], ids=["too long", "NUL"])
def test_a_name_that_no_file_can_have_is_not_there(tmp_path: Path, text: str) -> None:
    (tmp_path / "kustomization.yaml").write_text(f'resources: ["{text}"]\n')
    with pytest.raises(BuildFailed, match=r"kustomization\.yaml: resources\[0\] is .*, which is not there"):
        local_roots(tmp_path)


def test_what_a_resource_refers_to_is_looked_at_too(tmp_path: Path) -> None:
    for name, text in (
        ("a", "resources: [../b]"),
        ("b", "components: [../c]"),
        ("c", "kind: Component\nresources: ['http://x']"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kustomization.yaml").write_text(text)
    with pytest.raises(BuildFailed) as refused:
        local_roots(tmp_path / "a")
    assert str(refused.value).startswith(f"{tmp_path}/c/kustomization.yaml: resources[0] is 'http://x': ")


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "twice.yaml").write_text("a: 1\nb: {c: 1,\n c: 2}\n")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    (tmp_path / "wide.yaml").write_text(MAP, encoding="utf-16")
    (tmp_path / "chart.yaml").write_text(MAP)
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [twice.yaml, gone.yaml, wide.yaml, chart.yaml, absent.yaml]\nhelmCharts: [{name: a}]\n"
    )
    with pytest.raises(BuildFailed) as refused:
        local_roots(tmp_path)
    assert [line.removeprefix(f"{tmp_path}/") for line in str(refused.value).splitlines()] == [
        "kustomization.yaml: helmCharts: charts are fetched from outside; commit what the chart renders as a resource",
        "twice.yaml:3: the key 'c' stands twice in one object",
        "kustomization.yaml: resources[1] is 'gone.yaml', a link to nothing; correct or remove it",
        "wide.yaml:1: the byte 0xff is no UTF-8; save the file as UTF-8 (PowerShell: Out-File -Encoding utf8)",
        "kustomization.yaml: resources[4] is 'absent.yaml', which is not there; correct the path, or, if it is an address, "
        "commit a copy, and name it by its path relative to this file",
    ]


def test_a_byte_order_mark_and_windows_line_ends_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_bytes(b"\xef\xbb\xbfresources:\r\n- map.yaml\r\n")
    (tmp_path / "map.yaml").write_text(MAP.replace("\n", "\r\n"))
    assert [entry["kind"] for entry in build(tmp_path)] == ["ConfigMap"]
    assert documents(read_text(tmp_path / "kustomization.yaml"), "x") == [{"resources": ["map.yaml"]}]


def test_a_merge_key_may_stand_beside_what_it_merges() -> None:
    assert documents("a: &a {b: 1}\nc: {<<: *a, b: 2}\n", "x") == [{"a": {"b": 1}, "c": {"b": 2}}]
