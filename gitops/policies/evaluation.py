"""The table of all policies, and a tree judged by them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from gitops.errors import BadManifest, GitopsError
from gitops.manifests.dependencies import Dependencies
from gitops.manifests.rendered import BASE, Rendered
from gitops.manifests.tree import Tree, load
from gitops.policies import (
    answers,
    argocd,
    contracts,
    flux,
    graph,
    images,
    models,
    mounts,
    names,
    patches,
    pods,
    predictors,
    rendering,
    schemas,
    sealed_secrets,
    secret_keys,
    secrets,
    skew,
    targets,
)
from gitops.policies.policy import Finding, Policy, Subject, Violation, grouped

# Policies that the others rely on; policies over the whole tree; policies folder by folder.
SHAPE_POLICIES: tuple[Policy[Tree], ...] = (
    patches.merge_patch,
    rendering.build,
    rendering.shape,
    schemas.schema,
)
TREE_POLICIES: tuple[Policy[Tree], ...] = (
    rendering.overlay,
    rendering.placeholder,
    rendering.node_place,
    rendering.submodule,
    rendering.lfs_pointer,
    targets.target,
    images.image_released,
    images.argocd_version,
    skew.image_interface,
    skew.skew,
    contracts.contract_digest,
    contracts.contract_changed,
    contracts.contract_present,
    contracts.lock_digest,
    contracts.lock_content,
    contracts.lock_present,
    answers.expected_answer,
    answers.answer_compared,
    answers.answer_tolerance,
    answers.answer_model,
    answers.graph_answer_model,
    answers.answer_names,
    graph.neighbours,
    secrets.secret_declared,
    secrets.secret_scope,
    secret_keys.secret_keys,
    secret_keys.identity_keys,
    secret_keys.identity_value,
    mounts.mount_declared,
    mounts.lock_mounted,
    sealed_secrets.sealed_value,
    sealed_secrets.sealed_namespace,
    sealed_secrets.certificate_valid,
    sealed_secrets.demo_certificate,
    sealed_secrets.demo_secret,
    argocd.application_coverage,
    argocd.application_name,
    argocd.application_overlap,
    argocd.application_project,
    argocd.sops_plugin,
    argocd.orchestrator_namespace,
    argocd.orchestrator_opt_in,
    flux.flux_coverage,
    pods.service_account_declared,
)
FOLDER_POLICIES: tuple[Policy[Rendered], ...] = (
    rendering.one_deployment,
    rendering.namespace,
    names.folder_name,
    names.deployment_name,
    names.init_container_name,
    names.service_type,
    names.operator_env,
    predictors.predictor_name,
    predictors.traffic,
    predictors.shadow,
    predictors.protocol,
    predictors.graph_protocol,
    predictors.smoke_protocol,
    predictors.endpoint_type,
    predictors.no_engine,
    graph.node_container,
    graph.container_node,
    graph.node_type,
    graph.logger_mode,
    graph.output_transformer,
    graph.parameter_type,
    predictors.route_backend,
    images.image_digest,
    images.operator_image,
    models.model_digest,
    models.model_uri,
    models.node_values,
    pods.privileged,
    pods.host_access,
    pods.root_user,
    pods.root_filesystem,
    pods.capabilities,
    pods.seccomp,
    pods.resources,
    pods.model_processes,
    pods.probes,
    pods.service_account_token,
    pods.service_links,
    mounts.config_map_size,
    mounts.config_map_growth,
    secrets.secret_value,
    secrets.identity_webhook,
    secret_keys.secret_source,
    secrets.sealed_scope,
    argocd.operator_kind,
)
POLICIES = (*SHAPE_POLICIES, *TREE_POLICIES, *FOLDER_POLICIES)


def evaluate(
    root: Path, before: Path | None = None, name: str = "", *, warnings: bool = False
) -> tuple[Tree, list[Finding]]:
    """Return the tree below ``root`` and what breaks its policies, with the findings of one cause as one.

    What the tree below ``before`` has too carries its ``name``. That tree is judged where errors are found, with
    ``warnings`` where anything is.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    tree = load(root, before)
    found = list(_once(tree, findings(tree)))
    if before and any(warnings or finding.fails for finding in found):
        known = {finding.identity for finding in findings(load(before))}
        found = [replace(finding, before=name) if finding.identity in known else finding for finding in found]
    return tree, grouped(sorted(found, key=lambda finding: finding.folder))


def _once(tree: Tree, found: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings, of a component that is tried upon an overlay only those that the overlay does not have."""
    entries = list(found)
    message = {entry.identity for entry in entries}
    for entry in entries:
        if (tree.compositions.get(entry.folder, ""), *entry.identity[1:]) not in message:
            yield entry


def findings(
    tree: Tree,
    shape_policies: Iterable[Policy[Tree]] = SHAPE_POLICIES,
    tree_policies: Iterable[Policy[Tree]] = TREE_POLICIES,
    folder_policies: Sequence[Policy[Rendered]] = FOLDER_POLICIES,
) -> Iterator[Finding]:
    """Yield what breaks the policies: what concerns the whole tree first, then folder by folder.

    A folder with an object that is not of its kind's shape is judged no further: the policies rely on it.
    Where a patch has replaced a list, that alone is said of it.
    """
    misshapen: set[str] = set()
    patched: set[str] = set()
    for policy in shape_policies:
        for finding in _evaluate(policy, tree, ""):
            if policy is patches.merge_patch:
                patched |= {finding.folder, *_made_of(tree, finding.folder)}
            else:
                misshapen.add(finding.folder)
                if finding.folder in patched:
                    # The list that is gone is the cause.
                    tree.failures.setdefault(finding.folder, BadManifest(finding.violation.value))
                    continue
            yield finding
    sound = tree.without(misshapen)
    for policy in tree_policies:
        yield from _evaluate(policy, sound, "")
    for folder, rendered in sound.rendered.items():
        if folder != BASE:
            for folder_policy in folder_policies:
                yield from _evaluate(folder_policy, rendered, folder)


def _made_of(tree: Tree, folder: str) -> set[str]:
    """Return the other kustomizations that are made of the one in ``folder``."""
    dependencies = Dependencies(tree.root, tree.kustomizations)
    file = tree.kustomizations[folder].file
    return {other for other in tree.kustomizations if other != folder and file in dependencies.files(other)}


def causes(tree: Tree, found: Iterable[Finding]) -> dict[str, str]:
    """Return the kustomizations that are not judged for the fault of another, by which of them that is."""
    patched = [finding.folder for finding in found if finding.id == patches.merge_patch.id]
    return tree.causes() | {
        other: folder
        for folder in patched
        for other in _made_of(tree, folder)
        if other in tree.failures and other not in patched
    }


def _evaluate(policy: Policy[Subject], subject: Subject, folder: str) -> Iterator[Finding]:
    """Yield what ``policy`` finds; where it cannot judge that is a finding too, and the others judge on."""
    try:
        for violation in policy.judge(subject):
            yield Finding(violation.folder or folder, policy.id, policy.reason, policy.level, violation)
    except GitopsError:
        raise
    except Exception as error:  # noqa: BLE001 one file that nobody foresaw must not hide what the others have
        message = " ".join(f"{type(error).__name__}: {error}".split())
        violation = Violation(
            f"policy {policy.id}",
            f"cannot judge this: {message}",
            "correct what is unusual there, and report this as a fault of the check",
        )
        yield Finding(folder or ".", policy.id, policy.reason, "error", violation)
