from __future__ import annotations

import pytest

from server.environment import resolver
from server.environment.requirements import Requirements, requirement
from server.environment.uv import UvError

LISTED = Requirements(
    entries=[
        requirement("scikit_learn==1.5.2 --hash=sha256:ab", "requirements.txt, line 1"),
        requirement("learn", "requirements.txt, line 2"),
        requirement("wheels/own-1.0-py3-none-any.whl", "requirements.txt, line 3"),
        requirement("py @ https://user:secret@host/py-1.whl", "requirements.txt, line 4"),
    ],
    constraints=[requirement("numpy<2", "limits.txt, line 1")],
)


@pytest.mark.parametrize(
    ("explanation", "at_fault"),
    [
        ("Because you require scikit-learn==1.5.2, …", ["requirements.txt, line 1: scikit_learn==1.5.2"]),
        ("Because Scikit.Learn[test] depends on …", ["requirements.txt, line 1: scikit_learn==1.5.2"]),
        ("Because there is no version of learn …", ["requirements.txt, line 2: learn"]),
        ("Because scikit-learn-extra …", []),
        ("Because numpy>=2 is required by x", ["limits.txt, line 1: numpy<2"]),
        (
            "Failed to read `/mnt/models/wheels/own-1.0-py3-none-any.whl`",
            ["requirements.txt, line 3: wheels/own-1.0-py3-none-any.whl"],
        ),
        ("Because py==1 has …", ["requirements.txt, line 4: py @ https://***@host/py-1.whl"]),
        ("Because pytest and x.py …", []),
    ],
)
def test_at_fault(explanation: str, at_fault: list[str]) -> None:
    assert [str(entry) for entry in resolver.at_fault(explanation, LISTED)] == at_fault


@pytest.mark.parametrize(
    ("explanation", "fix"),
    [
        ("failed to write: No space left on device (os error 28)", "give the volume of the environment"),
        ("HTTP status client error (401 Unauthorized) for url (https://…)", "check the credentials"),
        ("Failed to fetch: https://…\ntcp connect error\nConnection refused", "check the network"),
        ("Because there is no version of learn==9", "correct the requirements and log the model again"),
    ],
)
def test_fix(explanation: str, fix: str) -> None:
    error = resolver.unresolvable(UvError(explanation), LISTED, "3.12.1")
    assert str(error).startswith(
        f"the model's requirements cannot be installed for Python 3.12.1: {explanation}"
    )
    assert str(error).splitlines()[-1].startswith(fix)
