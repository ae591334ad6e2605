"""`pk__any=[...]` is PostgreSQL's `= ANY(array)`: one parameter, where `__in` binds and prints five hundred for a batch of a sync."""

from __future__ import annotations

from typing import Any

from django.db.models import Field, ForeignKey, Lookup


@ForeignKey.register_lookup  # a relation knows none of the lookups of plain fields
@Field.register_lookup
class AnyOf(Lookup):
    lookup_name = "any"

    def get_prep_lookup(self) -> list[Any]:
        return list(self.rhs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} = ANY({right})", (*left_params, *right_params)
