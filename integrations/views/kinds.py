"""The kinds of records that vendors have, in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS = {
    "client": _("client"),
    "company": _("company"),
    "contact": _("contact"),
    "customer": _("customer"),
    "organisation": _("organisation"),
    "person": _("person"),
    "supplier": _("supplier"),
}


def kind_word(kind: str) -> str:
    """A kind that nobody has named is shown as the vendor calls it."""
    return str(WORDS.get(kind, kind))
