"""``make seal`` and ``make seal-cert`` on a repository of its own."""

from __future__ import annotations

import io
import logging
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from gitops.errors import BadArgument, BadCertificate, BadValue
from gitops.manifests.kustomize import build
from gitops.seal.certificate import DEMO, FILE
from gitops.seal.command import fetch_certificate, seal
from gitops.seal.unseal import unseal
from tests.gitops.seal.keys import KeyPair

STORE = "base/secrets/sealedsecret-object-store.yaml"
PULL = "base/secrets/sealedsecret-image-pull.yaml"
LINES = (
    "REGISTRY_USERNAME=me\n"
    "REGISTRY_TOKEN=hunter2\n"
    "AWS_ACCESS_KEY_ID=key\n"
    "AWS_SECRET_ACCESS_KEY=hunter2\n"
    "AWS_ENDPOINT_URL=https://s3.example.com\n"
    "USE_SSL=true\n"
)


def run(root: Path, lines: str = LINES, names: Sequence[str] = ()) -> str:
    out = io.StringIO()
    assert seal(names, root=root, environ={}, lines=io.StringIO(lines), ask=None, out=out) == 0
    return out.getvalue()


def opened(file: Path, key: KeyPair) -> dict[str, str]:
    return unseal(yaml.safe_load(file.read_text()), key.private_key)


def test_both_secrets_are_sealed_for_the_cluster(root: Path, cluster: KeyPair) -> None:
    assert run(root) == (
        "mrx-ghcr: pulls the image for overlays/model\n"
        "seldon-init-container-secret: fetches from S3 for overlays/model\n"
        f"sealed mrx-ghcr to {PULL}\nsealed seldon-init-container-secret to {STORE}\n"
    )
    assert opened(root / STORE, cluster) == {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
        "AWS_ENDPOINT_URL": "https://s3.example.com",
        "USE_SSL": "true",
    }
    assert '"ghcr.io"' in opened(root / PULL, cluster)[".dockerconfigjson"]


def test_a_tracking_server_is_sealed_with_the_store_where_it_is_given(root: Path, cluster: KeyPair) -> None:
    run(root, LINES + "MLFLOW_TRACKING_URI=https://mlflow.example.com\n")
    assert opened(root / STORE, cluster)["MLFLOW_TRACKING_URI"] == "https://mlflow.example.com"


def test_what_is_sealed_is_what_kustomize_renders(root: Path) -> None:
    run(root)
    names = "".join(f"  - {Path(file).name}\n" for file in (PULL, STORE))
    (root / "base/secrets/kustomization.yaml").write_text(f"kind: Kustomization\nresources:\n{names}")
    assert [entry["metadata"]["name"] for entry in build(root / "base/secrets")] == [
        "mrx-ghcr",
        "seldon-init-container-secret",
    ]


