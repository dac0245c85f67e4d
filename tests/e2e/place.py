"""The namespace of a run and what it starts with: secrets, the helper, and what stands in for store and index."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from gitops.errors import GitopsError
from gitops.manifests.site import read_site
from gitops.seal.secrets import secrets
from tests.cluster import helper, wheels
from tests.cluster import namespace as namespaces
from tests.cluster.helper import Helper
from tests.cluster.kubectl import ClusterError
from tests.cluster.namespace import Namespace
from tests.cluster.sealing import seal
from tests.e2e import pods
from tests.e2e.diagnosis import print_diagnosis
from tests.e2e.errors import E2eError
from tests.e2e.report import Report
from tests.e2e.settings import Settings
from tests.e2e.store import StorePod

_PULL_SECONDS = 300
_MACHINE = "import platform, sys; print('%d.%d' % sys.version_info[:2], platform.machine())"


@contextmanager
def own_namespace(name: str, level: str, keep: bool, report: Report, log: TextIO) -> Iterator[Namespace]:
    """Make a namespace that enforces the Pod Security ``level``; remove it with all that is in it, unless ``keep``.

    Before it goes with an error, what helps to understand that is printed to ``log``.
    """
    try:
        namespaces.create(name, level)
        report.say(f"namespace {name}, which enforces Pod Security {level}")
        try:
            yield Namespace(name)
        except (E2eError, ClusterError, GitopsError):
            print_diagnosis(Namespace(name), log)
            raise
    finally:
        if keep:
            report.say(f"kept, since KEEP is set; to remove it: kubectl delete namespace {name}")
        else:
            report.say(f"removing the namespace {name}")
            _remove(name, log)


def _remove(name: str, log: TextIO) -> None:
    """Remove the namespace; where that fails after another error, that one is the one to raise.

    Raises:
        E2eError: it cannot be removed, and nothing else was wrong.
    """
    before = sys.exc_info()[1]
    try:
        namespaces.remove(name)
    except ClusterError as error:
        said = f"the namespace {name} is not removed ({error}); to remove it: kubectl delete namespace {name}"
        if before is None:
            raise E2eError(said) from error
        print(said, file=log)


def prepare(
    settings: Settings,
    namespace: Namespace,
    values: Mapping[str, str],
    models: Mapping[str, Path],
    image: str,
    folder: Path,
    report: Report,
) -> Helper:
    """Seal the secrets of ``values``, start the helper, and as the settings say a store of ``models`` and an index.

    Raises:
        E2eError, ClusterError, GitopsError: one of it cannot be had.
    """
    site = read_site(settings.tree)
    seal(site, namespace, values, folder)
    report.ok(
        f"{', '.join(secret.name for secret in secrets(site))}: sealed to the cluster, opened by its controller"
    )
    namespace.apply(helper.objects(image, site.image_pull_secret))
    _until_ready(namespace)
    beside = Helper(namespace)
    python, machine = beside.python(_MACHINE).split()
    report.say(f"the helper pod runs (Python {python}, {machine})")
    if settings.store_in_pod:
        store = StorePod(namespace)
        store.start(image, site, {urlsplit(uri).netloc for uri in models}, machine)
        store.put(models)
        report.say(f"the store's pod holds {len(models)} models")
    if settings.index_in_pod:
        wheels.download(folder / "wheels", python, machine, settings.tree)
        beside.serve(wheels.archive(folder / "wheels"))
        report.say("the helper serves the wheels of the locks")
    return beside


def _until_ready(namespace: Namespace) -> None:
    """Wait for the helper: the first pod of the image, so here is seen whether the cluster can pull it."""
    try:
        namespace.kubectl(
            "wait",
            "--for=condition=Ready",
            f"pod/{helper.NAME}",
            f"--timeout={_PULL_SECONDS}s",
            seconds=_PULL_SECONDS + 30,
        )
    except ClusterError as error:
        troubles = pods.troubles([namespace.get("pod", helper.NAME)])
        raise E2eError(f"the helper pod does not start: {'; '.join(troubles) or error}") from error
