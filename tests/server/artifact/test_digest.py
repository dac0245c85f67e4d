"""The digest of a model, as coreutils say, and models that have to be signed: by OpenSSF model signing, with a key."""

from __future__ import annotations

import json
import logging
import subprocess
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from model_signing import hashing, signing

from server.artifact.digest import check, model_digest
from server.artifact.fetch import fetch
from server.errors import BadSetting, BadSignature, NotAModel
from server.settings import FetchSettings
from tests.server.artifact.fetching import DIGEST, FILES, MODEL, names

COREUTILS = (
    "find . -type f ! -name model.sig ! -name registered_model_meta ! -name .fetch.json | LC_ALL=C sort | "
    "xargs -r -d '\\n' sha256sum | sha256sum"
)
PEM = serialization.Encoding.PEM


def by_coreutils(folder):
    done = subprocess.run(["bash", "-c", COREUTILS], cwd=folder, capture_output=True, text=True, check=True)
    return f"sha256:{done.stdout.split()[0]}"


def test_iris():
    assert model_digest(MODEL) == DIGEST == by_coreutils(MODEL)


NAMES = st.lists(
    st.text(
        st.characters(exclude_characters="/\\\0\n\r", exclude_categories=["Cs"]), min_size=1, max_size=8
    ).filter(lambda name: name not in (".", "..")),
    min_size=1,
    max_size=3,
)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=20)), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_any_names_and_contents(files):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for names, content in files:
            path = folder.joinpath(*names)
            # A name may be a folder in one path and a file in another.
            if not path.exists() and all(parent.is_dir() or not parent.exists() for parent in path.parents):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        assert model_digest(folder) == by_coreutils(folder)


def test_what_is_added_afterwards_does_not_count(model):
    (model / "model.sig").write_text("signature")
    (model / "registered_model_meta").write_text("model_name: iris")
    (model / "folder").mkdir()
    (model / "link").symlink_to("MLmodel")
    assert model_digest(model) == DIGEST


def test_a_byte_and_a_name_count(model):
    (model / "requirements.txt").write_bytes((model / "requirements.txt").read_bytes() + b" ")
    changed = model_digest(model)
    (model / "requirements.txt").rename(model / "Requirements.txt")
    assert len({DIGEST, changed, model_digest(model)}) == 3


def test_no_file(tmp_path):
    with pytest.raises(NotAModel) as caught:
        model_digest(tmp_path)
    assert str(caught.value) == (
        f"no file in {tmp_path}: a model's digest needs at least one; give the folder that MLflow logged"
    )


@pytest.mark.parametrize("name", ["a\\b", "a\nb", "a\rb"])
def test_a_name_that_sha256sum_escapes(tmp_path, name):
    (tmp_path / name).write_text("")
    with pytest.raises(NotAModel) as caught:
        model_digest(tmp_path)
    assert str(caught.value) == (
        f"{'./' + name!r} in {tmp_path}: a file name of a model must not hold a backslash or a line break; "
        "rename the file and log the model again"
    )


@pytest.mark.parametrize(
    "digest", ["", "sha256:", DIGEST.upper(), DIGEST[:-1], DIGEST + "0", DIGEST.removeprefix("sha256:")]
)
def test_not_a_digest(digest):
    with pytest.raises(BadSetting) as caught:
        check(digest)
    assert str(caught.value) == (
        f"digest {digest!r}: must be sha256: and 64 lower-case hex digits, as `python -m server inspect` "
        "prints it; correct modelDigest in the overlay"
    )


