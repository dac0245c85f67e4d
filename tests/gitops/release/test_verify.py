"""Signing and verifying: what cosign and gh are asked for; both are stand-ins that say what they were given."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from gitops import __main__ as command
from gitops.errors import BadArgument, ReleaseFailed
from gitops.manifests.site import edited
from gitops.release.pin import pin
from gitops.release.verify import verify
from tests.gitops.release.conftest import Repository
from tests.programs import program
from tests.project import ROOT
from tests.test_make import make

DIGEST = f"sha256:{'1' * 64}"
WORKFLOW = "https://github.com/Some-Team/Models/.github/workflows/release.yml"


@pytest.fixture
def asked(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that each call of cosign or gh is written to, a line each, in a repository of Some-Team."""
    repository.edit("site/site.yaml", "owner/seldon-mlflow-gitops", "Some-Team/Models")
    programs, file = tmp_path / "programs", tmp_path / "asked"
    programs.mkdir()
    for name in ("cosign", "gh"):
        program(programs / name, f'echo "{name} $*" >> {file}')
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return file


def test_the_pinned_image_is_bound_to_main_and_tags_of_this_repository(
    repository: Repository, asked: Path
) -> None:
    repository.edit("site/site.yaml", "ghcr.io/owner/", "ghcr.io/some-team/")
    list(pin(repository.root, DIGEST))
    image = f"ghcr.io/some-team/seldon-mlflow-server@{DIGEST}"
    assert list(verify(repository.root, "", "")) == [
        f"{image}: signed by Some-Team/Models/.github/workflows/release.yml at refs/heads/main or a tag v…",
        f"{image}: built by Some-Team/Models/.github/workflows/release.yml from refs/heads/main",
    ]
    cosign, gh = asked.read_text().splitlines()
    assert gh == (
        f"gh attestation verify oci://{image} --repo Some-Team/Models --signer-workflow "
        "Some-Team/Models/.github/workflows/release.yml --source-ref refs/heads/main --deny-self-hosted-runners"
    )
    assert cosign.startswith(
        "cosign verify --certificate-oidc-issuer https://token.actions.githubusercontent.com "
    )
    assert cosign.endswith(f" {image}")
    identity = re.search(r"--certificate-identity-regexp (\S+)", cosign)
    assert identity is not None
    for ref, holds in {
        "refs/heads/main": True,
        "refs/tags/v1.2.0": True,
        "refs/heads/main2": False,
        "refs/heads/fix/v1": False,
        "refs/tags/1.0": False,
        "refs/pull/7/merge": False,
    }.items():
        assert (re.search(identity[1], f"{WORKFLOW}@{ref}") is not None) is holds, ref
    assert re.search(identity[1], f"{WORKFLOW.replace('release', 'image')}@refs/heads/main") is None
    assert re.search(identity[1], f"{WORKFLOW.replace('github.com', 'github-com')}@refs/heads/main") is None


def test_the_image_that_an_overlay_pins_is_verified_too(repository: Repository, asked: Path) -> None:
    overlay = repository.root / "overlays/model/kustomization.yaml"
    overlay.parent.mkdir(parents=True)
    overlay.write_text("resources: [../../base]\n")
    list(pin(repository.root, DIGEST))
    own = f"sha256:{'2' * 64}"
    list(pin(repository.root, own, None, "model"))
    assert len(list(verify(repository.root, "", ""))) == 4
    digests = [
        line.rpartition("@")[2] for line in asked.read_text().splitlines() if line.startswith("cosign")
    ]
    assert digests == [DIGEST, own]


def test_a_tag_is_verified_as_that_tag(repository: Repository, asked: Path) -> None:
    image = f"ghcr.io/Some-Team/seldon-mlflow-server@{DIGEST}"
    assert list(verify(repository.root, image, "refs/tags/v1.2.0"))
    cosign, gh = asked.read_text().splitlines()
    assert f"--certificate-identity {WORKFLOW}@refs/tags/v1.2.0 " in cosign
    assert "--source-ref refs/tags/v1.2.0 " in gh
    # A registry has no capitals.
    assert cosign.endswith(f" ghcr.io/some-team/seldon-mlflow-server@{DIGEST}")


def test_an_image_of_another_repository_is_verified_as_that_one_s(
    repository: Repository, asked: Path
) -> None:
    file = repository.root / "site/site.yaml"
    values = {("image",): "ghcr.io/upstream/seldon-mlflow-server", ("imageRepository",): "Up-Stream/Server"}
    file.write_text(edited(file.read_text(), values))
    list(pin(repository.root, DIGEST))
    list(verify(repository.root, "", ""))
    cosign, gh = asked.read_text().splitlines()
    assert cosign.endswith(f" ghcr.io/upstream/seldon-mlflow-server@{DIGEST}")
    assert r"github\.com/Up\-Stream/Server/" in cosign
    assert "--repo Up-Stream/Server --signer-workflow Up-Stream/Server/.github/workflows/release.yml" in gh


