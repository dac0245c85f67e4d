"""What this machine and the cluster must have before a fork can serve, and the fix where something is missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import BadArgument, ClusterFailed, DoctorFailed, GithubFailed, GitopsError
from gitops.git import git
from gitops.github import gh
from gitops.manifests.site import read_site
from gitops.seal import certificate, kubeseal
from gitops.up.cluster import get, kubectl

GIT, GITHUB, ACTIONS, CLUSTER = "git remote", "gh", "GitHub Actions", "kubectl"
SEALED_SECRETS, ARGO_CD, SELDON_CORE = "Sealed Secrets", "Argo CD", "Seldon Core"
_PAGE = "docs/install.md"
RELEASE = "release.yml"
_ASK_AGAIN = "the cluster did not say: run this again, as who may read it"
# https://github.com/SeldonIO/seldon-core/blob/v1.17.1/helm-charts/seldon-core-operator/templates
_OPERATOR = "control-plane=seldon-controller-manager"


@dataclass(frozen=True)
class Part:
    """A part that must be there: ``look`` returns in a line what is, or raises with what is missing, ``fix`` brings it.

    ``needs`` is a part that it cannot be looked for without.
    """

    name: str
    look: Callable[[], str]
    fix: str
    needs: str = ""


def look(parts: tuple[Part, ...], missing: dict[str, str]) -> Iterator[str]:
    """Look for each of ``parts``, yield a line for each, and put those that are missing into ``missing``, each with its fix."""
    for part in parts:
        if part.needs in missing:
            missing[part.name] = f"{part.needs} first"
            yield f"  ?      {part.name}: cannot be looked for without {part.needs}"
            continue
        try:
            yield f"  ok     {part.name}: {part.look()}"
        except GitopsError as error:
            # An answer that fails says nothing of what is installed.
            silent = isinstance(error, ClusterFailed) and part.needs == CLUSTER
            missing[part.name] = _ASK_AGAIN if silent else part.fix
            yield f"  {'?' if silent else 'lacks':5}  {part.name}: {error}; {missing[part.name]}"


def parts(root: Path, repository: str) -> tuple[Part, ...]:
    """Return the parts that the fork below ``root``, ``repository`` on GitHub, needs."""
    return (
        Part(
            GIT,
            lambda: _remote(root),
            "make the fork on GitHub, and `git remote add origin https://github.com/OWNER/REPO`",
        ),
        Part(
            GITHUB,
            lambda: _github(repository),
            "`gh auth login` as who has the role Admin",
        ),
        Part(
            ACTIONS,
            lambda: _actions(repository),
            f"switch it on at https://github.com/{repository}/actions, where GitHub asks once in a fork",
            GITHUB,
        ),
        Part(
            CLUSTER,
            _cluster,
            "let KUBECONFIG lead to the cluster",
        ),
        Part(
            SEALED_SECRETS,
            _sealed_secrets,
            "install its controller, or say where it is by SEALED_SECRETS_CONTROLLER_NAMESPACE and …_NAME "
            f"({_PAGE}, Install the operators)",
            CLUSTER,
        ),
        Part(
            ARGO_CD, lambda: _argo_cd(root), f"install 3.3 or newer ({_PAGE}, Install the operators)", CLUSTER
        ),
        Part(SELDON_CORE, _seldon_core, f"install 1.17.1 ({_PAGE}, Install the operators)", CLUSTER),
    )


def _remote(root: Path) -> str:
    """Return the remote origin without the credentials that its URL may hold."""
    url = git(root, "remote", "get-url", "origin", fail=DoctorFailed).strip()
    scheme, separator, rest = url.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _github(repository: str) -> str:
    found = gh.api("GET", f"repos/{repository}")
    if not (found.get("permissions") or {}).get("admin", True):
        raise GithubFailed(f"{repository}: who is logged in does not have the role Admin")
    return f"may set {found['full_name']}"


def _actions(repository: str) -> str:
    """Return which workflows run: GitHub keeps those of a new fork off until somebody switches them on.

    https://docs.github.com/en/rest/actions/permissions and …/workflows
    """
    if not gh.api("GET", f"repos/{repository}/actions/permissions").get("enabled", True):
        raise GithubFailed("no workflow runs: Actions are off in this repository")
    found = gh.api("GET", f"repos/{repository}/actions/workflows?per_page=100")["workflows"]
    off = sorted(Path(entry["path"]).name for entry in found if entry["state"] != "active")
    if RELEASE in off:
        raise GithubFailed(f"{RELEASE}, which builds the image, is off: `gh workflow enable {RELEASE}`")
    if not found:
        return "on; GitHub knows no workflow yet, as before the first push, or in a fork where nobody has switched them on"
    return f"on{', but for ' + ', '.join(off) + ' (`gh workflow enable …`)' if off else ''}"


def _cluster() -> str:
    _, context = kubectl("config", "current-context")
    _, text = kubectl("version", "--output", "json")
    version = _field(text, "serverVersion", "gitVersion")
    return f"context {context.strip()}, Kubernetes {version}"


def _field(text: str, *keys: str) -> str:
    value: Any = json.loads(text)
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return str(value or "of an unknown version")


def _sealed_secrets() -> str:
    found = certificate.check(kubeseal.fetch(""), "what the controller answers")
    return f"its certificate is valid until {found.ends:%Y-%m-%d}"


def _argo_cd(root: Path) -> str:
    namespace = read_site(root).argocd_namespace
    for kind in ("applications", "applicationsets", "appprojects"):
        if _definition(f"{kind}.argoproj.io") is None:
            raise DoctorFailed(f"the kind {kind}.argoproj.io is not there")
    # A field that came with 3.3: its own kinds say what a running Argo CD knows, wherever its image comes from.
    listed = _definition("appprojects.argoproj.io", "spec", "clusterResourceWhitelist", "items")
    if "name" not in (listed or {}).get("properties", {}):
        raise DoctorFailed(
            "is older than 3.3: AppProject has no spec.clusterResourceWhitelist[].name, and drops it without a word"
        )
    if get("namespace", namespace) is None:
        raise DoctorFailed(f"there is no namespace {namespace}, where site/site.yaml says that it is")
    return f"3.3 or newer, in the namespace {namespace}"


def _seldon_core() -> str:
    if _definition("seldondeployments.machinelearning.seldon.io") is None:
        raise DoctorFailed("the kind seldondeployments.machinelearning.seldon.io is not there")
    found = get("deployments", "--all-namespaces", "--selector", _OPERATOR)
    running = [
        entry for entry in (found or {}).get("items", ()) if entry.get("status", {}).get("availableReplicas")
    ]
    if not running:
        raise DoctorFailed(f"no Deployment labelled {_OPERATOR} has an available replica")
    image = running[0]["spec"]["template"]["spec"]["containers"][0]["image"]
    return f"{image} in the namespace {running[0]['metadata']['namespace']}"


def _definition(name: str, *path: str) -> Mapping[str, Any] | None:
    """Return the CustomResourceDefinition, or what the schema of its stored version says of the field at ``path``."""
    found = get("customresourcedefinition", name)
    if found is None or not path:
        return dict(found) if found is not None else None
    (schema,) = (
        version["schema"]["openAPIV3Schema"] for version in found["spec"]["versions"] if version["storage"]
    )
    for key in path:
        schema = schema.get(key) or schema.get("properties", {}).get(key) or {}
    return dict(schema)


def repository(root: Path, owner: str, repo: str) -> str:
    """Return OWNER/REPO: as it is given, else that of the remote origin.

    Raises:
        BadArgument: neither says.
    """
    if owner and repo:
        return f"{owner}/{repo}"
    try:
        return gh.origin(root)
    except GitopsError as error:
        raise BadArgument(
            f"OWNER {owner!r}, REPO {repo!r}: the remote origin does not say what the repository is called on GitHub "
            f"({error}); give both, as in `make up OWNER=acme REPO=models BUCKET=acme-models`"
        ) from error