def test_a_value_that_is_not_sealed_is_neither_written_nor_said(
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with caplog.at_level(logging.DEBUG):
        said = run(root)
    assert "hunter2" not in said + caplog.text
    assert list(scratch.iterdir()) == []
    for file in root.rglob("*"):
        assert file.is_dir() or b"hunter2" not in file.read_bytes()
    assert stat.S_IMODE((root / STORE).stat().st_mode) == 0o644


def test_a_single_secret_asks_for_its_own_values_only(root: Path) -> None:
    said = run(root, "REGISTRY_USERNAME=me\nREGISTRY_TOKEN=x\n", ["mrx-ghcr"])
    assert said == f"mrx-ghcr: pulls the image for overlays/model\nsealed mrx-ghcr to {PULL}\n"
    assert not (root / STORE).exists()


def test_a_value_of_the_environment_and_its_line_break_are_said(root: Path, cluster: KeyPair) -> None:
    out = io.StringIO()
    environ = {"REGISTRY_USERNAME": "me", "REGISTRY_TOKEN": "hunter2\n"}
    seal(["mrx-ghcr"], root=root, environ=environ, lines=None, ask=None, out=out)
    assert out.getvalue() == (
        "mrx-ghcr: pulls the image for overlays/model\n"
        "REGISTRY_USERNAME: taken from the environment\n"
        "REGISTRY_TOKEN: taken from the environment\n"
        "REGISTRY_TOKEN: took white space off its ends (a line break)\n"
        f"sealed mrx-ghcr to {PULL}\n"
    )
    assert "\\n" not in opened(root / PULL, cluster)[".dockerconfigjson"]


def test_nothing_is_written_when_a_value_is_wrong(root: Path) -> None:
    with pytest.raises(BadValue, match="they must agree"):
        run(root, LINES.replace("USE_SSL=true", "USE_SSL=false"))
    assert not (root / PULL).exists()
    assert not (root / STORE).exists()


@pytest.mark.parametrize("content", [b"no certificate", None], ids=["none", "missing"])
def test_without_a_certificate_no_value_is_asked_for(root: Path, content: bytes | None) -> None:
    (root / FILE).write_bytes(content) if content else (root / FILE).unlink()
    with pytest.raises(BadCertificate, match="fetch the cluster's with `make seal-cert`"):
        seal([], root=root, environ={}, lines=None, ask=lambda value: pytest.fail("asked"), out=io.StringIO())


def test_an_unknown_secret_is_refused(root: Path) -> None:
    with pytest.raises(BadArgument) as caught:
        run(root, names=["hunter"])
    assert str(caught.value) == (
        "there is no secret of this name: hunter; there are mrx-ghcr, seldon-init-container-secret"
    )


def test_sealing_to_the_demo_key_is_said(root: Path) -> None:
    (root / DEMO).parent.mkdir(parents=True)
    (root / DEMO).write_bytes((root / FILE).read_bytes())
    assert f"\n{FILE} is the demo's: everyone can open what is sealed to it (`make seal-cert`)\n" in run(root)


def test_values_are_rotated_by_sealing_again(root: Path, cluster: KeyPair) -> None:
    run(root)
    before = (root / PULL).read_text()
    run(root, LINES.replace("hunter2", "hunter3"), ["seldon-init-container-secret"])
    assert opened(root / STORE, cluster)["AWS_SECRET_ACCESS_KEY"] == "hunter3"
    assert (root / PULL).read_text() == before


def test_the_key_is_rotated_by_fetching_the_certificate_and_sealing_again(
    root: Path, cluster: KeyPair, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run(root)
    folder = tmp_path_factory.mktemp("renewed")
    renewed = KeyPair(folder)
    (folder / "certificate.pem").write_bytes(renewed.certificate)
    out = io.StringIO()
    assert fetch_certificate(str(folder / "certificate.pem"), root=root, out=out) == 0
    first, second = out.getvalue().splitlines()
    assert first.startswith(f"{FILE}: key sha256:")
    assert second == (
        "commit it; what was sealed before stays sealed to the key before (`make seal` seals again)"
    )
    # The controller keeps the key before.
    assert opened(root / STORE, cluster)["AWS_ACCESS_KEY_ID"] == "key"
    run(root)
    assert opened(root / STORE, renewed)["AWS_ACCESS_KEY_ID"] == "key"


def test_a_certificate_that_is_there_already(root: Path, tmp_path: Path) -> None:
    out = io.StringIO()
    assert fetch_certificate(str(root / FILE), root=root, out=out) == 0
    assert out.getvalue().startswith(f"{FILE} is that certificate already, valid until ")


def test_a_certificate_that_is_none_leaves_the_one_before(root: Path, tmp_path: Path) -> None:
    before = (root / FILE).read_bytes()
    (tmp_path / "other.pem").write_text("no certificate")
    with pytest.raises(BadCertificate, match=r"other\.pem: is no certificate in PEM"):
        fetch_certificate(str(tmp_path / "other.pem"), root=root, out=io.StringIO())
    assert (root / FILE).read_bytes() == before
