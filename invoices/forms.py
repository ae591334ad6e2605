from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import offer
from invoices.domain.queries import QUOTES, Filters
from invoices.enums import Status

SHOWN = (Status.OVERDUE, Status.DUE, Status.PAID, Status.DRAFT, Status.CREDITED, Status.WRITTEN_OFF)


class InvoiceFilterForm(forms.Form):
    """The line above the list. What does not make sense is named and narrows nothing."""

    q = forms.CharField(label=_("Search"), required=False, max_length=100)
    status = forms.ChoiceField(label=_("Status"), required=False)
    currency = forms.ChoiceField(label=_("Currency"), required=False)
    contact = forms.IntegerField(label=_("Customer"), required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)
    use_required_attribute = False

    def __init__(self, *args: Any, currencies: Sequence[str] = (), has_quotes: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.attrs |= {"placeholder": _("Number or customer"), "type": "search", "autocomplete": "off"}
        quotes = [(QUOTES, _("Quotes"))] if has_quotes else []
        offer(self, "status", [("", _("Any status")), *((each.value, each.label) for each in SHOWN), *quotes])
        offer(self, "currency", [("", _("Any currency")), *((each, each) for each in currencies)])
        self.has_several_currencies = len(currencies) > 1

    def filters(self) -> Filters:
        self.is_valid()
        good = self.cleaned_data
        return Filters(
            text=good.get("q", "").strip(), status=good.get("status", ""), currency=good.get("currency", ""), contact_id=good.get("contact")
        )
