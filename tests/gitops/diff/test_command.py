"""The whole command over real repositories: what a reviewer reads, and what is left alone."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitops import __main__ as command
from gitops.diff.command import diff
from gitops.errors import BadArgument, NoBase
from gitops.markdown import short
from tests.gitops.diff.repository import POD, Repository, column, contract, lock, section
from tests.project import ROOT

OVERLAYS = ("model", "pipeline", "postprocessor", "preprocessor")


def head(text: str) -> str:
    return text.partition("\n### ")[0]


def test_nothing_changes(repository: Repository, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    repository.write("docs/page.md", "text\n")
    repository.edit("overlays/model/kustomization.yaml", "^resources", "# a comment\nresources")
    output = tmp_path / "summary.md"
    caplog.set_level("INFO")
    assert repository.diff(output=output) == (0, "")
    assert output.read_text() == ""
    commit = repository.git("rev-parse", "--short=7", "main").strip()
    assert f"nothing that is rendered changes against main ({commit})" in caplog.messages


def test_a_program_reads_what_changes(repository: Repository, tmp_path: Path) -> None:
    repository.edit("overlays/model/kustomization.yaml", "^resources", "nameSuffix: -b\nresources")
    out = io.StringIO()
    assert diff(repository.root, "main", out, as_json=True) == 0
    content = json.loads(out.getvalue())
    assert (content["command"], content["ok"]) == ("diff", True)
    items = {item["place"]: item for item in content["items"]}
    changed = items["overlays/model"]
    assert (changed["level"], changed["id"]) == ("warning", "changed")
    assert "`/seldon/seldon/graph-iris-model` answers no more" in changed["breaking"]
    assert isinstance(changed["dangers"], list)
    repository.edit("overlays/model/kustomization.yaml", "^resources", "resourcez")
    out = io.StringIO()
    assert diff(repository.root, "main", out, as_json=True) == 1
    broken = json.loads(out.getvalue())
    assert broken["ok"] is False
    (item,) = (item for item in broken["items"] if item["place"] == "overlays/model")
    assert (item["level"], item["id"]) == ("error", "does not build")
    # The whole of kustomize's message.
    assert item["message"].startswith("Error: invalid Kustomization: ")
    assert 'unknown field "resourcez"' in item["message"]
    assert item["fix"] == "correct it until `make check` builds it"


def test_a_program_reads_the_findings_of_the_check_too(repository: Repository) -> None:
    repository.edit("overlays/model/node.yaml", "modelDigest: .*", "modelDigest: sha256:0")
    out = io.StringIO()
    assert diff(repository.root, "main", out, as_json=True, check=True) == 0
    (found,) = (item for item in json.loads(out.getvalue())["items"] if item["id"] == "model-digest")
    assert (found["level"], found["place"], found["before"]) == ("error", "overlays/model", "")
    assert "sha256:0" in found["message"]
    assert found["fix"]
    assert found["owner"]


def test_a_release_is_read_once(repository: Repository) -> None:
    old = repository.release("0")
    base = repository.commit()
    new = repository.release("1")
    status, text = repository.diff(base)
    assert status == 0
    names = ", ".join(f"`overlays/{overlay}`" for overlay in OVERLAYS)
    assert text.startswith(
        f"## What changes against `{base}`\n"
        "\n"
        "- **Deployments:** 4 change, 0 new, 0 gone\n"
        "- **Pods:** 6 restart; `graph-iris-model`, `graph-iris-pipeline`, `graph-iris-postprocessor` and 1 others have one "
        "replica: about 30 s without answers if the old pod goes first\n"
        "- **Asked for, of what changes:** CPU 3.5, memory 3.12 GiB, GPU 0, storage 0\n"
        f"- **Compared:** `{base[:7]}` → `{base[:7]}` and what is not committed, "
    )
    assert text.partition("judges\n\n")[2].startswith(
        "| kustomization | change | what changes |\n"
        "| --- | --- | --- |\n"
        f"| {names} | changed | image `sha256:000000000000…` → `sha256:111111111111…` |\n"
        "\n"
        f"### {names}: changed\n"
        "\n"
        "4 kustomizations change in the same way; what follows is `overlays/model`.\n"
        "\n"
        "| object | value | before | after |\n"
        "| --- | --- | --- | --- |\n"
        f"| `every container` | `image` | `{short(old)}` | `{short(new)}` |\n"
        "\n"
    )
    assert (
        text.count("<details><summary>Rendered difference of overlays/model, 44 lines</summary>\n\n```diff\n")
        == 1
    )
    assert text.count(f"\n-          image: {old}\n+          image: {new}\n") == 3


def test_another_model_and_what_it_breaks(repository: Repository) -> None:
    repository.pin("model", "1")
    repository.write("overlays/model/requirements.lock", lock("sha256:" + "1" * 64, numpy="2.4.6", six="1"))
    base = repository.commit()
    signature = contract()["signature"] | {
        "inputs": [column("length", "long"), column("a|b", required=False)]
    }
    digest = repository.pin(
        "model", "2", signature=signature, methods=["predict"], requirements=["numpy==2.5.0"]
    )
    repository.write("overlays/model/requirements.lock", lock(digest, numpy="2.5.0", six="1"))
    status, text = repository.diff(base)
    assert status == 0
    places = "`overlays/model`, `overlays/pipeline` (node `model`)"
    file = "overlays/model/contract.json"
    assert (
        head(text)
        .partition("judges\n\n")[2]
        .startswith(
            "> [!CAUTION]\n"
            "> **Breaking: whoever calls these models must know before the merge.**\n"
            ">\n"
            f"> - {places}: input column `length`: type `double` → `long` — `{file}:17`\n"
            f"> - {places}: input column `width` (`double`) is gone — `{file}:22`\n"
            f"> - {places}: method `decision_function` of the model is gone — `{file}:12`\n"
            "\n"
            "| kustomization | change | what changes |\n"
            "| --- | --- | --- |\n"
            "| `overlays/model` | changed, **breaking** | `model digest` of graph node `sha256:111111111111…` → "
            "`sha256:222222222222…`; "
        )
    )
    model = section(text, "overlays/model")
    assert f"| `graph node` | `model digest` | `sha256:{'1' * 12}…` | `{short(digest)}` |\n" in model
    assert (
        "**Model of `model`**\n"
        "\n"
        "- **breaking:** input column `length`: type `double` → `long`\n"
        "- **breaking:** input column `width` (`double`) is gone\n"
        "- **breaking:** method `decision_function` of the model is gone\n"
        "- input column `a|b` (`double`) is new, optional\n"
        "\n"
        "| package | before | after |\n"
        "| --- | --- | --- |\n"
        "| `numpy` (asked for by the model) | `2.4.6` | `2.5.0` |\n"
    ) in model
    # The graph is the same, and so not drawn.
    assert "mermaid" not in text
    assert "The model of `model` changes as in `overlays/model`, above." in section(text, "overlays/pipeline")
    assert "| `graph node model` | `model digest` |" in section(text, "overlays/pipeline")


def test_a_new_overlay(repository: Repository) -> None:
    shutil.copytree(repository.root / "overlays/preprocessor", repository.root / "overlays/scaler")
    for file in ("node.yaml", "kustomization.yaml"):
        repository.write(
            f"overlays/scaler/{file}",
            repository.read(f"overlays/scaler/{file}").replace("preprocessor", "scaler"),
        )
    status, text = repository.diff()
    assert status == 0
    assert "| `overlays/scaler` | new | `graph-iris-scaler` |" in head(text)
    assert "Breaking" not in text
    new = section(text, "overlays/scaler")
    assert new.startswith(
        "`overlays/scaler`: new\n\n| what | is |\n| --- | --- |\n| SeldonDeployment | `graph-iris-scaler` in namespace `seldon` |\n"
    )
    for line in (
        "| predictor | `scaler`, without orchestrator, replicas 1 |",
        "| graph node `scaler` | `TRANSFORMER` `model_uri=/mnt/models`, `xtype=DataFrame` |",
        "| `scaler`: flavours | `python_function`, `sklearn 1.9.1` |",
        "| `scaler`: inputs | `length` `double`, `width` `double` |",
        "| `scaler`: requirements | `numpy==2.4.6`, `scikit-learn==1.9.1` |",
        "| secrets that it refers to | `mrx-ghcr`, `seldon-init-container-secret` |",
        "+++ SeldonDeployment graph-iris-scaler",
    ):
        assert f"\n{line}\n" in new


def test_an_overlay_that_goes(repository: Repository) -> None:
    shutil.rmtree(repository.root / "overlays/pipeline")
    status, text = repository.diff()
    assert status == 0
    assert (
        "> - `overlays/pipeline`: `/seldon/seldon/graph-iris-pipeline` answers no more — `overlays/pipeline/"
        in head(text)
    )
    assert "| `overlays/pipeline` | gone, **breaking** | `graph-iris-pipeline` goes |" in head(text)
    line = "<details><summary>overlays/pipeline goes: graph-iris-pipeline in namespace seldon</summary>"
    gone = text.partition(line)[2]
    assert "| SeldonDeployment | `graph-iris-pipeline` in namespace `seldon` |" in gone
    # Nobody reads its lines one by one.
    assert "```" not in gone


def test_an_overlay_that_moves_is_answered_on(repository: Repository) -> None:
    (repository.root / "overlays/pipeline").rename(repository.root / "overlays/chain")
    _, text = repository.diff()
    assert "Breaking" not in text
    assert "| `overlays/chain` | renamed | was `overlays/pipeline` |" in text
    assert "gone |" not in text
    assert "```diff" not in text


def test_a_deployment_of_another_name(repository: Repository) -> None:
    repository.edit("overlays/postprocessor/node.yaml", "deployment: .*", "deployment: other")
    shutil.rmtree(repository.root / "overlays/pipeline")
    _, text = repository.diff()
    assert (
        "> - `overlays/postprocessor`: `/seldon/seldon/graph-iris-postprocessor` answers no more — "
        "`overlays/postprocessor/node.yaml:9`\n" in head(text)
    )
    changed = section(text, "overlays/postprocessor")
    assert "| `SeldonDeployment` | `metadata.name` | `graph-iris-postprocessor` | `other` |" in changed


def test_a_graph_that_changes_is_drawn_twice(repository: Repository) -> None:
    file = "overlays/pipeline/seldondeployment.yaml"
    repository.edit(file, "type: OUTPUT_TRANSFORMER", "type: TRANSFORMER")
    _, text = repository.diff()
    pipeline = section(text, "overlays/pipeline")
    before, after = pipeline.partition("Graph after:")[::2]
    assert "postprocessor<br>OUTPUT_TRANSFORMER<br>" in before.partition("Graph before:")[2]
    assert "postprocessor<br>TRANSFORMER<br>" in after
    assert "graph type: `OUTPUT_TRANSFORMER` → `TRANSFORMER`, so another method is called" in head(text)


def test_the_work_tree_does_not_build(repository: Repository) -> None:
    repository.edit("overlays/preprocessor/kustomization.yaml", "^resources:", "resource:")
    repository.patch(
        "model", {"op": "add", "path": f"{POD}/containers/0/resources/limits/memory", "value": "3Gi"}
    )
    status, text = repository.diff()
    assert status == 1
    assert "| `overlays/preprocessor` | does not build |" in head(text)
    broken = section(text, "overlays/preprocessor")
    assert broken.startswith(
        "`overlays/preprocessor`: does not build\n\nDoes not build in the work tree:\n\n```\nError: invalid Kustomization: "
    )
    assert 'unknown field "resource"' in broken
    assert "<details><summary>What it renders without the change</summary>" in broken
    # The others are there all the same.
    assert "| `server` | `resources.limits.memory` | `1Gi` | `3Gi` |" in section(text, "overlays/model")
    assert "Breaking" not in text
    assert str(repository.root) not in text


def test_the_base_does_not_build(repository: Repository) -> None:
    good = repository.read("overlays/postprocessor/kustomization.yaml")
    repository.write("overlays/postprocessor/kustomization.yaml", "resources: [absent.yaml]\n")
    base = repository.commit()
    repository.write("overlays/postprocessor/kustomization.yaml", good)
    status, text = repository.diff(base)
    assert status == 0
    # The pipeline, which is composed of it, did not build for the same reason, and is another one now.
    for folder in ("overlays/pipeline", "overlays/postprocessor"):
        assert f"| `{folder}` | builds again |" in head(text)
    repaired = section(text, "overlays/postprocessor")
    assert (
        f"Does not build in {base}:\n\n```\noverlays/postprocessor/kustomization.yaml: resources[0] is 'absent.yaml', which is "
        "not there; "
    ) in repaired
    assert "| SeldonDeployment | `graph-iris-postprocessor` in namespace `seldon` |" in repaired


def test_the_same_failure_of_several_is_read_once(repository: Repository) -> None:
    shutil.rmtree(repository.root / "overlays/pipeline")
    repository.commit()
    repository.write("base/kustomization.yaml", "resources: [")
    status, text = repository.diff("HEAD")
    assert status == 1
    assert text.count("Does not build in the work tree") == 1
    assert "### `overlays/model`, `overlays/postprocessor`, `overlays/preprocessor`: does not build" in text


def test_what_did_not_build_before_and_is_left_alone_is_no_change(repository: Repository) -> None:
    repository.write("overlays/broken/kustomization.yaml", "resources: [absent.yaml]\n")
    base = repository.commit()
    assert repository.diff(base) == (0, "")


def sealed(**values: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "metadata": {"name": "store", "namespace": "seldon"},
            "spec": {"encryptedData": values},
        }
    )


def test_sealed_secrets_by_the_names_of_their_keys(repository: Repository) -> None:
    repository.write("sealed/kustomization.yaml", "resources: [store.yaml]\n")
    repository.write("sealed/store.yaml", sealed(same="AgSame", changed="AgOld", gone="AgGone"))
    base = repository.commit()
    repository.write("sealed/store.yaml", sealed(same="AgSame", changed="AgNew", new="AgAdded"))
    _, text = repository.diff(base)
    assert (
        "| `sealed` | changed | `SealedSecret store` `key changed` `(not shown)` → `(sealed anew, "
        in head(text)
    )
    assert (
        "| `SealedSecret store` | `key changed` | `(not shown)` | `(sealed anew, the same or another value)` |\n"
        "| `SealedSecret store` | `key gone` | `(not shown)` | — |\n"
        "| `SealedSecret store` | `key new` | — | `(not shown)` |\n"
    ) in section(text, "sealed")
    assert "Ag" not in text.replace("Against", "")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(), st.sampled_from(["changes", "comes", "goes", "breaks", "is patched wrongly", "is copied"])
)
def test_no_sealed_value_is_ever_written(repository: Repository, seed: int, how: str) -> None:
    values = [base64.b64encode(Random(f"{seed}{place}").randbytes(520)).decode() for place in range(2)]
    repository.write("sealed/kustomization.yaml", "resources: [store.yaml]\n")
    repository.write("sealed/store.yaml", sealed(key=values[0]))
    if how == "comes":
        repository.write("sealed/kustomization.yaml", "resources: []\n")
    base = repository.commit()
    repository.write("sealed/kustomization.yaml", "resources: [store.yaml]\n")
    repository.write("sealed/store.yaml", sealed(key=values[1]))
    if how == "goes":
        repository.write("sealed/kustomization.yaml", "resources: []\n")
    elif how == "breaks":
        repository.write("sealed/store.yaml", sealed(key=values[1]) + f" key: {values[0]}\n")
    elif how == "is patched wrongly":
        patch = [{"op": "test", "path": "/spec/encryptedData/key", "value": values[0]}]
        target = {"kind": "SealedSecret"}
        raw = {"resources": ["store.yaml"], "patches": [{"target": target, "patch": yaml.safe_dump(patch)}]}
        repository.write("sealed/kustomization.yaml", yaml.safe_dump(raw))
    elif how == "is copied":
        repository.write(
            "sealed/kustomization.yaml", f"resources: [store.yaml]\ncommonAnnotations: {{a: {values[1]}}}\n"
        )
    output = repository.root.parent / "whole.md"
    _, text = repository.diff(base, output=output)
    assert "sealed" in text
    for value in values:
        for start in range(0, len(value) - 40, 40):
            assert value[start : start + 40] not in text + output.read_text()


def test_a_secret_that_others_refer_to(repository: Repository) -> None:
    value = [{"secretRef": {"name": "hub"}}]
    repository.patch("model", {"op": "add", "path": f"{POD}/initContainers/1/envFrom", "value": value})
    _, text = repository.diff()
    assert "| `environment` | `envFrom[secretRef hub].secretRef.name` | — | `hub` |" in section(
        text, "overlays/model"
    )


def test_a_comment_fits_and_the_summary_is_whole(repository: Repository, tmp_path: Path) -> None:
    repository.release("1")
    for node in ("model", "preprocessor"):
        repository.pin(node, "3")
    status, whole = repository.diff()
    assert status == 0
    output = tmp_path / "summary.md"
    _, text = repository.diff(limit=6_000, output=output)
    assert len(text) <= 6_000 < len(whole)
    assert section(output.read_text(), "overlays/model") == section(whole, "overlays/model")
    assert head(text).partition("| ---")[2] == head(whole).partition("| ---")[2]
    # Said before anything that might be taken for all.
    above = text.partition("| kustomization |")[0]
    assert "> Too long for here, so left out: the differences of `overlays/" in above
    assert (
        "It is in the summary of the job, and `make diff BASE=… OUTPUT=FILE` writes it to a file.\n" in above
    )


@pytest.mark.parametrize("change", ["none", "some"])
def test_neither_the_work_tree_nor_the_index_is_touched(repository: Repository, change: str) -> None:
    if change == "some":
        repository.release("1")
        repository.write("overlays/model/untracked.yaml", "a: 1\n")
        repository.git("add", "base")
        # Git would refresh its index on the way if it looked at the work tree.
        os.utime(repository.root / "overlays/model/node.yaml")
    before = repository.state()
    repository.diff()
    assert repository.state() == before


@pytest.mark.parametrize(("base", "error"), [("absent", BadArgument), ("", BadArgument)])
def test_nothing_is_written_where_there_is_no_base(
    repository: Repository, tmp_path: Path, base: str, error: type[Exception]
) -> None:
    before = repository.state()
    with pytest.raises(error):
        repository.diff(base, output=tmp_path / "summary.md")
    assert not (tmp_path / "summary.md").exists()
    assert repository.state() == before


def test_a_copy_of_the_files_without_git(repository: Repository) -> None:
    shutil.rmtree(repository.root / ".git")
    with pytest.raises(NoBase, match="run this in a clone of the repository"):
        repository.diff()


def test_a_limit_that_nothing_fits_in(repository: Repository) -> None:
    with pytest.raises(BadArgument) as caught:
        repository.diff(limit=100)
    assert str(caught.value) == "limit 100: must be 4000 characters or more, or not even the notes fit"


def test_an_output_that_cannot_be_written(repository: Repository, tmp_path: Path) -> None:
    repository.release("1")
    with pytest.raises(BadArgument) as caught:
        repository.diff(output=tmp_path / "absent/summary.md")
    assert str(caught.value) == (
        f"output {tmp_path}/absent/summary.md: cannot be written (No such file or directory); name a file that can"
    )


def test_the_command_line_says_what_is_wrong_in_one_line(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ROOT", repository.root)
    assert command.main(["diff", "--base", "no/such/revision"]) == BadArgument.exit_code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "error: base 'no/such/revision': names no commit of this repository; give a branch, a tag or a commit id "
        "(`git branch --all` and `git log` show them), and fetch it if it is not here yet\n"
    )


def test_a_kustomize_that_cannot_be_had(repository: Repository) -> None:
    for name in ("gitops", "server", "tools"):
        shutil.copytree(ROOT / name, repository.root / name)
    lines = repository.read("tools/go.mod").splitlines(keepends=True)
    repository.write("tools/go.mod", "".join(line for line in lines if "kustomize" not in line))
    done = subprocess.run(
        [sys.executable, "-m", "gitops", "diff", "--base", "main"],
        cwd=repository.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("error: no tool 'kustomize': tools/go.mod has ")


def test_a_folder_of_another_name_is_the_same_overlay(repository: Repository) -> None:
    shutil.rmtree(repository.root / "overlays/pipeline")
    repository.commit()
    (repository.root / "overlays/model").rename(repository.root / "overlays/svm")
    _, text = repository.diff("HEAD")
    assert "- **Deployments:** 0 change, 0 new, 0 gone\n" in text
    assert text.endswith(
        "| `overlays/svm` | renamed | was `overlays/model` |\n\n"
        "### `overlays/svm`: renamed\n\nThe folder was `overlays/model`.\n"
    )


def test_a_folder_and_a_deployment_of_another_name(repository: Repository) -> None:
    shutil.rmtree(repository.root / "overlays/pipeline")
    repository.commit()
    (repository.root / "overlays/model").rename(repository.root / "overlays/svm")
    repository.edit("overlays/svm/node.yaml", "deployment: .*", "deployment: svm")
    _, text = repository.diff("HEAD")
    assert "`/seldon/seldon/graph-iris-model` answers no more" in text
    # What is named after it goes along.
    assert "Danger" not in text
    assert "lost" not in text
    assert (
        "| `overlays/svm` | renamed, **breaking** | was `overlays/model`; `metadata.name` `graph-iris-model` → `svm`"
        in text
    )


def test_another_namespace_is_one_row(repository: Repository) -> None:
    shutil.rmtree(repository.root / "overlays/pipeline")
    repository.commit()
    repository.edit(
        "overlays/model/kustomization.yaml", "^kind: Kustomization$", "kind: Kustomization\nnamespace: other"
    )
    _, text = repository.diff("HEAD")
    moved = section(text, "overlays/model")
    table = [line for line in moved.splitlines() if line.startswith("| `")]
    assert table == ["| `SeldonDeployment` | `metadata.namespace` | `seldon` | `other` |"]
    assert "- **Deployments:** 1 change, 0 new, 0 gone\n" in text


def test_another_site_is_a_change_of_each_overlay_that_it_fills(repository: Repository) -> None:
    repository.commit()
    repository.edit("site/site.yaml", "^  image: .*", "  image: ghcr.io/acme/seldon-mlflow-server")
    _, text = repository.diff("HEAD")
    assert "- **Deployments:** 4 change, 0 new, 0 gone\n" in text
    model = section(text, "overlays/model")
    assert "`ghcr.io/owner/seldon-mlflow-server@" in model
    assert "`ghcr.io/acme/seldon-mlflow-server@" in model


def test_another_alias_to_follow(repository: Repository) -> None:
    shutil.rmtree(repository.root / "overlays/pipeline")
    repository.commit()
    file = "overlays/model/node.yaml"
    repository.write(file, repository.read(file) + "  modelFrom: models:/iris@champion\n")
    _, text = repository.diff("HEAD")
    assert "| `overlays/model` | changed | `modelFrom` of graph node — → `models:/iris@champion` |" in text
    assert "**Pods:** none restarts" in text
