"""What a promotion takes of a workflow's variables and secrets."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from gitops.errors import BadArgument
from gitops.promote.credentials import exported


def given(variables: object, secrets: object = None) -> dict[str, str]:
    return {"PATH": "/bin", "VARIABLES": json.dumps(variables), "SECRETS": json.dumps(secrets or {})}


def test_what_registries_stores_and_indexes_know_is_taken() -> None:
    wanted = {
        "MLFLOW_TRACKING_URI": "http://mlflow.example",
        "AWS_REGION": "eu-central-1",
        "AZURE_STORAGE_ACCOUNT_NAME": "acme",
        "UV_DEFAULT_INDEX": "https://packages.example",
        "https_proxy": "http://proxy.example",
        "ENVIRONMENT_OFFLINE": "false",
    }
    hidden = {
        "MLFLOW_TRACKING_USERNAME": "bot",
        "MLFLOW_TRACKING_PASSWORD": "hush",
        "AWS_SESSION_TOKEN": "hush",
        "GOOGLE_SERVICE_ACCOUNT_KEY": "hush",
    }
    other = {"github_token": "no", "PULL_REQUEST_TOKEN": "no", "APP_PRIVATE_KEY": "no", "SLACK_URL": "no"}
    environ = given(
        {**wanted, "APP_ID": "7", "UV_PROJECT_ENVIRONMENT": "/", "MLFLOW_EMPTY": ""}, {**hidden, **other}
    )
    before = dict(environ)
    with exported(environ):
        assert environ == {"PATH": "/bin", **wanted, **hidden}
    assert environ == before


def test_a_list_names_what_is_taken_beside_it_and_a_secret_counts_first() -> None:
    environ = given(
        {"PROMOTION_VARIABLES": "KRB5_CONFIG, TEAM", "TEAM": "a", "AWS_REGION": "b"},
        {"TEAM": "c", "KRB5_CONFIG": "d"},
    )
    with exported(environ):
        assert environ == {"PATH": "/bin", "TEAM": "c", "KRB5_CONFIG": "d", "AWS_REGION": "b"}


def test_a_document_becomes_a_file_that_nobody_else_reads() -> None:
    key = '{"type": "service_account"}'
    environ = given(
        {"FETCH_CA_BUNDLE": "/etc/own.pem"},
        {"GOOGLE_APPLICATION_CREDENTIALS": key, "CA_BUNDLE": "-----BEGIN X"},
    )
    with exported(environ):
        file, authorities = (
            Path(environ[name]) for name in ("GOOGLE_APPLICATION_CREDENTIALS", "SSL_CERT_FILE")
        )
        assert file.read_text() == key
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        # Beside those of the machine: public packages are still to be had.
        assert authorities.read_text().endswith("\n-----BEGIN X\n")
        assert environ["REQUESTS_CA_BUNDLE"] == str(authorities)
        assert environ["FETCH_CA_BUNDLE"] == "/etc/own.pem"
    assert not file.exists()
    assert not authorities.exists()


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SECRETS": "hush"}, "SECRETS: must be a JSON object, as in `SECRETS: ${{ toJSON(secrets) }}`"),
        ({"VARIABLES": "[]hush"}, "VARIABLES: must be a JSON object, as in `VARIABLES: ${{ toJSON(vars) }}`"),
        ({"VARIABLES": '{"A": 1}'}, "VARIABLES: must be a JSON object whose values are texts"),
        ({"VARIABLES": "[1]"}, "VARIABLES: must be a JSON object whose values are texts"),
        (
            {"PROMOTION_VARIABLES": "A"},
            "PROMOTION_VARIABLES: there is no variable and no secret 'A'; add it to the environment, or leave it out of the "
            "list",
        ),
        (
            {"PROMOTION_VARIABLES": "PULL_REQUEST_TOKEN", "SECRETS": '{"PULL_REQUEST_TOKEN": "hush"}'},
            "PROMOTION_VARIABLES: 'PULL_REQUEST_TOKEN' is never given to a promotion; leave it out",
        ),
        (
            {"PROMOTION_VARIABLES": "LD_PRELOAD", "SECRETS": '{"LD_PRELOAD": "hush"}'},
            "PROMOTION_VARIABLES: 'LD_PRELOAD' is never given to a promotion; leave it out",
        ),
    ],
)
def test_what_cannot_be_taken(environ: dict[str, str], said: str) -> None:
    with pytest.raises(BadArgument) as refused, exported(environ):
        pass
    assert str(refused.value) == said


@pytest.mark.parametrize("environ", [{}, {"VARIABLES": "", "SECRETS": "null"}])
def test_a_machine_of_a_person_has_neither(environ: dict[str, str]) -> None:
    with exported(environ):
        assert environ == {}
