"""The compare page's rows for a customer: what e-conomic has in each, and how a row is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmsync.lib.countries import country_code
from integrations.engine.compare import TRUE, CompareField, CompareKind
from integrations.engine.errors import SkipRecord
from integrations.engine.provider import gettext_noop
from integrations.engine.types import RawRecord, Reason
from integrations.kit.values import amount, text
from integrations.providers.economic.mapping import address_here, country_there, emails, tax_id_here, without_empty
from integrations.providers.economic.records import number_of, writable

_K = CompareKind
ROWS = (
    CompareField("name", gettext_noop("Name"), "name", required=True),
    CompareField("address", gettext_noop("Address"), "address.line1"),
    CompareField("address2", gettext_noop("Address line 2"), "address.line2"),
    CompareField("zip", gettext_noop("Postcode"), "address.postcode"),
    CompareField("city", gettext_noop("City"), "address.city"),
    CompareField("country", gettext_noop("Country"), "address.country", _K.COUNTRY),
    CompareField("email", gettext_noop("E-mail"), "emails", _K.EMAILS),
    CompareField("phone", gettext_noop("Phone"), "phone", _K.PHONE),
    CompareField("mobile", gettext_noop("Mobile phone"), "mobile", _K.PHONE),
    CompareField("website", gettext_noop("Website"), "website"),
    CompareField("tax_id", gettext_noop("CVR number"), "tax_id", _K.NUMBER_CODE),
    CompareField("ean", gettext_noop("EAN number"), "custom.ean", _K.NUMBER_CODE),
    CompareField("p_number", gettext_noop("P number"), "custom.p_number", _K.NUMBER_CODE),
    CompareField("vat_number", gettext_noop("VAT number"), "custom.vat_number", _K.NUMBER_CODE),
    CompareField("public_entry_number", gettext_noop("Public entry number"), "custom.public_entry_number"),
    CompareField("currency", gettext_noop("Currency"), "custom.currency", _K.CHOICE, choices="currency", required=True),
    CompareField("payment_terms", gettext_noop("Payment terms"), "custom.payment_terms", _K.CHOICE, choices="payment_terms", required=True),
    CompareField(
        "customer_group", gettext_noop("Customer group"), "custom.customer_group", _K.CHOICE, choices="customer_group", required=True
    ),
    CompareField("vat_zone", gettext_noop("VAT zone"), "custom.vat_zone", _K.CHOICE, choices="vat_zone", required=True),
    CompareField("layout", gettext_noop("Layout"), "custom.layout", _K.CHOICE, choices="layout"),
    CompareField("credit_limit", gettext_noop("Credit limit"), "custom.credit_limit", _K.NUMBER),
    CompareField("barred", gettext_noop("Barred"), "custom.barred", _K.BOOLEAN),
    CompareField("number", gettext_noop("Customer number"), "custom.customer_number", _K.NUMBER, writable=False),
    CompareField("balance", gettext_noop("Balance"), "custom.balance", _K.NUMBER, writable=False),
)
_TEXTS = {
    "name": "name",
    "zip": "zip",
    "city": "city",
    "phone": "telephoneAndFaxNumber",
    "mobile": "mobilePhone",
    "website": "website",
    "ean": "ean",
    "p_number": "pNumber",
    "vat_number": "vatNumber",
    "public_entry_number": "publicEntryNumber",
    "currency": "currency",
}
_REFERENCES = {
    "payment_terms": ("paymentTerms", "paymentTermsNumber"),
    "customer_group": ("customerGroup", "customerGroupNumber"),
    "vat_zone": ("vatZone", "vatZoneNumber"),
    "layout": ("layout", "layoutNumber"),
}


def compared(raw: RawRecord) -> dict[str, str]:
    """e-conomic's values by row key."""
    body = raw.body
    found = {key: text(body.get(name)) for key, name in _TEXTS.items()}
    found |= {key: number_of(body.get(name), number) for key, (name, number) in _REFERENCES.items()}
    address = address_here(body)
    country = text(body.get("country"))
    return found | {
        "address": address.get("line1", ""),
        "address2": address.get("line2", ""),
        "country": country_code(country) or country,
        "email": " ".join(emails(text(body.get("email")))),
        "tax_id": tax_id_here(text(body.get("corporateIdentificationNumber"))),
        "credit_limit": _money(body.get("creditLimit")),
        "balance": _money(body.get("balance")),
        "barred": TRUE if body.get("barred") is True else "",
        "number": raw.ref.id,
    }


def body_with(current: RawRecord, values: Mapping[str, str]) -> dict[str, Any]:
    """The customer as read with these rows put in, all else sent again. Raises SkipRecord naming a row that will not do."""
    body = writable(current.body)
    shown = compared(current)
    rows = {row.key: row for row in ROWS}
    for key, value in values.items():
        if key not in rows or not rows[key].writable:
            raise SkipRecord(Reason("refused_fields", {"fields": key}), fields={key: gettext_noop("This cannot be written.")})
        if rows[key].required and not value.strip():
            raise SkipRecord(Reason("refused_fields", {"fields": rows[key].label}), fields={key: gettext_noop("This is needed.")})
        body |= _put(key, value.strip(), rows[key].label)
    if values.keys() & {"address", "address2"}:
        lines = [values.get(key, shown[key]).strip() for key in ("address", "address2")]
        body["address"] = "\n".join(filter(None, lines))
    return without_empty(body)


def _put(key: str, value: str, label: str) -> dict[str, Any]:
    if key in _TEXTS:
        return {_TEXTS[key]: value}
    if key in _REFERENCES:
        name, number = _REFERENCES[key]
        return {name: {number: _whole(key, value, label)} if value else None}
    if key == "credit_limit":
        return {"creditLimit": _amount(key, value, label) if value else None}
    special = {
        "country": ("country", country_there(value)),
        "email": ("email", " ".join(emails(value))),
        "tax_id": ("corporateIdentificationNumber", value),
        "barred": ("barred", value == TRUE),
    }
    return dict([special[key]]) if key in special else {}


def _whole(key: str, value: str, label: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 10**9):
        raise SkipRecord(Reason("refused_fields", {"fields": label}), fields={key: gettext_noop("This is no number.")})
    return int(value)


def _amount(key: str, value: str, label: str) -> float:
    found = amount(value)
    if found is None:
        raise SkipRecord(Reason("refused_fields", {"fields": label}), fields={key: gettext_noop("This is no amount.")})
    return float(found)


def _money(value: Any) -> str:
    found = amount(value)
    return "" if found is None else str(found)