def key(path, private=None):
    """Write a key pair to ``path`` and ``path``.pub."""
    private = private or ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(
        private.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public = path.with_suffix(".pub")
    public.write_bytes(
        private.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return public


def sign(model, private):
    """Sign the model as `model_signing sign key` does."""
    files = hashing.Config().set_ignored_paths(paths=[model / "model.sig"])
    config = signing.Config().use_elliptic_key_signer(private_key=private).set_hashing_config(files)
    config.sign(model, model / "model.sig")


@pytest.fixture
def signed(model, tmp_path):
    """The iris model, signed, and the settings that ask for it."""
    public = key(tmp_path / "key.pem")
    sign(model, tmp_path / "key.pem")
    return model, FetchSettings(signature_key=str(public))


def refused(model, settings, dest, kind=BadSignature):
    with pytest.raises(kind) as caught:
        fetch(model.as_uri(), dest, settings, digest=None)
    assert names(dest) == []
    return str(caught.value).removeprefix(f"{model.as_uri()}: ")


def test_signed(signed, dest, caplog):
    model, settings = signed
    with caplog.at_level(logging.INFO):
        fetch(model.as_uri(), dest, settings, digest=DIGEST)
        fetch(model.as_uri(), dest, settings, digest=DIGEST)
    assert names(dest) == sorted([*FILES, "model.sig"])
    assert caplog.messages.count(f"{model.as_uri()} is signed by the key {settings.signature_key}") == 2


def test_what_mlflow_adds_to_a_signed_model(signed, dest):
    model, settings = signed
    (model / "registered_model_meta").write_text("model_name: iris")
    fetch(model.as_uri(), dest, settings, digest=DIGEST)
    assert (dest / "MLmodel").is_file()


def test_not_signed(signed, dest):
    model, settings = signed
    (model / "model.sig").unlink()
    assert refused(model, settings, dest) == (
        "is not signed: it has no model.sig, and FETCH_SIGNATURE_KEY asks for one; "
        "sign the model, or unset FETCH_SIGNATURE_KEY"
    )


def reason(model, settings, dest):
    message = refused(model, settings, dest)
    start = f"the signature in model.sig is not one of the key {settings.signature_key} for these files ("
    assert message.startswith(start)
    assert message.endswith("); compare the model and the key with what was signed")
    return message.removeprefix(start)


def test_another_key(signed, dest, tmp_path):
    model, _ = signed
    settings = FetchSettings(signature_key=str(key(tmp_path / "other.pem")))
    assert reason(model, settings, dest).startswith("Key mismatch: The public key hash in the signature's")


def test_a_changed_file(signed, dest):
    model, settings = signed
    (model / "requirements.txt").write_text("evil")
    assert reason(model, settings, dest).startswith(
        "Signature mismatch: [\"Hash mismatch for 'requirements.txt'\"]"
    )


def test_a_file_more(signed, dest):
    model, settings = signed
    (model / "sitecustomize.py").write_text("evil")
    assert "Extra files found in model 'content': sitecustomize.py" in reason(model, settings, dest)


def test_a_file_less(signed, dest):
    model, settings = signed
    (model / "conda.yaml").unlink()
    assert "Missing files in model 'content': conda.yaml" in reason(model, settings, dest)


@pytest.mark.parametrize("name", [".gitignore", ".github/evil.py"])
def test_a_file_that_signing_leaves_out(signed, dest, name):
    model, settings = signed
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_text("evil")
    assert refused(model, settings, dest) == (
        f"holds {name.partition('/')[0]}, which a signature does not cover; sign the model without it"
    )


def emptied(bundle):
    bundle["dsseEnvelope"]["signatures"] = []


def changed(bundle):
    bundle["dsseEnvelope"]["payload"] = bundle["dsseEnvelope"]["payload"][::-1]


FORGED = {
    "no JSON": lambda text: "signature",
    "another JSON": lambda text: "[]",
    "empty": lambda text: "{}",
    "no signatures": lambda text: json.dumps(emptied(bundle := json.loads(text)) or bundle),
    "another payload": lambda text: json.dumps(changed(bundle := json.loads(text)) or bundle),
    "no text": lambda text: "\udcff",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_signature(signed, dest, forge):
    model, settings = signed
    text = forge((model / "model.sig").read_text())
    (model / "model.sig").write_bytes(text.encode(errors="surrogateescape"))
    assert reason(model, settings, dest)


def test_keys_that_are_none(signed, dest, tmp_path):
    model, _ = signed
    (tmp_path / "text").write_text("key")
    other = key(tmp_path / "rsa.pem", rsa.generate_private_key(65537, 2048))
    for path in (tmp_path / "none", tmp_path / "text", tmp_path / "key.pem", other):
        assert refused(model, FetchSettings(signature_key=str(path)), dest, BadSetting).startswith(
            f"FETCH_SIGNATURE_KEY={str(path)!r}: must be a PEM file with the public key of a NIST elliptic curve ("
        )
