"""The table of docs/conformance.md, and whether answers differ as it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.reply import Reply
from tests.conformance.rules import RULES, refused
from tests.project import ROOT

PAGE = Path(ROOT, "docs", "conformance.md")
AS_WRAPPER, AS_SERVER = "as the wrapper", "as this server"
CODE = re.compile(r"`([0-9]{3}|[A-Z_]+)`")


@dataclass(frozen=True)
class Row:
    """A row of the table: the codes that each may answer with."""

    id: str
    stock: frozenset[str]
    server: frozenset[str]
    component: str


def rows() -> dict[str, Row]:
    """Return the rows of the table by their ids."""
    found: dict[str, Row] = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            identity, _, stock, server, component, why = cells
            assert why.endswith("."), line
            codes = frozenset(CODE.findall(stock)), frozenset(CODE.findall(server))
            found[identity.strip("`")] = Row(identity.strip("`"), *codes, component)
    return found


ROWS = rows()


def compare(
    row: Row | None, stock: Reply, server: Reply, component: Reply, like: Reply | None = None
) -> None:
    """Assert that three answers are equal, or differ as a row has it.

    ``like`` is what the stock wrapper answers to a request that it understands as this server does this one.
    """
    if row is None:
        assert server == stock
        assert component == server
        return
    assert stock.code in row.stock, stock
    assert server.code in row.server, server
    if like is not None:
        assert server == like
    else:
        assert RULES.get(row.id, refused)(stock, server), (stock, server)
    if row.component == AS_SERVER:
        assert component == server
    elif row.component == AS_WRAPPER:
        assert component == stock
    else:
        assert component.code in CODE.findall(row.component), component
        if component.code == "UNKNOWN":
            assert component.body.startswith("Exception calling application: "), component
            assert component.body.endswith(server.body), component
    assert not stock == server == component, f"{row.id}: there is no difference"
