from __future__ import annotations

import json

from gitops.diff.model import Model, models
from gitops.manifests.checkout import Checkout
from gitops.manifests.rendered import Rendered
from tests.gitops.diff.repository import NODES, Repository, lock


def pinned(repository: Repository, overlay: str) -> dict[str, Model]:
    side = Checkout("the work tree", repository.root)
    rendered = side.outcome(f"overlays/{overlay}")
    assert isinstance(rendered, Rendered), rendered
    return models(side, rendered)


def test_a_graph_takes_what_is_said_of_its_nodes_from_their_overlays(repository: Repository) -> None:
    digests = {node: repository.pin(node, digit) for node, digit in zip(NODES, "123", strict=True)}
    found = pinned(repository, "pipeline")
    assert {node: model.digest for node, model in found.items()} == digests
    assert {node: model.contract and model.contract.digest for node, model in found.items()} == digests
    assert found["model"].method == "decision_function"
    assert found["postprocessor"].type == "OUTPUT_TRANSFORMER"
    assert [model.problems for model in found.values()] == [()] * 3


def test_a_canary_has_a_name_of_its_own(repository: Repository) -> None:
    copy = {"op": "copy", "from": "/spec/predictors/0", "path": "/spec/predictors/-"}
    name = {"op": "replace", "path": "/spec/predictors/1/name", "value": "canary"}
    repository.patch("model", copy, name)
    assert list(pinned(repository, "model")) == ["model", "canary/model"]


def test_a_contract_of_another_model(repository: Repository) -> None:
    digest = repository.pin("model", "1")
    repository.edit("overlays/model/contract.json", digest, f"sha256:{'2' * 64}")
    (problem,) = pinned(repository, "model")["model"].problems
    assert problem == (
        f"contract.json describes sha256:{'2' * 64} and not the pinned {digest}; "
        "let `make promote` write it again"
    )


def test_what_cannot_be_read_is_said_with_its_place_in_the_repository(repository: Repository) -> None:
    repository.write("overlays/model/contract.json", json.dumps([]))
    repository.write(
        "overlays/model/requirements.lock", lock("sha256:1", numpy="2").replace("# model", "# modell")
    )
    contract, locked = pinned(repository, "model")["model"].problems
    assert contract == (
        "contract.json cannot be read: overlays/model/contract.json: must be an object, "
        "as `python -m server inspect --json` writes it"
    )
    assert locked.startswith(
        "requirements.lock cannot be read: overlays/model/requirements.lock: has no line `# model: …`"
    )


def test_a_link_out_of_the_repository_is_not_followed(repository: Repository) -> None:
    outside = repository.root.parent / "outside"
    outside.write_text("hunter2")
    path = repository.root / "overlays/postprocessor/contract.json"
    path.unlink()
    path.symlink_to(outside)
    (problem,) = pinned(repository, "postprocessor")["postprocessor"].problems
    assert problem == "contract.json is a link that leads out of the repository: put the file itself there"
