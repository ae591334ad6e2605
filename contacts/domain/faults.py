"""How a refused value is told: form and API show the same words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """`field` is a path such as `emails[1].email`."""

    field: str
    code: str
    message: str


class Invalid(ValueError):
    """Values that cannot be kept."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = list(errors)
