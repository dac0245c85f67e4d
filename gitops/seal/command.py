"""Sealing the secrets of the deployments, and fetching the certificate that they are sealed to."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import yaml

from gitops.command import Run
from gitops.errors import BadArgument, BadValue
from gitops.files import write_all
from gitops.seal import certificate, kubeseal
from gitops.seal.secrets import SECRETS, Secret, Value
from gitops.seal.values import Ask, collect, given

_HEADER = "# Written by `make seal`: sealed for this name and namespace only. docs/secrets.md says how to change it.\n"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.description = (
        "Values come from standard input (NAME=value), the environment or the terminal, never from arguments; only what is "
        "sealed is written."
    )
    parser.add_argument("secrets", metavar="SECRET", nargs="*", help="names of secrets (all)")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        terminal = sys.stdin.isatty()
        return seal(
            arguments.secrets,
            root=root,
            environ=os.environ,
            lines=None if terminal else sys.stdin,
            ask=_ask if terminal else None,
            out=sys.stdout,
        )

    return run


def certificate_command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument(
        "--from", dest="origin", default="", metavar="FILE|URL", help="where from (the cluster of KUBECONFIG)"
    )

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return fetch_certificate(arguments.origin, root=root, out=sys.stdout)

    return run


def _ask(value: Value) -> str:
    """Ask a person at the terminal; a hidden value is not echoed."""
    prompt = f"{value.name} ({value.meaning}){f' [{value.default}]' if value.default else ''}: "
    try:
        return getpass.getpass(prompt) if value.hidden else input(prompt)
    except (EOFError, KeyboardInterrupt) as error:
        raise BadValue(f"no value for {value.name}: stopped, and nothing was written") from error


def seal(
    names: Sequence[str],
    *,
    root: Path,
    environ: Mapping[str, str],
    lines: TextIO | None,
    ask: Ask | None,
    out: TextIO,
) -> int:
    """Seal the secrets ``names``, or all, to the committed certificate; write what is sealed below ``root``.

    Values come from ``lines`` (None: there are none), ``environ`` or ``ask``, as gitops.seal.values says. All are
    validated before anything is written.

    Raises:
        BadArgument: there is no such secret.
        BadCertificate: the certificate is invalid or has expired.
        BadValue: a value is missing or cannot be right.
        SealFailed: kubeseal refuses.
    """
    chosen = _secrets(names)
    found = certificate.read(root / certificate.FILE)
    if _is_demo(found, root):
        _say(
            out,
            f"{certificate.FILE} is the demo's: everyone can open what is sealed to it (`make seal-cert`)",
        )
    wanted = {value.name: value for secret in chosen for value in secret.values}
    # Those of the other secrets may be there too, and are ignored.
    known = [value.name for secret in SECRETS for value in secret.values]
    values = collect(
        wanted.values(), given(lines or (), known), environ, ask, lambda notice: _say(out, notice)
    )
    manifests = [(secret, secret.manifest(values_of(secret, values))) for secret in chosen]
    sealed = [(secret, kubeseal.seal(manifest, root / certificate.FILE)) for secret, manifest in manifests]
    texts = {
        root / secret.file: _HEADER + yaml.safe_dump(entry, sort_keys=False, width=2**16)
        for secret, entry in sealed
    }
    write_all(texts)
    for secret, _ in sealed:
        _say(out, f"sealed {secret.name} to {secret.file}")
    return 0


def fetch_certificate(origin: str, *, root: Path, out: TextIO) -> int:
    """Put the sealing certificate of the cluster, or of the file or URL ``origin``, where ``seal`` reads it.

    Raises:
        BadCertificate: it cannot be fetched, is invalid, or has expired.
    """
    found = certificate.check(kubeseal.fetch(origin), origin or "what the cluster answers")
    file = root / certificate.FILE
    before = file.read_bytes() if file.is_file() else b""
    if before == found.pem:
        _say(out, f"{certificate.FILE} is that certificate already, valid until {found.ends:%Y-%m-%d}")
        return 0
    write_all({file: found.pem.decode()})
    _say(out, f"{certificate.FILE}: key {found.key}, valid until {found.ends:%Y-%m-%d}")
    _say(out, "commit it; what was sealed before stays sealed to the key before (`make seal` seals again)")
    return 0


def values_of(secret: Secret, values: Mapping[str, str]) -> dict[str, str]:
    """Return those of ``values`` that ``secret`` is made of."""
    return {value.name: values[value.name] for value in secret.values if value.name in values}


def _secrets(names: Sequence[str]) -> list[Secret]:
    known = {secret.name: secret for secret in SECRETS}
    for name in names:
        if name not in known:
            raise BadArgument(f"there is no secret of this name: {name}; there are {', '.join(known)}")
    return [known[name] for name in names or known]


def _is_demo(found: certificate.Certificate, root: Path) -> bool:
    demo = root / certificate.DEMO
    return demo.is_file() and certificate.read(demo).key == found.key


def _say(out: TextIO, text: str) -> None:
    out.write(f"{text}\n")
