from __future__ import annotations

import pytest

from tests.e2e.errors import E2eError
from tests.e2e.store import refuse_other


def test_a_machine_like_the_nodes_will_do() -> None:
    refuse_other(("Linux", "x86_64"), "x86_64")


@pytest.mark.parametrize("here", [("Linux", "aarch64"), ("Darwin", "x86_64")], ids=["CPU", "system"])
def test_a_machine_that_builds_other_programs_is_told(here: tuple[str, str]) -> None:
    with pytest.raises(E2eError) as refused:
        refuse_other(here, "x86_64")
    assert str(refused.value) == (
        f"STORE=pod builds the store's program for {' '.join(here)}, and the nodes are Linux x86_64: run it on a machine "
        "like them, or give the account of a store of your own"
    )
