"""The report in a pull request: links to its head, the check's findings, Applications, and who rendered it."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gitops.diff.command import diff
from gitops.errors import BadArgument
from gitops.markdown import read_state
from gitops.release.pin import pin
from tests.gitops.diff.repository import POD, Repository, applied


@pytest.fixture(scope="module")
def with_argocd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return applied(tmp_path_factory.mktemp("applied") / "repository").root


@pytest.fixture
def repository(with_argocd: Path, tmp_path: Path) -> Repository:
    return Repository(shutil.copytree(with_argocd, tmp_path / "repository", symlinks=True))


def review(
    repository: Repository, environ: Mapping[str, str] | None = None, *, check: bool = False
) -> tuple[str, str]:
    """Return the report against main, and the annotations."""
    out, annotations = io.StringIO(), io.StringIO()
    diff(repository.root, "main", out, check=check, environ=environ, annotations=annotations)
    return out.getvalue(), annotations.getvalue()


def job(repository: Repository, folder: Path, base: str = "main") -> dict[str, str]:
    """The variables of a job for a pull request whose head is the commit before the merge."""
    head = repository.git("rev-parse", "HEAD").strip()
    event = folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"sha": head}, "base": {"ref": base}}}))
    return {
        "GITHUB_REPOSITORY": "acme/models",
        "GITHUB_RUN_ID": "5",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_EVENT_PATH": str(event),
    }


def table(text: str) -> str:
    return text.partition("| Application |")[2].partition("\n\n")[0]


def test_links_lead_to_the_line_at_the_head_commit(repository: Repository, tmp_path: Path) -> None:
    path = "/spec/predictors/0/replicas"
    repository.patch("model", {"op": "replace", "path": path, "value": 0})
    head = repository.commit()
    environ = job(repository, tmp_path)
    # The merge with a base that has moved on: the line stands elsewhere in it.
    text = repository.read("overlays/model/kustomization.yaml")
    line = next(number for number, said in enumerate(text.splitlines(), 1) if "value: 0" in said)
    repository.write("overlays/model/kustomization.yaml", f"# one\n# two\n{text}")
    repository.commit()
    said, _ = review(repository, environ)
    file = "overlays/model/kustomization.yaml"
    assert (
        f"> - `overlays/model`: replicas of `model` `1` → `0`: nothing answers — [`{file}:{line}`]"
        f"(https://github.example/acme/models/blob/{head}/{file}#L{line})\n"
    ) in said
    base = repository.git("rev-parse", "main").strip()
    commits = "https://github.example/acme/models/commit"
    assert f"- **Compared:** [`{base[:7]}`]({commits}/{base}) → [`{head[:7]}`]({commits}/{head}), " in said
    assert ", [run](https://github.example/acme/models/actions/runs/5)" in said
    assert said.startswith(f"## What changes against `main ({base[:7]})`\n")
    state = read_state(said)
    assert state is not None
    assert (state.base, state.head, set(state.changes)) == ("main", head, {"overlays/model"})


@pytest.mark.long
def test_what_the_check_finds_is_told_and_shown_beside_its_line(repository: Repository) -> None:
    file = "overlays/model/node.yaml"
    repository.edit(file, "modelDigest: .*", "modelDigest: latest")
    said, annotations = review(repository, check=True)
    assert re.search(r"^- \*\*Check:\*\* \*\*\d+ errors?\*\*.* by this change", said, re.M)
    assert "### Check\n\n```\nerror[" in said
    assert re.search(
        rf"^::error file={file},line=\d+,title=[a-z-]+ overlays/model::.*latest.*%0Afix: ", annotations, re.M
    )
    assert all(
        re.match(r"::(error|warning) file=[^:,]+,line=[1-9]", line) for line in annotations.splitlines()
    )


@pytest.mark.long
def test_what_was_found_before_is_not_this_changes_fault(repository: Repository) -> None:
    repository.git("switch", "--quiet", "main")
    repository.edit("overlays/model/node.yaml", "modelDigest: .*", "modelDigest: latest")
    repository.commit()
    repository.git("switch", "--quiet", "-C", "change")
    repository.patch("preprocessor", {"op": "replace", "path": "/spec/predictors/0/replicas", "value": 2})
    said, annotations = review(repository, check=True)
    assert re.search(r"- \*\*Check:\*\* nothing by this change, \d+ findings? that", said)
    assert annotations == ""
    assert "of the check that the base has too</summary>" in said


def test_a_pipeline_that_is_switched_off_and_on(repository: Repository) -> None:
    file = "argocd/applicationset-deployments.yaml"
    on = "elements: [{path: {path: overlays/pipeline}, spec: {deployment: graph-iris-pipeline}}]"
    repository.edit(file, r"elements: \[\]", on)
    said, _ = review(repository)
    assert table(said).splitlines()[2:] == [
        "| `graph-iris-pipeline` | new | — | `overlays/pipeline → namespace seldon` |"
    ]
    # To the cluster the deployment is new, whatever its folder was before.
    assert "- **Deployments:** 0 change, 1 new, 0 gone\n- **Pods:** 3 more\n" in said
    assert "| `overlays/pipeline` | new | `graph-iris-pipeline` |" in said
    repository.git("switch", "--quiet", "main")
    repository.commit()
    repository.git("switch", "--quiet", "-C", "off")
    repository.edit(file, r"elements: \[\{.*", "elements: []")
    said, _ = review(repository)
    assert (
        "> - Application `graph-iris-pipeline` goes: `overlays/pipeline → namespace seldon` is applied no more"
        in said
    )
    assert "| `graph-iris-pipeline` | gone | " in table(said)
    assert "- **Deployments:** 0 change, 0 new, 1 gone\n- **Pods:** 3 fewer\n" in said


@pytest.mark.parametrize(
    ("file", "pattern", "new", "rows"),
    [
        (
            "overlays/model/node.yaml",
            "deployment: .*",
            "deployment: other",
            ["`graph-iris-model → other` | renamed"],
        ),
        (
            "site/site.yaml",
            "^  namespace: seldon",
            "  namespace: other",
            [
                *(f"`graph-iris-{node}` | moved" for node in ("model", "postprocessor", "preprocessor")),
                "`seldon-secrets` | moved",
            ],
        ),
        (
            "argocd/application-secrets.yaml",
            "path: .*",
            "path: base/other",
            ["`seldon-secrets` | other folder"],
        ),
        ("argocd/application-secrets.yaml", "limit: 10", "limit: 9", []),
    ],
    ids=["renamed", "moved", "other-folder", "the-same"],
)
def test_what_becomes_of_an_application(
    repository: Repository, file: str, pattern: str, new: str, rows: list[str]
) -> None:
    repository.edit(file, pattern, new)
    said, _ = review(repository)
    assert [" | ".join(line.strip("| ").split(" | ")[:2]) for line in table(said).splitlines()[2:]] == rows


def test_what_no_application_applies_is_folded_at_the_end(repository: Repository) -> None:
    value = {"op": "add", "path": f"{POD}/containers/0/resources/limits/memory", "value": "3Gi"}
    repository.patch("model", value)
    said, _ = review(repository)
    assert "- **Deployments:** 1 change, 0 new, 0 gone\n" in said
    assert "<details><summary>1 kustomization changes that no Application applies</summary>" in said
    assert said.index("### `overlays/model`") < said.index(
        "<details><summary>overlays/pipeline: changed; no Application applies it</summary>"
    )


def test_a_change_that_renders_itself_says_so_on_top(repository: Repository, tmp_path: Path) -> None:
    repository.write("gitops/diff/rows.py", "# nothing changes\n")
    repository.write("tools/go.mod", "require sigs.k8s.io/kustomize/kustomize/v5 v5.9.0\n")
    said, _ = review(repository, job(repository, tmp_path))
    above = said.partition("| kustomization |")[0]
    assert (
        "> This was rendered by the code of the change itself, which touches `gitops/diff/rows.py`, `tools/go.mod`: "
        in above
    )
    assert "kustomize of no version → 5.9.0" in above
    # Outside of a pull request there is nobody to be warned.
    assert review(repository)[0] == ""


@pytest.mark.long
def test_an_image_of_one_overlay_changes_that_overlay_and_its_node_of_a_graph(repository: Repository) -> None:
    list(pin(repository.root, f"sha256:{'1' * 64}"))
    repository.commit()
    list(pin(repository.root, f"sha256:{'2' * 64}", None, "model"))
    report = io.StringIO()
    diff(repository.root, "HEAD", report, check=True)
    change = "image `sha256:111111111111…` → `sha256:222222222222…`"
    assert f"| `overlays/model` | changed | {change} |" in report.getvalue()
    assert f"| `overlays/pipeline` | changed | {change} |" in report.getvalue()
    assert "| `every container of model` | `image` |" in report.getvalue()
    assert "`overlays/preprocessor`" not in report.getvalue()
    assert "nothing by this change" in report.getvalue()


@pytest.mark.parametrize(
    "file", ["yaml.py", "numpy/__init__.py", "GNUmakefile", "uv.toml", ".github/workflows/other.yml"]
)
def test_a_file_that_could_render_or_write_the_comment_is_named(
    repository: Repository, tmp_path: Path, file: str
) -> None:
    repository.write(file, "# new\n")
    repository.commit()
    said, _ = review(repository, job(repository, tmp_path))
    assert f"rendered by the code of the change itself, which touches `{file}`: " in said


@pytest.mark.parametrize("file", ["README.md", "tests/gitops/test_new.py", "docs/new.py", "Dockerfile"])
def test_other_files_do_not_render_it(repository: Repository, tmp_path: Path, file: str) -> None:
    repository.write(file, "# new\n")
    repository.commit()
    assert review(repository, job(repository, tmp_path)) == ("", "")


def test_findings_as_sarif_for_code_scanning(repository: Repository, tmp_path: Path) -> None:
    # One of the base, and one of this change.
    repository.patch("preprocessor", {"op": "remove", "path": f"{POD}/containers/0/livenessProbe"})
    repository.git("branch", "--force", "main", repository.commit())
    repository.edit("overlays/model/node.yaml", "modelDigest: .*", "modelDigest: sha256:0")
    file = tmp_path / "check.sarif"
    diff(repository.root, "main", io.StringIO(), check=True, sarif=file)
    (run,) = json.loads(file.read_text())["runs"]
    found = {
        (result["ruleId"], result["level"], *place(result)): result["message"]["text"]
        for result in run["results"]
    }
    line = repository.read("overlays/model/node.yaml").splitlines().index("  modelDigest: sha256:0") + 1
    message = found["model-digest", "error", "overlays/model/node.yaml", line]
    assert "by sha256:0\n" in message
    assert "\nfix: " in message
    assert any(rule == "probes" for rule, *_ in found)
    rules = {rule["id"]: rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"]}
    assert rules.keys() == {result["ruleId"] for result in run["results"]}
    assert rules["model-digest"] == "A model is pinned by its content's digest: fetch refuses any other bytes"


def test_sarif_escapes_what_is_no_link_and_no_uri(repository: Repository, tmp_path: Path) -> None:
    repository.patch("model", {"op": "remove", "path": f"{POD}/containers/0/livenessProbe"})
    (repository.root / "overlays/model").rename(repository.root / "overlays/a b")
    file = tmp_path / "check.sarif"
    diff(repository.root, "main", io.StringIO(), check=True, sarif=file)
    (run,) = json.loads(file.read_text())["runs"]
    assert any(place(result)[0].startswith("overlays/a%20b/") for result in run["results"])
    texts = [result["message"]["text"] for result in run["results"]]
    assert any(r"spec.predictors\[0\]" in text for text in texts)


def place(result: dict[str, Any]) -> tuple[str, int]:
    (entry,) = result["locations"]
    at = entry["physicalLocation"]
    return at["artifactLocation"]["uri"], at["region"]["startLine"]


def test_findings_that_are_not_asked_for_cannot_be_written(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(BadArgument) as refused:
        diff(repository.root, "main", io.StringIO(), sarif=tmp_path / "check.sarif")
    assert str(refused.value) == (
        "SARIF without CHECK=1: the findings of the check are what is written there; give both"
    )