def test_an_image_is_verified_before_it_is_pinned(
    repository: Repository,
    asked: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "ROOT", repository.root)
    before = (repository.root / "base/kustomization.yaml").read_text()
    program(tmp_path / "programs/cosign", "echo Error: no signatures found >&2; exit 10")
    assert command.main(["pin", DIGEST]) == 1
    assert "is not signed by Some-Team/Models/.github/workflows/release.yml" in capsys.readouterr().err
    assert (repository.root / "base/kustomization.yaml").read_text() == before

    # Who asks for it gets it, and is told.
    assert command.main(["pin", "--unsigned", "yes", DIGEST]) == 0
    said = capsys.readouterr().out.splitlines()
    image = f"ghcr.io/owner/seldon-mlflow-server@{DIGEST}"
    assert said[0] == (
        f"{image}: NOT verified, for UNSIGNED says so: whoever may write to its registry may have made it"
    )
    assert said[1] == f"base/kustomization.yaml: written for {DIGEST}"
    assert not asked.exists()

    program(tmp_path / "programs/cosign", f'echo "cosign $*" >> {asked}')
    other = f"sha256:{'2' * 64}"
    assert command.main(["pin", "--ref", "refs/tags/v1.2.0", other]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"ghcr.io/owner/seldon-mlflow-server@{other}: signed by Some-Team/Models/")
    assert "base/kustomization.yaml: written for" in said[2]
    cosign, gh = asked.read_text().splitlines()
    assert f"--certificate-identity {WORKFLOW}@refs/tags/v1.2.0 " in cosign
    assert "--source-ref refs/tags/v1.2.0 " in gh


def test_what_is_not_signed_so_fails(repository: Repository, asked: Path, tmp_path: Path) -> None:
    program(tmp_path / "programs/cosign", "echo Error: no signatures found >&2; exit 10")
    with pytest.raises(ReleaseFailed) as failed:
        list(verify(repository.root, f"ghcr.io/some-team/image@{DIGEST}", ""))
    assert str(failed.value) == (
        f"ghcr.io/some-team/image@{DIGEST}: is not signed by Some-Team/Models/.github/workflows/release.yml, whose image it "
        "is by site/site.yaml; if another repository built it, name that one there (spec.imageRepository)\n  "
        "cosign says: Error: no signatures found (cosign 3 reads the signature as the release writes it, cosign 2.6 "
        "with --new-bundle-format)"
    )
    assert not asked.exists()


def test_what_cannot_be_verified_is_refused(
    repository: Repository, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadArgument, match="must end in the digest of a released image"):
        list(verify(repository.root, "", ""))
    with pytest.raises(BadArgument, match=r"REF 'refs/heads/fix': must be refs/heads/main or refs/tags/v…"):
        list(verify(repository.root, f"ghcr.io/some-team/image@{DIGEST}", "refs/heads/fix"))
    monkeypatch.setenv("PATH", str(repository.root))
    with pytest.raises(BadArgument, match="cosign: no such command; install cosign 3 "):
        list(verify(repository.root, f"ghcr.io/some-team/image@{DIGEST}", ""))


@pytest.mark.parametrize(
    ("variables", "signs"),
    [
        ([], True),
        (["PRIVATE=false"], True),
        (["PRIVATE=true"], False),
        (["PRIVATE=1"], False),
        (["PRIVATE=true", "SIGN_IN_PUBLIC_LOG=0"], False),
        (["PRIVATE=true", "SIGN_IN_PUBLIC_LOG=true"], True),
    ],
)
def test_a_private_repository_is_not_published_unasked(
    asked: Path, variables: list[str], signs: bool
) -> None:
    done = make(ROOT, "--silent", "image-sign", f"IMAGE=ghcr.io/Some-Team/image@{DIGEST}", *variables)
    assert done.returncode == 0, done.stderr
    assert asked.exists() is signs
    if signs:
        assert asked.read_text() == f"cosign sign --yes ghcr.io/some-team/image@{DIGEST}\n"
    else:
        assert done.stdout.startswith("not signed: repository and commit of a private repository ")


def test_a_switch_of_another_value_signs_nothing(asked: Path) -> None:
    done = make(ROOT, "--silent", "image-sign", f"IMAGE=ghcr.io/Some-Team/image@{DIGEST}", "PRIVATE=maybe")
    assert done.returncode != 0
    assert "error: PRIVATE 'maybe': must be 1, yes, true to switch it on" in done.stderr
    assert not asked.exists()
