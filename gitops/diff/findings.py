"""The findings of the policies on both checkouts: those that are new with the change, and those that were there before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gitops.diff.locations import Location, Locations
from gitops.manifests.checkout import Checkout
from gitops.markdown import block, folded
from gitops.policies.evaluation import evaluate
from gitops.policies.policy import Finding

# A message that begins with, or names, a file and a line of it.
_FILE = re.compile(r"(?P<file>[\w./-]+\.(?:ya?ml|json|lock|lua|pem))(?::(?P<line>[1-9][0-9]*))?")


@dataclass(frozen=True)
class Findings:
    """Findings of the head, in those that are ``new`` with the change and those that are ``old``."""

    new: tuple[tuple[Finding, Location], ...]
    old: tuple[tuple[Finding, Location], ...]

    @property
    def summary(self) -> str:
        """How many there are, as Markdown of one line."""
        if not self.new and not self.old:
            return "no findings"
        errors = sum(entry.level == "error" for entry, _ in self.new)
        message = []
        if errors:
            message.append(f"**{_counted(errors, 'error')}**")
        if len(self.new) > errors:
            message.append(_counted(len(self.new) - errors, "warning"))
        message = [f"{' and '.join(message)} by this change"] if message else ["nothing by this change"]
        if self.old:
            message.append(
                f"{_counted(len(self.old), 'finding')} that {'was' if len(self.old) == 1 else 'were'} there before"
            )
        return ", ".join(message)

    def markdown(self) -> Iterator[str]:
        """Yield what is found, the new in full."""
        if self.new:
            lines = "\n".join(str(entry) for entry, _ in self.new)
            yield f"### Check\n\n{block(lines)}"
        if self.old:
            lines = "\n".join(str(entry) for entry, _ in self.old)
            yield folded(
                f"{_counted(len(self.old), 'finding')} of the check that the base has too", block(lines)
            )

    def annotations(self) -> Iterator[str]:
        """Yield a workflow command for each new finding, which GitHub shows beside the line.

        https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
        """
        for entry, place in self.new:
            title = _escaped(f"{entry.id} {entry.folder}", ":,")
            file = _escaped(place.file, ":,")
            yield f"::{entry.level} file={file},line={place.line},title={title}::{_escaped(entry.message)}"


def check_findings(base: Checkout, head: Checkout, places: Locations) -> Findings:
    """Return what the check says of the head as a change of the base.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    _, there = evaluate(head.root, base.root, base.title, warnings=True)
    found = [(entry, _place(entry, head, places)) for entry in there]
    return Findings(
        tuple(pair for pair in found if not pair[0].before), tuple(pair for pair in found if pair[0].before)
    )


def _place(finding: Finding, head: Checkout, places: Locations) -> Location:
    """Return where a finding is best shown: the line that it names, one that this change touches, or the kustomization."""
    message = f"{finding.violation.owner} {finding.violation.value}".replace(f"{head.root}/", "")
    for match in _FILE.finditer(message):
        for file in (match["file"], f"{finding.folder}/{match['file']}"):
            if (head.root / file).is_file():
                return Location(file, int(match["line"] or 1), "")
    names = re.findall(r"[\w.-]+", finding.violation.value.partition(" ")[0])
    place = places.find(finding.folder, names[-1] if names else "") if finding.folder != "." else None
    if place is not None and not place.gone:
        return place
    entry = head.kustomizations.get(finding.folder)
    return Location(entry.file if entry else "base/kustomization.yaml", 1, "")


def _escaped(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
