"""What is made ready after a night, so that the screens open at once. All of it can be made again from the rows of the ERP."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.scoping import WorkspaceModel
from erp_history.models.figures import money


class WindowRevenue(WorkspaceModel):
    """Net revenue of a company in each window of the dashboard, up to the day before the night. `brand` "": of all brands."""

    brand = models.CharField(max_length=80)
    company_id = models.BigIntegerField()  # of Empresa
    revenue_3 = money()
    revenue_6 = money()
    revenue_12 = money()
    revenue_24 = money()
    revenue_own = money()  # the window of the settings, when it is none of these

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "brand", "company_id"], name="erp_window_once")
        ]

    def __str__(self) -> str:
        return f"{self.company_id} {self.brand}"


class CurveLimit(WorkspaceModel):
    """The lowest revenue of class A and of class B on the curve of a brand and a window. Equal revenue, equal class."""

    brand = models.CharField(max_length=80)
    months = models.PositiveSmallIntegerField()
    lowest_a = money()
    lowest_b = models.DecimalField(max_digits=24, decimal_places=6, null=True)  # nobody is in B

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "brand", "months"], name="erp_limit_once")
        ]

    def __str__(self) -> str:
        return f"{self.brand} {self.months}"


class ErpPrepared(WorkspaceModel):
    """What the windows were made from: another night or other settings, and they are made again."""

    run_id = models.BigIntegerField()
    months = models.PositiveSmallIntegerField()  # window of the settings
    abc_a = models.DecimalField(max_digits=5, decimal_places=2)
    abc_b = models.DecimalField(max_digits=5, decimal_places=2)
    seconds = models.FloatField(default=0)
    made_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [models.UniqueConstraint(fields=["workspace"], name="erp_prepared_once")]

    def __str__(self) -> str:
        return f"prepared for night {self.run_id}"


class StoredRows(WorkspaceModel):
    """How many rows a table held when they were last counted, and their size."""

    table = models.CharField(max_length=20)
    rows = models.PositiveBigIntegerField()
    live = models.PositiveBigIntegerField()  # neither deleted nor gone
    size = models.PositiveBigIntegerField()
    last_at = models.DateTimeField(null=True)  # when a row last changed
    counted_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "table"], name="erp_stored_once")
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.rows}"
