"""Actions that look for what is wrong, tell GitHub of it, or get a token."""

from __future__ import annotations

import json

from tests.workflows.action import ActionFailed, Outputs, Use

_SARIF = {"version": "2.1.0", "runs": []}


def scan(use: Use) -> Outputs:
    """https://github.com/anchore/scan-action: finds what the test says that there is."""
    if not use.given("path") and not use.given("image"):
        raise ActionFailed("At least one source for scanning needs to be provided.")
    file = use.path("results.sarif")
    _write(use, file.name)
    if use.job.repository.advisories and use.says("fail-build", default=True):
        raise ActionFailed(f"Failed minimum severity level. Found {use.job.repository.advisories}")
    return {"sarif": str(file)}


def scorecard(use: Use) -> Outputs:
    """https://github.com/ossf/scorecard-action."""
    if use.says("publish_results") and use.job.permissions.get("id-token") != "write":
        raise ActionFailed("publish_results needs 'id-token: write'")
    _write(use, use.given("results_file"))
    return {}


def _write(use: Use, name: str) -> None:
    file = use.path(name)
    file.write_text(json.dumps(_SARIF))
    use.job.repository.runner.own(file)


def upload_sarif(use: Use) -> Outputs:
    """https://github.com/github/codeql-action."""
    use.needs(security_events="write")
    if use.job.repository.github.private:
        raise ActionFailed("Code Security must be enabled for this repository to use code scanning")
    file = use.path(use.given("sarif_file"))
    if not file.is_file():
        raise ActionFailed(f"Path does not exist: {file}")
    return {"sarif-id": "1"}


def app_token(use: Use) -> Outputs:
    """https://github.com/actions/create-github-app-token: the installation may what the inputs say."""
    if not use.given("app-id") and not use.given("client-id"):
        raise ActionFailed("The 'client-id' input must be set to a non-empty string.")
    if not use.given("private-key"):
        raise ActionFailed("The 'private-key' input must be set to a non-empty string.")
    prefix = "permission-"
    asked = {
        name.removeprefix(prefix): level for name, level in use.inputs.items() if name.startswith(prefix)
    }
    token = use.job.repository.github.app(
        "bot-of-acme", asked or {"contents": "write", "pull-requests": "write"}
    )
    use.job.hidden.add(token)
    return {"token": token, "app-slug": "bot-of-acme"}
