"""Actions that build, push and sign images: the image's bytes are stood in for, its digest and permissions are not."""

from __future__ import annotations

import base64
import json

from tests.workflows import oci, programs
from tests.workflows.action import ActionFailed, Outputs, Use


def nothing(use: Use) -> Outputs:
    """What an action sets up that the stand-ins do not need."""
    return {}


def login(use: Use) -> Outputs:
    """https://github.com/docker/login-action."""
    for name in ("registry", "username", "password"):
        if not use.given(name):
            raise ActionFailed(f"{name} required")
    config = use.job.home / ".docker" / "config.json"
    config.parent.mkdir(exist_ok=True)
    word = base64.b64encode(f"{use.given('username')}:{use.given('password')}".encode()).decode()
    config.write_text(json.dumps({"auths": {use.given("registry"): {"auth": word}}}))
    use.job.repository.runner.own(config.parent)
    return {}


def logout(use: Use) -> None:
    (use.job.home / ".docker" / "config.json").unlink(missing_ok=True)


def build(use: Use) -> Outputs:
    """https://github.com/docker/build-push-action: an OCI archive where one is asked for, whose layer is the sources."""
    context = use.path(use.given("context", "."))
    if not (context / "Dockerfile").is_file():
        raise ActionFailed(f"failed to read dockerfile in {context}")
    architecture = {"X64": "amd64", "ARM64": "arm64"}[use.job.architecture]
    labels = dict(line.partition("=")[::2] for line in use.lines("labels"))
    image = oci.image(context, architecture, labels, base=use.given("build-args"))
    for output in use.lines("outputs"):
        about = dict(part.partition("=")[::2] for part in output.split(","))
        match about["type"]:
            case "oci":
                archive = use.path(about["dest"])
                oci.write(image, archive)
                use.job.repository.runner.own(archive)
            case "docker" | "local" | "cacheonly":
                pass
            case kind:
                raise ActionFailed(f"outputs: type={kind}: unknown")
    return {"digest": image.digest, "imageid": image.digest, "metadata": "{}"}


def _may_push(use: Use) -> None:
    if not (use.job.home / ".docker" / "config.json").is_file():
        raise ActionFailed("denied: log in first")
    if use.job.permissions.get("packages") != "write":
        raise ActionFailed("denied: permission_denied: write_package")


def install_cosign(use: Use) -> Outputs:
    """https://github.com/sigstore/cosign-installer."""
    programs.write(use.job.folder, cosign=True)
    return {}


def attest(use: Use) -> Outputs:
    """https://github.com/actions/attest."""
    if use.job.permissions.get("id-token") != "write":
        raise ActionFailed(
            "missing 'id-token' permission. Please add 'permissions: id-token: write' to your workflow."
        )
    use.needs(attestations="write")
    digest = use.given("subject-digest")
    if not digest.startswith("sha256:") or len(digest) != len("sha256:") + 64:
        raise ActionFailed(f"subject-digest {digest!r}: must be in the format sha256:<hex-digest>")
    if use.says("create-storage-record", default=True):
        use.needs(artifact_metadata="write")
    if use.says("push-to-registry"):
        _may_push(use)
    use.job.repository.attested.append(f"{use.given('subject-name')}@{digest}")
    return {"attestation-id": "1", "bundle-path": "attestation.json"}
