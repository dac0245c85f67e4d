"""Signing and verifying: what cosign and gh are asked for; both are stand-ins that say what they were given."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from gitops.errors import BadArgument, ReleaseFailed
from gitops.release.proposal import pin
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
    (repository.root / "argocd").mkdir()
    (repository.root / "argocd/repository.yaml").write_text(
        "data: {url: https://github.com/Some-Team/Models}\n"
    )
    programs, file = tmp_path / "programs", tmp_path / "asked"
    programs.mkdir()
    for name in ("cosign", "gh"):
        program(programs / name, f'echo "{name} $*" >> {file}')
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return file


def test_the_pinned_image_is_bound_to_main_and_tags_of_this_repository(
    repository: Repository, asked: Path
) -> None:
    repository.edit("base/kustomization.yaml", "ghcr.io/owner/", "ghcr.io/some-team/")
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


def test_a_tag_is_verified_as_that_tag(repository: Repository, asked: Path) -> None:
    image = f"ghcr.io/Some-Team/seldon-mlflow-server@{DIGEST}"
    assert list(verify(repository.root, image, "refs/tags/v1.2.0"))
    cosign, gh = asked.read_text().splitlines()
    assert f"--certificate-identity {WORKFLOW}@refs/tags/v1.2.0 " in cosign
    assert "--source-ref refs/tags/v1.2.0 " in gh
    # A registry has no capitals.
    assert cosign.endswith(f" ghcr.io/some-team/seldon-mlflow-server@{DIGEST}")


def test_what_is_not_signed_so_fails(repository: Repository, asked: Path, tmp_path: Path) -> None:
    program(tmp_path / "programs/cosign", "echo Error: no signatures found >&2; exit 10")
    with pytest.raises(ReleaseFailed) as failed:
        list(verify(repository.root, f"ghcr.io/some-team/image@{DIGEST}", ""))
    assert str(failed.value) == (
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
