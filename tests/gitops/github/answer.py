"""What the stand-in for GitHub answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A status, JSON or nothing, and the number of the page after it where there is one."""

    status: int
    content: Any = None
    next_page: int | None = None


class Refused(Exception):
    """GitHub says no."""

    def __init__(self, status: int, message: str, errors: list[Mapping[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors

    def answer(self) -> Answer:
        content: dict[str, Any] = {
            "message": self.message,
            "documentation_url": "https://docs.github.com/rest",
            "status": str(self.status),
        }
        if self.errors is not None:
            content["errors"] = self.errors
        return Answer(self.status, content)


def invalid(resource: str, message: str) -> Refused:
    """What GitHub says where a value has the right form and cannot be."""
    return Refused(422, "Validation Failed", [{"resource": resource, "code": "custom", "message": message}])
