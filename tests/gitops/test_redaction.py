"""What is left out of a report, and what the check finds because it would be."""

from __future__ import annotations

import base64
import copy
import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.diff.objects import changes
from gitops.diff.rows import rows
from gitops.markdown import code
from gitops.redaction import CHANGED, HIDDEN, SEALED_ANEW, Redactor, credentials, redacted

# As kubeseal writes them: hundreds of bytes that look random.
SEALED = st.integers().map(lambda seed: base64.b64encode(Random(seed).randbytes(520)).decode())
KEYS = st.sampled_from(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", ".dockerconfigjson"])
VALUES = st.dictionaries(KEYS, SEALED)


def sealed(values: dict[str, str], name: str = "store") -> dict[str, Any]:
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": name, "namespace": "seldon"},
        "spec": {"encryptedData": values, "template": {"type": "Opaque"}},
    }


def copied(entry: dict[str, Any]) -> dict[str, Any]:
    """What kubectl apply leaves in an object: a copy of it."""
    whole = copy.deepcopy(entry)
    whole["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(entry)}
    return whole


@given(VALUES, VALUES, st.booleans(), st.booleans())
def test_a_sealed_value_appears_nowhere(
    before: dict[str, str], after: dict[str, str], renamed: bool, applied: bool
) -> None:
    wrap = copied if applied else dict
    old, new = wrap(sealed(before)), wrap(sealed(after, "other" if renamed else "store"))
    for sides in (([old], [new]), ([], [new]), ([old], [])):
        found = changes(*sides)
        said = [entry.diff for entry in found]
        said += [
            code(text)
            for entry in found
            for row in rows(entry)
            for text in (row.before or "", row.after or "")
        ]
        for value in (*before.values(), *after.values()):
            # Not even a part of it.
            assert not any(
                value[start : start + 30] in text for text in said for start in range(0, len(value) - 30, 30)
            )


LOCK = "numpy==2.0 \\\n    --hash=sha256:00\n" * 50


@pytest.mark.parametrize(
    "line",
    [
        "password: hunter2",
        "curl --token\n\n    hunter2",
        "AWS_PWD=hunter2",
        "https://bob:hunter2@example.com/simple",
        "https://example.com/?sig=hunter2",
        "to\u212aen=hunter2",
    ],
)
def test_a_credential_within_a_long_text_is_left_out(line: str) -> None:
    text = f"{LOCK}{line}\n{LOCK}"
    hidden = Redactor().hide({"kind": "ConfigMap", "data": {"requirements.lock": text}})
    assert hidden["data"] == {"requirements.lock": text.replace("hunter2", HIDDEN)}


@given(VALUES, VALUES)
def test_every_key_that_changes_is_named(before: dict[str, str], after: dict[str, str]) -> None:
    (*found,) = changes([sealed(before)], [sealed(after)])
    shown = {row.field: (row.before, row.after) for entry in found for row in rows(entry)}
    for key in before.keys() | after.keys():
        expected = (HIDDEN if key in before else None, HIDDEN if key in after else None)
        if before.get(key) == after.get(key):
            assert f"key {key}" not in shown
        else:
            assert shown[f"key {key}"] == ((HIDDEN, SEALED_ANEW) if None not in expected else expected)


@given(SEALED, st.text(max_size=40), st.text(max_size=40))
def test_a_sealed_value_that_kustomize_quotes_is_left_out(value: str, before: str, after: str) -> None:
    text = redacted(f"{before} encryptedData: {{a: {value}}} {after}")
    assert value not in text
    assert HIDDEN in text


def test_what_is_long_and_no_secret_stays() -> None:
    text = (
        "s3://mlflow/artifacts/0/93bc5efa1b7e409f91aac16024af51a0/artifacts/Iris/Model/V2/with/a/path/of/many/parts/in/it/x "
        f"sha256:{'0123456789abcdef' * 4} spec/predictors/componentSpecs/spec/volumes/configMap/name "
        f"{'x' * 200}"
    )
    assert redacted(text) == text


@pytest.mark.parametrize("characters", ["0123456789abcdef", "/-a", "password='"])
def test_a_text_of_a_mebibyte_is_read_to_its_end(characters: str) -> None:
    text = characters * (2**20 // len(characters))
    assert redacted(text)
    assert Redactor().hide({"text": text})


def test_a_credential_in_a_config_map() -> None:
    lock = "tokenizers==1 \\\n    --hash=sha256:0123456789abcdef"
    entry = {"kind": "ConfigMap", "data": {"DB_PASSWORD": "hunter2", "USER": "me", "requirements.lock": lock}}
    hider = Redactor()
    assert hider.hide(entry)["data"] == {"DB_PASSWORD": HIDDEN, "USER": "me", "requirements.lock": lock}
    entry["data"]["DB_PASSWORD"] = "hunter3"  # type: ignore[index]
    assert hider.hide(entry)["data"]["DB_PASSWORD"] == CHANGED
    assert [found.path for found in credentials(entry)] == ["data.DB_PASSWORD has a credential"]


def test_a_plain_secret_and_a_credential_in_a_variable() -> None:
    secret = {"kind": "Secret", "data": {"key": "aHVudGVyMg=="}, "stringData": {"other": "hunter2"}}
    assert Redactor().hide(secret) == {
        "kind": "Secret",
        "data": {"key": HIDDEN},
        "stringData": {"other": HIDDEN},
    }
    job = {
        "kind": "Job",
        "env": [{"name": "HUB_TOKEN", "value": "hunter2"}, {"name": "HOME", "value": "/tmp"}],
    }
    hider = Redactor()
    assert hider.hide(job) == {
        "kind": "Job",
        "env": [{"name": "HUB_TOKEN", "value": HIDDEN}, {"name": "HOME", "value": "/tmp"}],
    }
    job["env"][0]["value"] = "hunter3"  # type: ignore[index]
    job["env"].reverse()  # type: ignore[attr-defined]
    assert {entry["name"]: entry["value"] for entry in hider.hide(job)["env"]} == {
        "HUB_TOKEN": CHANGED,
        "HOME": "/tmp",
    }


def test_what_sops_adds_to_a_secret_is_left_out_too() -> None:
    secret = {
        "kind": "Secret",
        "stringData": {"key": "ENC[…]"},
        "sops": {"mac": "ENC[…]", "age": [{"enc": "…"}]},
    }
    assert Redactor().hide(secret) == {
        "kind": "Secret",
        "stringData": {"key": HIDDEN},
        "sops": {"mac": HIDDEN, "age": HIDDEN},
    }


def test_data_of_the_wrong_form_is_left_out_too() -> None:
    assert Redactor().hide(
        {"kind": "SealedSecret", "spec": {"data": "AgBlob", "encryptedData": ["AgOther"]}}
    ) == {
        "kind": "SealedSecret",
        "spec": {"data": HIDDEN, "encryptedData": HIDDEN},
    }


HOOK = "https://hooks.slack.com/" + "services/"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--token=hunter2", f"--token={HIDDEN}"),
        ("--api-key=hunter2", f"--api-key={HIDDEN}"),
        ("run --db-password=hunter2 --port=1", f"run --db-password={HIDDEN} --port=1"),
        (f"{HOOK}T0/B0/hunter2", f"{HOOK}{HIDDEN}"),
        ("https://example.com/a?x=1&token=hunter2", f"https://example.com/a?x=1&token={HIDDEN}"),
        ("postgres://me:hunter2@db/x", f"postgres://me:{HIDDEN}@db/x"),
        ("redis://:hunter2@store:6379", f"redis://:{HIDDEN}@store:6379"),
        ("serve --token hunter2 --port 1", f"serve --token {HIDDEN} --port 1"),
        ("serve --token 'hunter2'", f"serve --token '{HIDDEN}'"),
        ("DB_PASSWORD=hunter2 serve", f"DB_PASSWORD={HIDDEN} serve"),
        ("Authorization: Bearer hunter2", f"Authorization: Bearer {HIDDEN}"),
        ("PGPASSWORD=hunter2 psql", f"PGPASSWORD={HIDDEN} psql"),
        ("curl -u admin:hunter2 https://a", f"curl -u {HIDDEN} https://a"),
        ("curl -H 'X-Api-Key: hunter2' https://a", f"curl -H 'X-Api-Key: {HIDDEN}' https://a"),
        ("https://ghp_123456@github.com/a", f"https://{HIDDEN}@github.com/a"),
        ("https://0123456789abcdefghij@example.com/a", f"https://{HIDDEN}@example.com/a"),
        ("serve --db-pass=hunter2", f"serve --db-pass={HIDDEN}"),
        ('{"password": "hunter2", "user": "me"}', f'{{"password": "{HIDDEN}", "user": "me"}}'),
        ("user: me\npassword: hunter2 it's\nport: 1", f"user: me\npassword: {HIDDEN}\nport: 1"),
        ('serve --token="a b c" --port=1', f'serve --token="{HIDDEN}" --port=1'),
        ("serve --token='a \"b\" c'", f"serve --token='{HIDDEN}'"),
        ("--token=a b c", f"--token={HIDDEN}"),
        ("Authorization: Bearer $TOKEN", "Authorization: Bearer $TOKEN"),
        ('PASSWORD="$TOKEN" serve', 'PASSWORD="$TOKEN" serve'),
        ("https://me@example.com/a", "https://me@example.com/a"),
        ("docker run --user me image:1", "docker run --user me image:1"),
        ('{"token": "iris"}', '{"token": "iris"}'),
        ("--token=$(TOKEN)", "--token=$(TOKEN)"),
        ("serve --token $TOKEN", "serve --token $TOKEN"),
        ("--image-pull-secret=image-pull", "--image-pull-secret=image-pull"),
        ("--digest=sha256:1", "--digest=sha256:1"),
        ("https://example.com/token/key", "https://example.com/token/key"),
        ("s3://bucket/key=1", "s3://bucket/key=1"),
    ],
)
def test_a_credential_in_a_text_is_left_out(text: str, shown: str) -> None:
    job = {"kind": "Job", "args": ["serve", text]}
    assert Redactor().hide(job) == {"kind": "Job", "args": ["serve", shown]}
    # What is left out is found, and nothing else.
    assert [found.path for found in credentials(job)] == (
        ["args[1] has a credential"] if text != shown else []
    )


def test_a_credential_that_is_an_argument_of_its_own() -> None:
    hider = Redactor()
    assert hider.hide({"args": ["--token", "hunter2", "--port", "1"]})["args"] == [
        "--token",
        HIDDEN,
        "--port",
        "1",
    ]
    assert hider.hide({"args": ["--token", "hunter3", "--port", "1"]})["args"] == [
        "--token",
        CHANGED,
        "--port",
        "1",
    ]
