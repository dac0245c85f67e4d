"""Every way in which a command of this package can fail, and the exit status that it ends with.

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

    exit_code = 3


class BuildFailed(GitopsError):
    """Kustomize refuses a kustomization; the message holds its own words."""

    exit_code = 4


class BadManifest(GitopsError):
    """An object has a shape that its kind does not allow; the message names object and path."""

    exit_code = 5


class PortInUse(GitopsError):
    """Another process listens on the port."""

    exit_code = 6


class StartFailed(GitopsError):
    """A process that the command needs ended or did not become ready."""

    exit_code = 7


class NotRunnable(GitopsError):
    """A manifest asks for something that the local run has no stand-in for; the message names object and path."""

    exit_code = 8


class AlreadyRunning(GitopsError):
    """Another local run uses this folder."""

    exit_code = 9


class TrainFailed(GitopsError):
    """The example models cannot be trained."""

    exit_code = 10


class NoBase(GitopsError):
    """The base of a comparison cannot be had from git."""

    exit_code = 11


class ValidationFailed(GitopsError):
    """The validator cannot judge the rendered objects."""

    exit_code = 12


class BadCertificate(GitopsError):
    """The cluster's sealing certificate is invalid, expired, or cannot be fetched."""

    exit_code = 13


class BadValue(GitopsError):
    """A value to seal is missing or cannot be right; the message names the value and never shows it."""

    exit_code = 14


class SealFailed(GitopsError):
    """Kubeseal refuses to seal or to open."""

    exit_code = 15


class ScanFailed(GitopsError):
    """The tree cannot be searched for secrets."""

    exit_code = 16


class WrapperNotInstalled(GitopsError):
    """The stock wrapper's environment cannot be made."""

    exit_code = 17


class NotWritten(GitopsError):
    """A file of the work tree cannot be written; all are as they were."""

    exit_code = 18


class PromotionFailed(GitopsError):
    """A model cannot be had, described or run, or breaks what `make check` holds; nothing is changed."""

    exit_code = 19


class NoExample(GitopsError):
    """A model has no input example to run it on; nothing is changed."""

    exit_code = 20


class GraphBroken(GitopsError):
    """A model's columns do not fit those of its neighbours in a graph; nothing is changed."""

    exit_code = 21


class AdoptionFailed(GitopsError):
    """A fork cannot be made one's own; nothing is changed."""

    exit_code = 22


class GithubFailed(GitopsError):
    """GitHub, or git that speaks to it, refuses or does not answer."""

    exit_code = 23


class ReleaseFailed(GitopsError):
    """What a build exported is no image, or it cannot be recorded, pushed, tagged or verified."""

    exit_code = 24


class NotChecked(GitopsError):
    """A commit's check failed, or did not end in time."""

    exit_code = 25


class SettingsFailed(GitopsError):
    """A setting of the repository on GitHub cannot be read or written; the others are as they should be."""

    exit_code = 26
