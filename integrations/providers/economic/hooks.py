"""Webhooks. Calls carry numbers in merge fields; how they are written is up to whoever entered the address, so every way is understood."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import orjson

from integrations.engine.errors import BadSettings
from integrations.engine.hooks import Hint, HookAddress, HookCall, Subscription
from integrations.engine.provider import gettext_noop
from integrations.engine.types import Reason, Ref
from integrations.kit.values import identity, text
from integrations.providers.economic.records import CUSTOMER, INVOICE

CUSTOMER_UPDATED, INVOICE_BOOKED = "CUSTOMER_UPDATED", "INVOICE_BOOKED"
EVENTS = (CUSTOMER_UPDATED, INVOICE_BOOKED)
_LARGEST = 64 * 1024  # of a body that is looked at
_NAMES = {
    "old": ("old", "oldnumber", "oldcustomernumber"),
    "new": ("new", "newnumber", "newcustomernumber", "number", "customernumber", "customerno"),
    "invoice": ("invoice", "invoiceno", "invoicenumber", "bookedinvoicenumber"),
}
_MEANING = {name: meaning for meaning, names in _NAMES.items() for name in names}
_QUERIES = {CUSTOMER_UPDATED: {"old": "[OLDNUMBER]", "new": "[NEWNUMBER]"}, INVOICE_BOOKED: {"invoice": "[INVOICENO]"}}
_LABELS = {CUSTOMER_UPDATED: gettext_noop("Customer updated"), INVOICE_BOOKED: gettext_noop("Invoice booked")}
_TITLES = {CUSTOMER_UPDATED: "CRM: customer updated", INVOICE_BOOKED: "CRM: invoice booked"}
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


def hints(call: HookCall) -> Sequence[Hint]:
    """What a call points to. Nothing in it is believed but numbers; a call without any gives nothing, and never an error."""
    found: dict[str, str] = {}
    for name, value in _pairs(call):
        meaning, number = _MEANING.get(re.sub(r"[^a-z]", "", name.casefold())), _number(value)
        if meaning and number:
            found.setdefault(meaning, number)
    return [
        *_customers(found.get("old", ""), found.get("new", "")),
        *([Hint(Ref(INVOICE, found["invoice"]))] if "invoice" in found else []),
    ]


def _customers(old: str, new: str) -> Iterator[Hint]:
    """Made: no old number. Deleted: no new one. Changed: both the same. Renumbered: both, and different."""
    if new:
        yield Hint(Ref(CUSTOMER, new), was=Ref(CUSTOMER, old) if old and old != new else None)
    elif old:
        yield Hint(Ref(CUSTOMER, old))


def _number(value: Any) -> str:
    """A number, in brackets or not; "" for empty, zero, a merge field that was not filled, and everything else."""
    found = (identity(value) or text(value)).strip("[] \t\r\n\"'")
    return found if _NUMBER.fullmatch(found) else ""


def _pairs(call: HookCall) -> Iterator[tuple[str, Any]]:
    """Names and values of the query, the body (JSON or form), and the path: `/old/12/new/13/`, `/old=12/new=13/`."""
    yield from _form(call.query)
    body = call.body[:_LARGEST]
    try:
        yield from _flat(orjson.loads(body), "")
    except orjson.JSONDecodeError:
        yield from _form(body.decode(errors="replace"))
    parts = [unquote(part) for part in call.path.split("/") if part]
    for part, following in pairwise([*parts, ""]):
        name, equals, value = part.partition("=")
        yield (name, value) if equals else (part, following)


def _form(words: str) -> Iterator[tuple[str, str]]:
    try:
        yield from parse_qsl(words.strip().lstrip("?"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return


def _flat(value: Any, name: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and depth < 5:
        for key, inner in value.items():
            yield from _flat(inner, key, depth + 1)
    elif isinstance(value, list) and depth < 5:
        for inner in value[:100]:
            yield from _flat(inner, name, depth + 1)
    else:
        yield name, value


def addresses(root: str) -> list[HookAddress]:
    """What a person enters for the classic webhooks; brackets stay as they are, since e-conomic looks for them."""
    return [HookAddress(event, _LABELS[event], _address(root, event)) for event in EVENTS]


def _address(root: str, event: str) -> str:
    return f"{root.rstrip('/')}/?{urlencode(_QUERIES[event], safe='[]')}"


def must_be_reachable(root: str) -> None:
    """Raises BadSettings: e-conomic calls over https only."""
    if urlsplit(root).scheme != "https":
        raise BadSettings(Reason("hooks_need_https"), field="webhooks")


def new_webhook(event: str, root: str, merge_fields: Sequence[str]) -> dict[str, Any]:
    """A webhook for the Webhooks API: the numbers travel in the body, by the merge fields that the event has."""
    return {
        "eventType": event,
        "name": _TITLES[event],
        "url": f"{root.rstrip('/')}/",
        "contentType": "application/json",
        "postData": orjson.dumps({"event": event, **_template(merge_fields)}).decode(),
    }


def _template(merge_fields: Sequence[str]) -> dict[str, str]:
    """`{"OLDNUMBER": "[OLDNUMBER]"}`; the papers show merge fields with and without brackets."""
    names = [name.strip("[]") for name in merge_fields]
    return {name: f"[{name}]" for name in names if re.sub(r"[^a-z]", "", name.casefold()) in _MEANING}


def subscription(body: Mapping[str, Any], root: str = "") -> Subscription:
    url = text(body.get("url"))
    return Subscription(
        text(body.get("eventType")), url, broken=body.get("isDisabled") is True or bool(root and url != f"{root.rstrip('/')}/")
    )


def mended(body: Mapping[str, Any], root: str, *, disabled: bool) -> dict[str, Any]:
    """A webhook as read, leading to us (or switched off), with the version that a PUT must bring."""
    kept = ("eventType", "name", "contentType", "postData", "customHeaders", "objectVersion")
    found = {name: body[name] for name in kept if body.get(name) is not None}
    return {**found, "url": f"{root.rstrip('/')}/" if root else text(body.get("url")), "isDisabled": disabled}
