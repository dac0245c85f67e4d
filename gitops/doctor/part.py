"""A part of a machine, a fork or a cluster, and what a look at it says."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from gitops.errors import ClusterFailed, GitopsError

# As it should be; missing; there, and not as it is for a deployment for real; not known.
State = Literal["ok", "missing", "warning", "?"]
# What a program says that is another one than expected, or of another version.
_STRANGE = (AttributeError, LookupError, OSError, TypeError, ValueError, subprocess.SubprocessError)
_ASK_AGAIN = "the cluster did not say: run this again, as who may read it"


@dataclass(frozen=True)
class Part:
    """A part: ``look`` returns in a line what is there, or raises with what is missing, ``fix`` brings it.

    ``needs`` is a part that it cannot be looked for without, ``otherwise`` the state where it is not as it should be;
    ``remote`` says that an answer that fails says nothing of the part.
    """

    name: str
    look: Callable[[], str]
    fix: str
    needs: str = ""
    otherwise: State = "missing"
    remote: bool = False


@dataclass(frozen=True)
class Finding:
    """What a look at a part says. Its string is a line for a person."""

    part: str
    state: State
    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"  {self.state:7}  {self.part}: {self.message}{f'; {self.fix}' if self.fix else ''}"


def without_environment(error: ModuleNotFoundError) -> str:
    """Return what a look says that needs a package which is not installed."""
    return f"cannot be looked at without the Python package {error.name}, which `make lint` installs in .venv"


def look(parts: Iterable[Part], missing: dict[str, str]) -> Iterator[Finding]:
    """Look for each of ``parts``, yield what is found, and put those that are missing into ``missing``, each with its fix."""
    for part in parts:
        if part.needs in missing:
            missing[part.name] = f"{part.needs} first"
            yield Finding(part.name, "?", f"cannot be looked for without {part.needs}")
            continue
        try:
            yield Finding(part.name, "ok", part.look())
        except GitopsError as error:
            silent = part.remote and isinstance(error, ClusterFailed)
            fix = _ASK_AGAIN if silent else part.fix
            missing[part.name] = fix
            yield Finding(part.name, "?" if silent else part.otherwise, str(error), fix)
        except ModuleNotFoundError as error:
            yield Finding(part.name, "?", without_environment(error))
        except _STRANGE as error:
            missing[part.name] = part.fix
            what = " ".join(f"{type(error).__name__}: {error}".split())
            yield Finding(part.name, "?", f"cannot be looked at ({what})", part.fix)
