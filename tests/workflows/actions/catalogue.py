"""All actions that something stands in for, by their names, each with the inputs that it takes."""

from __future__ import annotations

from collections.abc import Mapping

from tests.workflows.action import Action, stand_in
from tests.workflows.actions import images, reports, storage
from tests.workflows.actions.checkout import checkout

_CACHE = "path key restore-keys lookup-only fail-on-cache-miss enableCrossOsArchive save-always"
_ATTEST = "subject-name subject-digest push-to-registry create-storage-record show-summary"
ACTIONS: Mapping[str, Action] = {
    "actions/attest": stand_in(
        f"{_ATTEST} predicate-type predicate predicate-path sbom-path", images.attest, required="subject-name"
    ),
    "actions/cache": stand_in(_CACHE, storage.restore, after=storage.save_after, required="path key"),
    "actions/cache/restore": stand_in(_CACHE, storage.restore, required="path key"),
    "actions/cache/save": stand_in("path key", storage.save, required="path key"),
    "actions/checkout": stand_in(
        "repository ref token persist-credentials path fetch-depth fetch-tags clean", checkout
    ),
    "actions/create-github-app-token": stand_in(
        "app-id client-id private-key owner repositories permission-contents permission-issues "
        "permission-pull-requests permission-checks permission-workflows",
        reports.app_token,
        required="private-key",
    ),
    "actions/deploy-pages": stand_in(
        "token timeout error_count reporting_interval artifact_name preview", storage.deploy_pages
    ),
    "actions/download-artifact": stand_in("name pattern path merge-multiple", storage.download),
    "actions/upload-artifact": stand_in(
        "name path if-no-files-found retention-days compression-level overwrite include-hidden-files",
        storage.upload,
        required="path",
    ),
    "actions/upload-pages-artifact": stand_in(
        "name path retention-days include-hidden-files", storage.upload_pages
    ),
    "anchore/scan-action": stand_in(
        "path image sbom only-fixed severity-cutoff fail-build output-format output-file", reports.scan
    ),
    "docker/build-push-action": stand_in(
        "context file tags labels annotations build-args outputs load platforms sbom provenance no-cache pull target",
        images.build,
    ),
    "docker/login-action": stand_in(
        "registry username password logout", images.login, after=images.logout, required="username password"
    ),
    "docker/setup-buildx-action": stand_in(
        "version driver driver-opts cache-binary buildkitd-config platforms", images.nothing
    ),
    "docker/setup-qemu-action": stand_in("image platforms cache-image", images.nothing),
    "github/codeql-action/upload-sarif": stand_in(
        "sarif_file category wait-for-processing", reports.upload_sarif
    ),
    "ossf/scorecard-action": stand_in(
        "results_file results_format publish_results repo_token",
        reports.scorecard,
        required="results_file results_format",
    ),
    "sigstore/cosign-installer": stand_in("cosign-release install-dir", images.install_cosign),
}
