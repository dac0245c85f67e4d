from __future__ import annotations

import re

from tests.e2e import versions
from tests.e2e.kind.commands import commands
from tests.project import ROOT


def test_the_controller_is_of_the_version_that_seals() -> None:
    assert (
        f"github.com/bitnami-labs/sealed-secrets v{versions.SEALED_SECRETS}\n"
        in (ROOT / "tools/go.mod").read_text()
    )


def test_what_is_tried_is_what_the_installation_says() -> None:
    table = dict(
        re.findall(
            r"^\| ([\w ]+) \| ([\d.]+(?: to [\d.]+)?) \|",
            (ROOT / "docs/install.md").read_text(),
            re.MULTILINE,
        )
    )
    assert table["Seldon Core"] == versions.SELDON_CORE
    assert versions.SEALED_SECRETS.startswith(table["Sealed Secrets"])
    assert versions.ARGO_CD.startswith(table["Argo CD"].partition(" to ")[2])


def test_images_are_in_the_cluster_before_anything_asks_for_them() -> None:
    shown = [" ".join(command[1:]) for command in commands(["server:1", "server:2"])]
    assert shown[:4] == [
        f"install sigs.k8s.io/kind@v{versions.KIND}",
        "create cluster --name e2e --wait 5m",
        "load docker-image server:1 --name e2e",
        "load docker-image server:2 --name e2e",
    ]
    assert shown[4].startswith("upgrade --install seldon-core seldon-core-operator --version 1.17.1 ")
