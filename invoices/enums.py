from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class InvoiceKind(TextChoices):
    INVOICE = "invoice", _("Invoice")
    QUOTE = "quote", _("Quote")
    CREDIT_NOTE = "credit_note", _("Credit note")


class VendorState(TextChoices):
    """What the vendor says; paid, due and overdue are derived from balance and day."""

    DRAFT = "draft", _("Draft")
    OPEN = "open", _("Open")
    PAID = "paid", _("Paid")
    WRITTEN_OFF = "written_off", _("Written off")
    CREDITED = "credited", _("Credited")


class Status(TextChoices):
    """What people read on the badge."""

    DRAFT = "draft", _("Draft")
    DUE = "due", _("Due")
    OVERDUE = "overdue", _("Overdue")
    PAID = "paid", _("Paid")
    WRITTEN_OFF = "written_off", _("Written off")
    CREDITED = "credited", _("Credited")
