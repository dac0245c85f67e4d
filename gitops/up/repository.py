"""The steps in git and on GitHub: the fork's names, its examples, what it commits, its settings there, its image."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

from gitops import examples
from gitops.adopt import adopt, adopted
from gitops.doctor.fork import GIT
from gitops.doctor.github import ACTIONS, GITHUB
from gitops.errors import SettingsFailed, UpFailed
from gitops.files import differing
from gitops.github.settings import settings
from gitops.manifests import image_interface
from gitops.manifests.rendered import OVERLAYS
from gitops.policies.evaluation import evaluate
from gitops.scan import suspects
from gitops.seal import certificate
from gitops.up import released
from gitops.up.fork import Fork
from gitops.up.step import Step

_BUCKET = re.compile("^s3://[^/]+")
# New files that the steps before may have made; what else is not in git is somebody's own.
_MADE = (certificate.FILE, "base/secrets", image_interface.FILE)


def steps(fork: Fork) -> tuple[Step, Step, Step, Step, Step]:
    """Return the steps: adopt, examples, commit, settings, image."""
    # The push starts the release: one that came before Actions were on starts none.
    built = () if fork.names.image else (ACTIONS,)
    return (
        Step(
            "adopt",
            (),
            lambda: _adopted(fork),
            lambda: f"name {fork.repository} and s3://{fork.names.bucket} in {_listed(_differing(fork))}",
            lambda: _adopt(fork),
        ),
        Step(
            "examples",
            (),
            lambda: _examples(fork),
            lambda: _examples_left(fork),
            lambda: _do_examples(fork),
        ),
        Step(
            "commit and push",
            (GIT, *built),
            lambda: _pushed(fork),
            lambda: (
                f"commit {_listed(_changes(fork)) or 'what the steps before change'}, and push to {fork.revision} of origin"
            ),
            lambda: _push(fork),
        ),
        Step(
            "GitHub",
            (GITHUB,),
            lambda: _settings(fork),
            lambda: f"set what differs: {_listed(_settings_left(fork))}",
            lambda: _set(fork),
        ),
        Step(
            "image",
            (GIT,),
            lambda: released.pinned(fork),
            lambda: (
                f"wait for the release's image, and its pull request's merge (https://github.com/{fork.repository}/pulls)"
            ),
            lambda: released.wait(fork),
        ),
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _differing(fork: Fork) -> list[str]:
    return [path.relative_to(fork.root).as_posix() for path in differing(adopted(fork.root, fork.names))]


def _adopted(fork: Fork) -> str:
    return "" if _differing(fork) else f"all names {fork.repository}"


def _adopt(fork: Fork) -> str:
    written = [line for line in adopt(fork.root, fork.names) if ": written" in line or ": removed" in line]
    return f"names {fork.repository} in {len(written)} files"


def _found(fork: Fork) -> list[examples.Example]:
    """Return the examples with their models where they are once the fork has its names."""
    return [
        replace(
            entry, uri=_BUCKET.sub(f"s3://{fork.names.bucket}", entry.uri) if fork.names.bucket else entry.uri
        )
        for entry in examples.found(fork.root)
    ]


def _examples(fork: Fork) -> str:
    if not fork.examples:
        return "" if examples.folders(fork.root) else "none is there"
    found = _found(fork)
    if not found:
        return "none is there"
    return "" if examples.missing(found) else f"{len(found)} models are where their pods fetch them"


def _examples_left(fork: Fork) -> str:
    if not fork.examples:
        return f"remove {_listed(examples.folders(fork.root))}"
    missing = examples.missing(_found(fork))
    examples.check_places(missing)
    return f"upload {_listed([entry.uri for entry in missing])}"


def _do_examples(fork: Fork) -> str:
    if not fork.examples:
        return f"removed {_listed([line.partition(':')[0] for line in examples.remove(fork.root)])}"
    lines = [line for line in examples.upload(fork.root) if ": uploaded" in line]
    return f"uploaded {len(lines)} models to s3://{fork.names.bucket}"


def _changes(fork: Fork) -> list[str]:
    """Return the paths that a commit takes: what git tracks and has changed, and what the steps before may have made."""
    changed = fork.git("diff", "--name-only", "-z", "HEAD")
    new = fork.git("ls-files", "--others", "--exclude-standard", "-z", "--", *_MADE)
    return sorted({*f"{changed}{new}".split("\0")} - {""})


def _check_new(fork: Fork) -> None:
    """Refuse overlays that git does not have: nobody deploys them, and the last step would wait for them."""
    listed = fork.git("ls-files", "--others", "--exclude-standard", "-z", "--", OVERLAYS)
    new = sorted({"/".join(name.split("/")[:2]) for name in listed.split("\0") if name.count("/") > 1})
    if new:
        raise UpFailed(
            f"git does not have all of {', '.join(new)}, and only what is in git is deployed: `git add {' '.join(new)}`, or "
            "remove what is new there"
        )


def _pushed(fork: Fork) -> str:
    _check_new(fork)
    tip = fork.tip()
    if _changes(fork) or not tip or fork.git("rev-list", "--max-count=1", "HEAD", f"^{tip}").strip():
        return ""
    return f"origin has {fork.revision} at {tip[:7]}"


def _push(fork: Fork) -> str:
    branch = fork.git("branch", "--show-current").strip()
    if branch != fork.revision:
        raise UpFailed(
            f"the work tree is on {branch or 'no branch'}, and what is served is {fork.revision}, as site/site.yaml says: "
            f"`git switch {fork.revision}`"
        )
    errors = [str(finding) for finding in evaluate(fork.root)[1] if finding.fails]
    if errors:
        raise UpFailed("`make check` finds errors, so nothing is committed:\n" + "\n".join(errors))
    changes = _changes(fork)
    found = suspects(fork.root, [name for name in changes if (fork.root / name).is_file()])
    if found:
        raise UpFailed(
            "what may be a secret would be committed; take it out, or see `make scan`:\n  "
            + "\n  ".join(found)
        )
    if changes:
        fork.git("add", "--update")
        there = [name for name in _MADE if (fork.root / name).exists()]
        fork.git("add", "--", *there)
        fork.git("commit", "--quiet", "--message", f"Adopt the repository as {fork.repository}")
    try:
        fork.git("push", "--quiet", "origin", f"HEAD:refs/heads/{fork.revision}")
    except UpFailed as error:
        raise UpFailed(
            f"{error}\n  where {fork.revision} takes pull requests only, propose it: `git push origin HEAD:refs/heads/adopt`, and "
            "merge that"
        ) from error
    return f"{len(changes)} files committed, and {fork.revision} pushed"


def _settings_lines(fork: Fork, *, dry: bool) -> list[str]:
    environ = {**fork.environ, "GITHUB_REPOSITORY": fork.repository, "DRY_RUN": "1" if dry else ""}
    lines: list[str] = []
    # What a plan lacks is refused each time, and the rest works without it.
    with suppress(SettingsFailed):
        lines.extend(settings(fork.root, environ))
    return lines


def _settings_left(fork: Fork) -> list[str]:
    lines = _settings_lines(fork, dry=True)
    return [
        line.removeprefix("  differs").strip().partition(":")[0]
        for line in lines
        if line.startswith("  differs")
    ]


def _settings(fork: Fork) -> str:
    if _settings_left(fork):
        return ""
    refused = [line.strip() for line in _settings_lines(fork, dry=True) if line.startswith("  FAILED")]
    return "\n         ".join(["set as the workflows need it", *refused])


def _set(fork: Fork) -> str:
    lines = _settings_lines(fork, dry=False)
    count = sum(line.startswith("  set ") for line in lines)
    rest = [line.strip() for line in lines if line.startswith(("  by hand", "  FAILED"))]
    return "\n         ".join([f"{count} settings set", *rest])
