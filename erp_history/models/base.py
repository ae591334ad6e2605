from __future__ import annotations

from typing import Any

from django.db import models

from accounts.scoping import ManyRows


def text_field(size: int) -> models.CharField[Any, Any]:
    """A text that the ERP may leave out; NULL says that it did."""
    return models.CharField(max_length=size, null=True)


def amount_field() -> models.DecimalField[Any, Any]:
    return models.DecimalField(max_digits=20, decimal_places=6, null=True)


class ErpRow(ManyRows):
    """A row as the ERP last sent it, and when. `excluido`: the ERP deleted it. `gone_at`: it was missing from a complete snapshot."""

    filial = models.CharField(max_length=10, default="")
    data_alteracao = models.DateTimeField(null=True)
    excluido = models.BooleanField(default=False)
    gone_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()  # when its content last changed
    request_id = models.BigIntegerField()  # the request that changed it

    class Meta:
        abstract = True

    @property
    def key(self) -> str:
        """The key as the API writes it: filial (when there is one) and the key columns, joined with "|"."""
        [constraint] = self._meta.constraints
        parts = [str(getattr(self, name)) for name in constraint.fields[2:]]  # type: ignore[attr-defined]  # a UniqueConstraint
        return "|".join([*filter(None, [self.filial]), *parts])

    @property
    def is_live(self) -> bool:
        return not self.excluido and self.gone_at is None
