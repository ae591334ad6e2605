"""e-conomic's refusals: what is wrong is told by codes; its sentences may be Danish and are kept as detail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from integrations.engine.errors import BadSettings, Conflict, Denied, Gone, ProviderError, SkipRecord
from integrations.engine.provider import gettext_noop
from integrations.engine.types import Reason
from integrations.kit.values import table, text

T = TypeVar("T")

# Their property, of either surface -> our field (or setting) and its label.
_FIELDS: dict[str, tuple[str, str]] = {
    "name": ("name", gettext_noop("Name")),
    "email": ("email", gettext_noop("E-mail")),
    "telephoneandfaxnumber": ("phone", gettext_noop("Phone")),
    "phone": ("phone", gettext_noop("Phone")),
    "mobilephone": ("mobile", gettext_noop("Mobile phone")),
    "website": ("website", gettext_noop("Website")),
    "corporateidentificationnumber": ("tax_id", gettext_noop("CVR number")),
    "cvrno": ("tax_id", gettext_noop("CVR number")),
    "address": ("address.line1", gettext_noop("Address")),
    "zip": ("address.postcode", gettext_noop("Postcode")),
    "city": ("address.city", gettext_noop("City")),
    "country": ("address.country", gettext_noop("Country")),
    "notes": ("notes", gettext_noop("Notes")),
    "ean": ("ean", gettext_noop("EAN number")),
    "pnumber": ("p_number", gettext_noop("P number")),
    "customernumber": ("customer_number", gettext_noop("Customer number")),
    "barred": ("barred", gettext_noop("Barred")),
    "creditlimit": ("credit_limit", gettext_noop("Credit limit")),
    "vatnumber": ("vat_number", gettext_noop("VAT number")),
}
SETTINGS: dict[str, tuple[str, str]] = {
    "customergroup": ("customer_group", gettext_noop("Customer group")),
    "paymentterms": ("payment_terms", gettext_noop("Payment terms")),
    "vatzone": ("vat_zone", gettext_noop("VAT zone")),
    "currency": ("currency", gettext_noop("Currency")),
    "layout": ("layout", gettext_noop("Layout")),
}
# Codes that name the field better than the property does, or come without one.
_CODES = {
    "E07080": "paymentterms",
    "E07180": "paymentterms",
    "CustomerMissingName": "name",
    "CustomerInvalidName": "name",
    "CustomerContactNameNullOrEmpty": "name",
    "CustomerContactNameAlreadyExists": "name",
    "CustomerInvalidEmail": "email",
    "CustomerInvalidEAN": "ean",
    "CustomerInvalidPNumber": "pnumber",
    "CustomerInvalidGroupId": "customergroup",
    "CustomerInvalidPaymentTerm": "paymentterms",
    "CustomerBarredPaymentTerm": "paymentterms",
    "CustomerInvalidVatZone": "vatzone",
    "CustomerInvalidCustomerNumber": "customernumber",
    "CustomerAlreadyExists": "customernumber",
    "CustomerannotChangeNumber": "customernumber",
}
_GONE = {"E06000", "ResourceNotFound", "CustomerDoesNotExist"}
_STALE = {"UpdateConflict", "CustomerNumberMismatch"}
_DENIED = {"AccessDeniedAgreementMissingModules"}
_NO_FILTER = {"BadFilterRequest"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that e-conomic did not like. `property` may be empty."""

    code: str
    property: str
    words: str


def faults_of(body: Any) -> tuple[Fault, ...]:
    """Every single fault of a refusal, of either surface and of any nesting."""
    found = tuple(_nested(table(body).get("errors"), ""))
    if found:
        return found
    code, words = text(table(body).get("errorCode")), text(table(body).get("message") or table(body).get("detail"))
    return (Fault(code, "", words),) if code or words else ()


def _nested(value: Any, name: str) -> Iterator[Fault]:
    """`{"paymentTerms": {"errors": [...]}}`, `{"lines": {"items": [...]}}`, lists of objects, lists of sentences."""
    if isinstance(value, str):
        yield Fault("", name, value)
    elif isinstance(value, list):
        for one in value:
            yield from _nested(one, name)
    elif isinstance(value, dict) and ("errorCode" in value or "errorMessage" in value):
        words = text(value.get("errorMessage") or value.get("message"))
        yield Fault(text(value.get("errorCode")), text(value.get("propertyName") or value.get("property")) or name, words)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _nested(inner, name if key in {"errors", "items"} else text(key))


def refuses_filter(error: ProviderError) -> bool:
    """Whether a list was refused for its filter, and not for anything else."""
    body = table(error.told)
    codes = {one.code for one in faults_of(body)} | {text(body.get("errorCode"))}
    return "allowedFilteringFields" in body or bool(codes & _NO_FILTER)


def understood(call: Callable[[], T], *, name: str, settings_are_ours: bool = False) -> T:
    """Carry out a write and name what is wrong when it is refused. `settings_are_ours`: groups, terms and such come from our settings."""
    try:
        return call()
    except SkipRecord as error:
        raise explained(error, name=name, settings_are_ours=settings_are_ours) from error


def explained(error: SkipRecord, *, name: str, settings_are_ours: bool = False) -> ProviderError:
    """The refusal with its reason, and its words at the fields they speak of."""
    found = faults_of(error.told)
    # A missing reference has the code of a missing record, so only the code of the whole answer tells that.
    top = text(table(error.told).get("errorCode"))
    detail = "; ".join(filter(None, [error.detail, *(f"{one.code} {one.property}: {one.words}" for one in found)]))[:2000]
    if top in _STALE or {one.code for one in found} & _STALE:
        return Conflict(Reason("changed_there"), detail=detail)
    if top in _GONE:
        return Gone(Reason("gone"), detail=detail)
    if top in _DENIED:
        return Denied(Reason("forbidden"), detail=detail)
    return _refused(error, found, detail, name=name, settings_are_ours=settings_are_ours)


def _refused(error: SkipRecord, found: tuple[Fault, ...], detail: str, *, name: str, settings_are_ours: bool) -> ProviderError:
    wrong = {field: (label, one.words) for one in found for field, label in [_field(one)] if field}
    chosen = [(key, label) for key, label in SETTINGS.values() if key in wrong]
    if chosen and settings_are_ours:
        reason = Reason("setting_refused", {"setting": ", ".join(label for _, label in chosen)})
        return BadSettings(reason, detail=detail, field=chosen[0][0])
    if not wrong:
        words = "; ".join(one.words for one in found if one.words) or str(error.reason.params.get("message", ""))
        return SkipRecord(Reason("refused", {"name": name, "message": words}), detail=detail)
    reason = Reason("refused_fields", {"name": name, "fields": ", ".join(label for label, _ in wrong.values())})
    return SkipRecord(reason, detail=detail, fields={field: words for field, (_, words) in wrong.items()})


def _field(fault: Fault) -> tuple[str, str]:
    known: Mapping[str, tuple[str, str]] = {**_FIELDS, **SETTINGS}
    for key in (_CODES.get(fault.code, ""), fault.property.lower(), fault.property.lower().partition(".")[0]):
        if key in known:
            return known[key]
    return "", ""
