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
from gitops.manifests.rendered import OVERLAYS
from gitops.manifests.site import read_site
from gitops.manifests.tree import Tree, load
from gitops.seal import certificate, kubeseal, secrets
from gitops.seal.needs import Needs, needs
from gitops.seal.secrets import Secret
from gitops.seal.stores import STORES, Store, Value
from gitops.seal.values import Ask, collect, given

_HEADER = "# Written by `make seal`: sealed for this name and namespace only. docs/secrets.md says how to change it.\n"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.description = (
        "Values come from standard input (NAME=value), the environment or the terminal, never from arguments; only what is "
        "sealed is written."
    )
    parser.add_argument(
        "secrets", metavar="SECRET", nargs="*", help="names of secrets (all that overlays need)"
    )

    def run(arguments: argparse.Namespace, root: Path) -> int:
        terminal = sys.stdin.isatty()
        return seal(
            arguments.secrets,
            root=root,
            environ=os.environ,
            lines=None if terminal else sys.stdin,
            ask=ask if terminal else None,
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


def ask(value: Value) -> str:
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
    """Seal the secrets ``names``, or all that the overlays need, to the committed certificate, below ``root``.

    What a secret is made of follows from where the overlays' models are. Values come from ``lines`` (None: there are
    none), ``environ`` or ``ask``, as gitops.seal.values says. All are validated before anything is written.

    Raises:
        BadArgument: there is no such secret, or none is to be sealed under that name.
        BadManifest, BuildFailed: site.yaml is not valid, or an overlay does not build.
        BadCertificate: the certificate is invalid or has expired.
        BadValue: a value is missing or cannot be right.
        SealFailed: kubeseal refuses.
    """
    site = read_site(root)
    needed = needs(_built(root), site)
    chosen = _secrets(names, needed)
    for secret, reason in chosen:
        _say(out, f"{secret.name}: {reason}")
    for name, reason in needed.not_sealed():
        _say(out, f"{name}: not sealed: {reason}")
    if not chosen:
        return 0
    found = certificate.read(root / certificate.FILE)
    if _is_demo(found, root):
        _say(
            out,
            f"{certificate.FILE} is the demo's: everyone can open what is sealed to it (`make seal-cert`)",
        )
    wanted = {value.name: value for secret, _ in chosen for value in secret.values}
    # Those of the other secrets and stores may be there too, and are ignored.
    parts: tuple[Secret | Store, ...] = (*secrets.secrets(site), *STORES)
    known = dict.fromkeys(value.name for part in parts for value in part.values)
    values = collect(
        wanted.values(), given(lines or (), known), environ, ask, lambda notice: _say(out, notice)
    )
    manifests = [(secret, secret.manifest(values_of(secret, values))) for secret, _ in chosen]
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


def _built(root: Path) -> Tree:
    """Return the tree below ``root``; an overlay that does not build could need anything."""
    tree = load(root)
    for folder, error in tree.failures.items():
        if folder.startswith(f"{OVERLAYS}/"):
            raise type(error)(tree.words(error))
    return tree


def _secrets(names: Sequence[str], needed: Needs) -> list[tuple[Secret, str]]:
    """Return the secrets ``names`` that are to be sealed, or all of them, each with the reason."""
    found = {secret.name: (secret, reason) for secret, reason in needed.secrets()}
    known, others = [secret.name for secret in secrets.secrets(needed.site)], dict(needed.not_sealed())
    for name in names:
        if name not in known:
            raise BadArgument(f"there is no secret of this name: {name}; there are {', '.join(known)}")
        if name not in found:
            raise BadArgument(f"{name} is not to be sealed: {others[name]} (docs/secrets.md)")
    return [found[name] for name in names or found]


def _is_demo(found: certificate.Certificate, root: Path) -> bool:
    demo = root / certificate.DEMO
    return demo.is_file() and certificate.read(demo).key == found.key


def _say(out: TextIO, text: str) -> None:
    out.write(f"{text}\n")
