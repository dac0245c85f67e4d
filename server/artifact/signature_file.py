"""Who signed a model: OpenSSF model signing with a key, in the file model.sig of the model's folder.

Source: https://github.com/sigstore/model-transparency. A signature is made with
`model_signing sign key FOLDER --private-key KEY --signature FOLDER/model.sig`.
"""

from __future__ import annotations

import re
from pathlib import Path

from server.artifact.digest import UNCOUNTED
from server.errors import BadSetting, BadSignature

FILE = "model.sig"
# What the signing library leaves out by default, even if it was put there later.
_UNSIGNED = {".git", ".gitattributes", ".github", ".gitignore"}


def verify(folder: Path, uri: str, key: str) -> None:
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
    signature = folder / FILE
    if not signature.is_file():
        raise BadSignature(
            f"{uri}: is not signed: it has no {FILE}, and FETCH_SIGNATURE_KEY asks for one; "
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
            f"{uri}: the signature in {FILE} is not one of the key {key} for these files ({reason}); "
            "compare the model and the key with what was signed"
        ) from error
