"""Eleven changes as people make them, each over a repository of its own that says the same wherever the tests run."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from gitops.diff.command import diff
from tests.gitops.diff.repository import NODES, POD, Repository, applied, column, contract, lock, sealed

KEPT = {*NODES, "pipeline"}


def repository(root: Path) -> Repository:
    """One with an image, models, an owner and secrets of its own."""
    made = applied(root)
    made.git("switch", "--quiet", "main")
    for folder in (made.root / "overlays").iterdir():
        if folder.name not in KEPT:
            shutil.rmtree(folder)
    made.edit("site/site.yaml", "image: .*", "image: ghcr.io/acme/seldon-mlflow-server")
    made.edit("site/site.yaml", "url: .*", "url: https://github.com/acme/models")
    made.release("a")
    for digit, node in enumerate(NODES, 1):
        made.edit(f"overlays/{node}/node.yaml", "modelUri: .*", f"modelUri: s3://mlflow/artifacts/{node}")
        made.pin(node, str(digit))
        made.write(f"overlays/{node}/expected.json", ANSWER)
    store = "base/secrets/sealedsecret-object-store.yaml"
    made.write(
        store,
        sealed("seldon-init-container-secret", AWS_ACCESS_KEY_ID="AgOne", AWS_SECRET_ACCESS_KEY="AgTwo"),
    )
    made.commit()
    made.git("switch", "--quiet", "-C", "change")
    return made


ANSWER = """{
  "request": {"data": {"names": ["length", "width"], "ndarray": [[6.8, 2.8]]}},
  "response": {"data": {"names": ["class"], "ndarray": [[1]]}}
}
"""


def release(made: Repository) -> None:
    """Another image for all."""
    made.release("b")


def promotion(made: Repository) -> None:
    """Another version of a model, whose callers must know."""
    signature = contract()["signature"] | {
        "inputs": [column("length"), column("width", "long"), column("colour", "string")]
    }
    digest = made.pin("model", "9", signature=signature, requirements=["numpy==2.5.0", "scikit-learn==1.9.1"])
    made.write("overlays/model/requirements.lock", lock(digest, numpy="2.5.0", scipy="1.17"))
    made.write("overlays/model/expected.json", ANSWER.replace("[[1]]", "[[2]]"))


def scaling(made: Repository) -> None:
    """More replicas and memory, and one that is switched off."""
    made.patch(
        "model",
        {"op": "replace", "path": "/spec/predictors/0/replicas", "value": 3},
        {"op": "replace", "path": f"{POD}/containers/0/resources/requests/memory", "value": "2Gi"},
        {"op": "replace", "path": f"{POD}/containers/0/resources/limits/memory", "value": "2Gi"},
    )
    made.patch("preprocessor", {"op": "replace", "path": "/spec/predictors/0/replicas", "value": 0})


def new_overlay(made: Repository) -> None:
    """A deployment more."""
    shutil.copytree(made.root / "overlays/preprocessor", made.root / "overlays/scaler")
    for file in ("node.yaml", "kustomization.yaml"):
        text = made.read(f"overlays/scaler/{file}")
        made.write(f"overlays/scaler/{file}", text.replace("preprocessor", "scaler"))


def rename(made: Repository) -> None:
    """A folder of another name, and a deployment that goes."""
    shutil.rmtree(made.root / "overlays/pipeline")
    (made.root / "overlays/model").rename(made.root / "overlays/svm")
    shutil.rmtree(made.root / "overlays/postprocessor")


def canary(made: Repository) -> None:
    """A second predictor with a fifth of the requests and another model."""
    uri = f"{POD}/initContainers/0/args/1".replace("predictors/0", "predictors/1")
    made.patch(
        "model",
        {"op": "copy", "from": "/spec/predictors/0", "path": "/spec/predictors/1"},
        {"op": "replace", "path": "/spec/predictors/1/name", "value": "canary"},
        {"op": "add", "path": "/spec/predictors/0/traffic", "value": 80},
        {"op": "add", "path": "/spec/predictors/1/traffic", "value": 20},
        {"op": "replace", "path": uri, "value": "s3://mlflow/artifacts/next"},
    )


def network(made: Repository) -> None:
    """A policy that opens, and a claim that shrinks."""
    file = "components/network-policy/networkpolicy.yaml"
    made.edit(file, r"cidr: 0\.0\.0\.0/0\n +except: .*", "cidr: 0.0.0.0/0")
    made.edit("components/environment-cache/persistentvolumeclaim.yaml", "storage: 20Gi", "storage: 10Gi")


def protocol(made: Repository) -> None:
    """A deployment whose clients speak another protocol."""
    made.edit(
        "overlays/postprocessor/kustomization.yaml",
        "  - ../../base/node",
        "  - ../../base/node\n  - ../../components/open-inference-protocol",
    )


def argocd(made: Repository) -> None:
    """What is changed by hand stays, any repository may be applied, and the pipeline is switched on."""
    made.edit("argocd/application-secrets.yaml", "selfHeal: true", "selfHeal: false")
    made.edit("argocd/appproject.yaml", r"sourceRepos: \[<url>\]", 'sourceRepos: [<url>, "*"]')
    on = "elements: [{path: {path: overlays/pipeline}, spec: {deployment: graph-iris-pipeline}}]"
    made.edit("argocd/applicationset-deployments.yaml", r"elements: \[\]", on)


def secrets(made: Repository) -> None:
    """Sealed again with a key more, and a webhook's address in a variable of the server."""
    name = "seldon-init-container-secret"
    keys = {"AWS_ACCESS_KEY_ID": "AgOne", "AWS_SECRET_ACCESS_KEY": "AgThree", "AWS_REGION": "AgFour"}
    made.write("base/secrets/sealedsecret-object-store.yaml", sealed(name, **keys))
    hook = "https://hooks.slack.com/" + "services/T0/B0/hunter2"
    made.patch("model", {"op": "add", "path": f"{POD}/containers/0/args/-", "value": f"--notify={hook}"})


