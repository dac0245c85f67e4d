r"""The digest of a model, one sha256 over the names and the contents of its files; and the signature that covers it.

The digest is what this prints in the model folder, so that anyone can check it:

    find . -type f ! -name model.sig ! -name registered_model_meta ! -name .fetch.json |
        LC_ALL=C sort |
        xargs -r -d '\n' sha256sum | sha256sum

The files that do not count are added to a model afterwards: by signing, by MLflow's downloads, and by ``fetch``.

Who signed a model is OpenSSF model signing with a key, in the file model.sig of the model's folder, which
`model_signing sign key FOLDER --private-key KEY --signature FOLDER/model.sig` makes. Source:
https://github.com/sigstore/model-transparency.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from server.errors import BadSetting, BadSignature, NotAModel
from server.telemetry.start_record import FETCH

UNCOUNTED = frozenset({"model.sig", "registered_model_meta", FETCH})
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
SIGNATURE_FILE = "model.sig"
# What the signing library leaves out by default, even if it was put there later.
_UNSIGNED = {".git", ".gitattributes", ".github", ".gitignore"}


def model_digest(folder: Path, *, without: str = "") -> str:
    """Return the digest of the model in ``folder``, as ``sha256:<64 hex digits>``.

    The file ``without``, a path in the folder, does not count: the digest is the one it would be without it.

    Raises:
        NotAModel: the folder holds no file, or one whose name sha256sum would not write as it is.
    """
    names = sorted(name for name in _files(os.fsencode(folder), b".") if name != b"./" + os.fsencode(without))
    if not names:
        raise NotAModel(
            f"no file in {folder}: a model's digest needs at least one; give the folder that MLflow logged"
        )
    manifest = hashlib.sha256()
    for name in names:
        if any(sign in name for sign in (b"\\", b"\n", b"\r")):
            raise NotAModel(
                f"{os.fsdecode(name)!r} in {folder}: a file name of a model must not hold a backslash or a "
                "line break; rename the file and log the model again"
            )
        with open(os.path.join(os.fsencode(folder), name), "rb") as file:  # noqa: PTH118, PTH123  bytes path
            content = hashlib.file_digest(file, "sha256").hexdigest()
        manifest.update(f"{content}  ".encode() + name + b"\n")
    return f"sha256:{manifest.hexdigest()}"


def check(digest: str) -> str:
    """Return ``digest`` if it is written as one.

    Raises:
        BadSetting: it is not.
    """
    if not _DIGEST.fullmatch(digest):
        raise BadSetting(
            f"digest {digest!r}: must be sha256: and 64 lower-case hex digits, as `python -m server inspect` "
            "prints it; correct modelDigest in the overlay"
        )
    return digest


def _files(folder: bytes, prefix: bytes) -> Iterator[bytes]:
    """Yield the paths of the regular files that count, each beginning with ``./``."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + b"/" + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path, name)
            elif entry.is_file(follow_symlinks=False) and os.fsdecode(entry.name) not in UNCOUNTED:
                yield name


def verify_signature(folder: Path, uri: str, key: str) -> None:
    """Check that the model in ``folder``, from ``uri``, is signed by the public key in the file ``key``.

    Raises:
        BadSignature: there is no signature, it is of another key, or the files are not those signed.
        BadSetting: the file is no public key of an elliptic curve.
    """
    # Half a second and 50 MB, which only a model that must be signed is worth.
    from model_signing import hashing, verifying

    try:
        verifier = verifying.Config().use_elliptic_key_verifier(public_key=key)
    except (OSError, ValueError, AttributeError) as error:
        raise BadSetting(
            f"FETCH_SIGNATURE_KEY={key!r}: must be a PEM file with the public key of a NIST elliptic curve ({error})"
        ) from error
    signature = folder / SIGNATURE_FILE
    if not signature.is_file():
        raise BadSignature(
            f"{uri}: is not signed: it has no {SIGNATURE_FILE}, and FETCH_SIGNATURE_KEY asks for one; "
            "sign the model, or unset FETCH_SIGNATURE_KEY"
        )
    hidden = sorted(path.name for path in folder.iterdir() if path.name in _UNSIGNED)
    if hidden:
        raise BadSignature(
            f"{uri}: holds {', '.join(hidden)}, which a signature does not cover; sign the model without it"
        )
    files = hashing.Config().set_ignored_paths(
        paths=[folder / name for name in UNCOUNTED], ignore_git_paths=False
    )
    try:
        verifier.set_hashing_config(files).verify(folder, signature)
    except Exception as error:
        # The library's message has the digests as Python bytes.
        reason = re.sub(r": Expected '.*?\)', Actual '.*?\)'", "", str(error)) or type(error).__name__
        raise BadSignature(
            f"{uri}: the signature in {SIGNATURE_FILE} is not one of the key {key} for these files ({reason}); "
            "compare the model and the key with what was signed"
        ) from error
