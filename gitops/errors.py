"""Every way in which a command of this package can fail: with exit code 2 for a wrong argument, else 1.

A message names the value, the rule that it breaks and the fix, or quotes the tool that refused.
"""

from __future__ import annotations


class GitopsError(Exception):
    """A command failed; ``exit_code`` is its exit code."""

    exit_code = 1


class BadArgument(GitopsError):
    """An argument or an environment variable of the command has a value that it cannot have."""

    exit_code = 2


class ToolNotBuilt(GitopsError):
    """A pinned tool of tools/go.mod cannot be had."""


class BuildFailed(GitopsError):
    """Kustomize refuses a kustomization; the message holds its own words."""


class BadManifest(GitopsError):
    """An object has a shape that its kind does not allow; the message names object and path."""


class PortInUse(GitopsError):
    """Another process listens on the port."""


class StartFailed(GitopsError):
    """A process that the command needs ended or did not become ready."""


class NotRunnable(GitopsError):
    """A manifest asks for something that the local run has no stand-in for; the message names object and path."""


class AlreadyRunning(GitopsError):
    """Another local run uses this folder."""


class TrainFailed(GitopsError):
    """The example models cannot be trained."""


class NoBase(GitopsError):
    """The base of a comparison cannot be had from git."""


class ValidationFailed(GitopsError):
    """The validator cannot judge the rendered objects."""


class BadCertificate(GitopsError):
    """The cluster's sealing certificate is invalid, expired, or cannot be fetched."""


class BadValue(GitopsError):
    """A value to seal is missing or cannot be right; the message names the value and never shows it."""


class SealFailed(GitopsError):
    """Kubeseal refuses to seal or the controller to answer, or what is sealed does not open."""


class ScanFailed(GitopsError):
    """The tree cannot be searched for secrets."""


class WrapperNotInstalled(GitopsError):
    """The stock wrapper's environment cannot be made."""


class NotWritten(GitopsError):
    """A file of the work tree cannot be written; all are as they were."""


class PromotionFailed(GitopsError):
    """A model cannot be had, described or run, or breaks what `make check` holds; nothing is changed."""


class NoExample(GitopsError):
    """A model has no input example to run it on; nothing is changed."""


class GraphBroken(GitopsError):
    """A model's columns do not fit those of its neighbours in a graph; nothing is changed."""


class AdoptionFailed(GitopsError):
    """A fork cannot be made one's own; nothing is changed."""


class GithubFailed(GitopsError):
    """GitHub, or git that speaks to it, refuses or does not answer."""


class ReleaseFailed(GitopsError):
    """What a build exported is no image, or it cannot be recorded, pushed, tagged or verified."""


class NotChecked(GitopsError):
    """A commit's check failed, or did not end in time."""


class SettingsFailed(GitopsError):
    """A setting of the repository on GitHub cannot be read or written; the others are as they should be."""


class ClusterFailed(GitopsError):
    """Kubectl is not there, or the cluster refuses, does not answer, or does not become what is waited for."""


class DoctorFailed(GitopsError):
    """A part that a fork needs is missing, on this machine or the cluster."""


class UpFailed(GitopsError):
    """A step from a fork to models that answer cannot be done; those before it are."""