def broken(made: Repository) -> None:
    """A typing error, and a probe that goes."""
    made.edit("overlays/preprocessor/kustomization.yaml", "^resources:", "resource:")
    made.patch("postprocessor", {"op": "remove", "path": f"{POD}/containers/0/readinessProbe"})


EXAMPLES: dict[str, Callable[[Repository], None]] = {
    change.__name__.replace("_", "-"): change
    for change in (
        release,
        promotion,
        scaling,
        new_overlay,
        rename,
        canary,
        network,
        protocol,
        argocd,
        secrets,
        broken,
    )
}


@contextmanager
def changed(made: Repository, name: str) -> Iterator[str]:
    """Make a change, give its comment, and take it back."""
    if name == "network":
        # Components are judged by the overlays that use them.
        made.git("switch", "--quiet", "main")
        file = "overlays/postprocessor/kustomization.yaml"
        raw = yaml.safe_load(made.read(file))
        raw["components"] += ["../../components/network-policy", "../../components/environment-cache"]
        made.write(file, yaml.safe_dump(raw, sort_keys=False))
        made.commit()
        made.git("switch", "--quiet", "-C", "change")
    base = made.git("rev-parse", "HEAD").strip()
    EXAMPLES[name](made)
    out = io.StringIO()
    try:
        diff(made.root, "main", out, environ={})
    finally:
        made.git("reset", "--quiet", "--hard")
        made.git("clean", "--quiet", "--force", "-d")
    yield readable(out.getvalue(), base)


def readable(text: str, commit: str) -> str:
    """Return a comment without what is another in each run, and with the rendered lines left out."""
    text = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC", "2026-01-01 12:00 UTC", text)
    text = text.replace(commit[:7], "0123456")
    return re.sub(r"(?ms)^(`{3,})diff\n.*?^\1$", r"\1diff\n…\n\1", text)
