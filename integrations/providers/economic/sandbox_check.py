"""What e-conomic accepts as a customer or a contact. Refusals have its shapes; sentences are Danish on a Danish agreement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from integrations.kit.vendor import Refusal
from integrations.providers.economic import sandbox_data

# Property -> longest text.
TEXTS = {
    "name": 255, "address": 510, "zip": 30, "city": 50, "country": 50, "email": 255, "telephoneAndFaxNumber": 255, "mobilePhone": 50,
    "website": 255, "corporateIdentificationNumber": 40, "pNumber": 10, "vatNumber": 20, "ean": 13, "publicEntryNumber": 50, "currency": 3,
}  # fmt: skip
REFERENCES = {
    "customerGroup": "customerGroupNumber",
    "paymentTerms": "paymentTermsNumber",
    "vatZone": "vatZoneNumber",
    "layout": "layoutNumber",
    "salesPerson": "employeeNumber",
    "attention": "customerContactNumber",
    "customerContact": "customerContactNumber",
    "defaultDeliveryLocation": "deliveryLocationNumber",
}
REQUIRED = ("name", "currency", "customerGroup", "paymentTerms", "vatZone")
_KNOWN = {
    "customerGroup": {number for number, _ in sandbox_data.GROUPS},
    "paymentTerms": {number for number, *_ in sandbox_data.TERMS},
    "vatZone": {number for number, *_ in sandbox_data.ZONES},
    "layout": {number for number, _ in sandbox_data.LAYOUTS},
}
_CODES = {"paymentTerms": "E07080"}
_DANISH = {
    "missing": "Feltet skal udfyldes.",
    "long": "Teksten er for lang.",
    "unknown": "{name} '{value}' findes ikke.",
    "email": "E-mailadressen er ikke gyldig.",
    "number": "EAN-nummeret er ikke gyldigt.",
}
_ENGLISH = {
    "missing": "Required property missing.",
    "long": "String length exceeds the maximum length.",
    "unknown": "{name} '{value}' not found.",
    "email": "The e-mail address is not valid.",
    "number": "The EAN number is not valid.",
}
CONTACT_TEXTS = {"name": 255, "email": 255, "phone": 50, "notes": 2000, "eInvoiceId": 50}
Fault = tuple[str, str, str, Any]  # property, code, sentence, what came


def customer_row(body: Any, *, ignored: tuple[str, ...], danish: bool) -> dict[str, Any]:
    """The row that a POST or PUT makes: all that is not sent is empty. Raises Refusal."""
    if not isinstance(body, dict):
        raise Refusal(400, "Validation failed. 1 error found.", errorCode="E04300", errors={})
    words = _DANISH if danish else _ENGLISH
    faults = [*_nulls(body), *_required(body, words), *_texts(body, words), *_references(body, words), *_others(body, words)]
    if faults:
        raise refusal(faults)
    row: dict[str, Any] = {name: body.get(name, "") for name in TEXTS if name not in ignored}
    row |= {name: _number(body[name], REFERENCES[name]) for name in REFERENCES if name in body}
    return row | {"barred": body.get("barred") is True, "creditLimit": body.get("creditLimit", "")}


def refusal(faults: list[Fault]) -> Refusal:
    """The body that e-conomic answers a failed validation with."""
    errors: dict[str, Any] = {}
    for name, code, words, value in faults:
        fault = {"propertyName": name, "errorMessage": words, "errorCode": code, "inputValue": value, "developerHint": ""}
        errors.setdefault(name, {"errors": []})["errors"].append(fault)
    count = len(faults)
    return Refusal(
        400,
        f"Validation failed. {count} error{'s' if count > 1 else ''} found.",
        errorCode="E04300",
        developerHint="Inspect validation errors and correct your request.",
        errors=errors,
        errorCount=count,
    )


def _nulls(body: Mapping[str, Any]) -> Iterator[Fault]:
    for name, value in body.items():
        if value is None:
            yield name, "E04300", "Expected String but got Null.", None


def _required(body: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[Fault]:
    for name in REQUIRED:
        if body.get(name, "") == "":
            yield name, "E04042", words["missing"], ""


def _texts(body: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[Fault]:
    for name, longest in TEXTS.items():
        value = body.get(name, "")
        if value is not None and not isinstance(value, str):
            yield name, "E04300", "Expected String.", value
        elif value is not None and len(value) > longest:
            yield name, "E04300", words["long"], value


def _references(body: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[Fault]:
    for name, key in REFERENCES.items():
        value = body.get(name)
        if value is None:
            continue
        number = _number(value, key)
        if number < 1:
            yield name, "E04300", f"Integer {number} is less than minimum value of 1.", number
        elif name in _KNOWN and number not in _KNOWN[name]:
            yield name, _CODES.get(name, "E06000"), words["unknown"].format(name=name, value=number), number


def _others(body: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[Fault]:
    for part in str(body.get("email") or "").split():
        if "@" not in part.strip("@"):
            yield "email", "E04300", words["email"], body["email"]
    ean = str(body.get("ean") or "")
    if ean and not (ean.isdigit() and len(ean) == 13):
        yield "ean", "E04300", words["number"], ean
    currency = body.get("currency")
    if isinstance(currency, str) and currency and currency not in {code for code, _ in sandbox_data.CURRENCIES}:
        yield "currency", "E06000", words["unknown"].format(name="currency", value=currency), currency


def _number(value: Any, key: str) -> int:
    """By number, or by the last part of the address."""
    found = value.get(key) if isinstance(value, dict) else None
    if found is None and isinstance(value, dict) and isinstance(value.get("self"), str):
        last = value["self"].rpartition("/")[2]
        return int(last) if last.isdigit() else 0
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def problem(status: int, code: str, detail: str, *, at: str = "") -> Refusal:
    """The body of a refusal of the OpenAPI services."""
    errors = [{"message": detail, "errorCode": code, "property": at}] if at else []
    return Refusal(status, detail, type="about:blank", title=detail, detail=detail, errorCode=code, errors=errors)


def contact_row(body: Any, *, danish: bool) -> dict[str, Any]:
    """A contact as customersapi takes it: what does not come is empty. Raises Refusal."""
    if not isinstance(body, dict) or not isinstance(body.get("customerNumber"), int):
        raise problem(400, "CustomerDoesNotExist", "customerNumber is missing.", at="CustomerNumber")
    words = _DANISH if danish else _ENGLISH
    if not str(body.get("name") or "").strip():
        raise problem(400, "CustomerContactNameNullOrEmpty", words["missing"], at="Name")
    for name, longest in CONTACT_TEXTS.items():
        if len(str(body.get(name) or "")) > longest:
            raise problem(400, "CustomerInvalidCharacters", words["long"], at=name)
    flags = {name: body.get(name) is True for name in body if name.startswith("receive")}
    return {"customerNumber": body["customerNumber"], **{name: body.get(name) or "" for name in CONTACT_TEXTS}, **flags}
