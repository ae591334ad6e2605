from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from accounts.scoping import ManyRows, WorkspaceModel
from contacts.models import Contact
from erp_history.enums import Category, Curve, Grouping


def money() -> models.DecimalField[Any, Any]:
    return models.DecimalField(max_digits=24, decimal_places=6, default=Decimal(0))


class Portfolio(WorkspaceModel):
    """A seller's companies (carteira). `code` "" is the general portfolio: companies without a seller."""

    code = models.CharField(max_length=60, blank=True)
    filial = models.CharField(max_length=10, blank=True)
    name = models.CharField(max_length=150, blank=True)
    email = models.CharField(max_length=254, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "code"], name="erp_portfolio_code")
        ]

    def __str__(self) -> str:
        return self.name or self.code


class CompanyDay(ManyRows):
    """What a company bought on a day, of all its authorised notes: they name it by filial and code, here it is known (docs/adr/0021)."""

    pk = models.CompositePrimaryKey("workspace", "company_id", "on")
    company_id = models.BigIntegerField()  # of Empresa
    on = models.DateField()
    sold = models.BooleanField(default=False)  # a sale, not only a return
    net = money()

    def __str__(self) -> str:
        return f"{self.company_id} on {self.on}"


class BrandDay(ManyRows):
    """What was sold of a brand on a day, net, of all the lines whose note has a company."""

    pk = models.CompositePrimaryKey("workspace", "brand", "on")
    brand = models.CharField(max_length=80)
    on = models.DateField()
    net = money()

    def __str__(self) -> str:
        return f"{self.brand} on {self.on}"


class CompanyFigures(ManyRows):
    """What a company means, per ERP code, as of the last night. All of a night's rules read from here, so that they see one state."""

    company_id = models.BigIntegerField()  # of Empresa
    contact = models.ForeignKey(Contact, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    is_deleted = models.BooleanField(default=False)
    revenue = money()  # net, in the window of the curve
    revenue_12m = money()
    open_receivables = money()
    overdue_receivables = money()
    purchases = models.PositiveIntegerField(default=0)  # distinct days of sale
    first_purchase_on = models.DateField(null=True)
    last_purchase_on = models.DateField(null=True)
    interval_days = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    last_quote_on = models.DateField(null=True)
    abc_class = models.CharField(max_length=1, choices=Curve.choices, null=True)
    abc_since = models.DateField(null=True)
    category = models.CharField(max_length=10, choices=Category.choices, null=True)
    category_since = models.DateField(null=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.SET_NULL, null=True, related_name="companies", db_index=False)
    as_of = models.DateField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "company_id"], name="erp_figures_once")
        ]
        # None of class, category or portfolio: lists ask the figures of contacts. So the night writes each of the three in place, into the
        # half of a page that is left free for it (migration 0013).
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["contact"], name="erp_figures_contact")]

    def __str__(self) -> str:
        return f"figures of {self.company_id}"


class ContactFigures(ManyRows):
    """The figures of all ERP codes of one contact together: what lists, filters and the API show."""

    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, related_name="erp_figures")
    abc_class = models.CharField(max_length=1, choices=Curve.choices, null=True)
    category = models.CharField(max_length=10, choices=Category.choices, null=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.SET_NULL, null=True, related_name="+")
    last_purchase_on = models.DateField(null=True)
    revenue_12m = money()
    open_receivables = money()
    published = models.JSONField(default=dict)  # what the night last wrote to the contact: a value edited there stays
    as_of = models.DateField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "abc_class", "contact"], name="erp_contact_class"),
            models.Index(fields=["workspace", "category", "contact"], name="erp_contact_category"),
            models.Index(fields=["workspace", "last_purchase_on", "contact"], name="erp_contact_purchase"),
        ]

    def __str__(self) -> str:
        return f"figures of contact {self.contact_id}"


class AbcResult(ManyRows):
    """A line of the current ABC curve by CNPJ root, brand or portfolio (its id); that of the companies stands on their figures."""

    grouping = models.CharField(max_length=10, choices=Grouping.choices)
    key = models.CharField(max_length=80)
    revenue = money()
    abc_class = models.CharField(max_length=1, choices=Curve.choices)
    as_of = models.DateField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "grouping", "key"], name="erp_abc_key")
        ]

    def __str__(self) -> str:
        return f"{self.grouping} {self.key} {self.abc_class}"


class ClassChange(ManyRows):
    """A company moved on the curve: from `old` to `new` (None: no purchase in the window)."""

    company_id = models.BigIntegerField()
    on = models.DateField()
    old = models.CharField(max_length=1, null=True)
    new = models.CharField(max_length=1, null=True)
    revenue = money()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "on", "id"], name="erp_class_change_day"),
            models.Index(fields=["workspace", "company_id", "-id"], name="erp_class_change_company"),
        ]

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}"


class CategoryChange(ManyRows):
    """A company moved from one category to another."""

    company_id = models.BigIntegerField()
    on = models.DateField()
    old = models.CharField(max_length=10, null=True)
    new = models.CharField(max_length=10, null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "on", "id"], name="erp_category_change_day"),
            models.Index(fields=["workspace", "company_id", "-id"], name="erp_category_change_co"),
        ]

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}"
