"""Fields that a workspace added: what they may hold, and their own upkeep."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts.domain.faults import FieldError, Invalid
from contacts.domain.values import one_line, web_address
from contacts.enums import CustomFieldKind, Kind
from contacts.models import CustomField
from crmsync.lib.text import fold

MAX_FIELDS = 100
MAX_CHOICES = 200
NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,9})?", re.ASCII)
TRUE_WORDS = frozenset(["true", "1", "yes", "on"])
FALSE_WORDS = frozenset(["false", "0", "no", "off"])


def fields_of(workspace: Workspace, *, kind: str = "") -> list[CustomField]:
    """The fields in use, in order; with `kind` those for such a contact."""
    found = CustomField.objects.filter(workspace=workspace, enabled=True).order_by("position", "id")
    return [field for field in found if not kind or field.applies_to in ("", kind)]


def clean_custom(
    given: Any, *, fields: Sequence[CustomField], kind: str, held: Mapping[str, Any]
) -> tuple[dict[str, Any], list[FieldError]]:
    """Put the given values over the held ones; an empty value takes its key out."""
    if not isinstance(given, Mapping):
        return dict(held), [FieldError("custom_fields", "invalid", _("Give an object of keys and values."))]
    known = {field.key: field for field in fields}
    values, faults = dict(held), []
    for key, value in given.items():
        field = known.get(key)
        path = f"custom_fields.{str(key)[:100]}"
        if field is None or (kind and field.applies_to not in ("", kind)):
            faults.append(FieldError(path, "unknown", _("There is no such field.")))
            continue
        try:
            clean = clean_value(field, value)
        except ValueError as fault:
            faults.append(FieldError(path, "invalid", str(fault)))
            continue
        values.pop(key, None)
        if clean is not None:
            values[key] = clean
    return values, faults


def clean_value(field: CustomField, value: Any) -> Any:
    """The value as it is kept (text, number as decimal text, ISO date, bool), None when empty."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if field.kind == CustomFieldKind.CHOICE:
        return _choice(value, choices=field.choices)
    return RULES[field.kind](value)


def _text(value: Any) -> str | None:
    return one_line(value, limit=2000) or None


def _number(value: Any) -> str:
    text = str(value).strip() if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool) else ""
    if "e" in text.lower() and not isinstance(value, str):
        text = _plain(text)
    if not NUMBER.fullmatch(text):
        raise ValueError(_("Give a number, such as 12.5."))
    number = Decimal(text)
    return f"{number.normalize():f}" if number else "0"


def _plain(text: str) -> str:
    try:
        return f"{Decimal(text):f}"
    except InvalidOperation:
        return ""


def _date(value: Any) -> str:
    if isinstance(value, dt.datetime):
        value = value.date()
    if isinstance(value, dt.date):
        return value.isoformat()
    try:
        return dt.date.fromisoformat(one_line(value, limit=10)).isoformat()
    except ValueError:
        raise ValueError(_("Give a date as year-month-day, such as 2026-08-31.")) from None


def _choice(value: Any, *, choices: Sequence[str]) -> str:
    text = one_line(value, limit=200)
    if text not in choices:
        raise ValueError(_("Choose one of: %(choices)s.") % {"choices": ", ".join(choices)})
    return text


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError(_("Say yes or no."))


def _url(value: Any) -> str | None:
    return web_address(value, limit=500) or None


RULES: dict[str, Callable[[Any], Any]] = {
    CustomFieldKind.TEXT: _text,
    CustomFieldKind.NUMBER: _number,
    CustomFieldKind.DATE: _date,
    CustomFieldKind.BOOLEAN: _boolean,
    CustomFieldKind.URL: _url,
}


def apart(values: Mapping[str, Any], *, keys: Iterable[str]) -> dict[str, Any]:
    """Column values with the workspace's own fields each under a name of its own, such as custom.rate; None = empty.

    Two people who change two of them change two fields, though one column holds both.
    """
    rest = {column: value for column, value in values.items() if column != "custom"}
    return rest | {f"custom.{key}": values["custom"].get(key) for key in keys if "custom" in values}


def together(values: Mapping[str, Any], *, held: Mapping[str, Any]) -> dict[str, Any]:
    """Back to columns: own fields over the held ones, empty ones out."""
    rest = {column: value for column, value in values.items() if not column.startswith("custom.")}
    own = {column.removeprefix("custom."): value for column, value in values.items() if column.startswith("custom.")}
    return rest | ({"custom": {key: value for key, value in {**held, **own}.items() if value is not None}} if own else {})


def save_field(workspace: Workspace, data: Mapping[str, Any], *, field: CustomField | None = None) -> CustomField:
    """Add a field or change one; key and type of a field stay, since values hang on them."""
    faults: list[FieldError] = []
    is_new = field is None
    field = field or CustomField(workspace=workspace)
    label = _label(data.get("label"), faults)
    if is_new:
        if CustomField.objects.filter(workspace=workspace).count() >= MAX_FIELDS:
            faults.append(FieldError("label", "too_many", _("At most %(limit)s fields fit.") % {"limit": MAX_FIELDS}))
        field.kind = str(data.get("kind", ""))
        if field.kind not in CustomFieldKind.values:
            faults.append(FieldError("kind", "invalid", _("Choose a type.")))
        field.position = (CustomField.objects.filter(workspace=workspace).aggregate(last=Max("position"))["last"] or 0) + 1
    field.label = label
    field.applies_to = _applies_to(data.get("applies_to", field.applies_to), faults)
    field.enabled = bool(data.get("enabled", field.enabled))
    if field.kind == CustomFieldKind.CHOICE:
        field.choices = _choices(data.get("choices", field.choices), faults)
    if faults:
        raise Invalid(faults)
    if is_new:
        return _with_free_key(field)
    field.save()
    return field


def ensure_fields(workspace: Workspace, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Make those that are not there yet (key, label, kind, choices), as many as fit; what is there stays as it is."""
    known = set(CustomField.objects.filter(workspace=workspace).values_list("key", flat=True))
    last = CustomField.objects.filter(workspace=workspace).aggregate(last=Max("position"))["last"] or 0
    fresh = [each for each in wanted if each["key"] not in known and each["kind"] in CustomFieldKind.values]
    CustomField.objects.bulk_create(
        [
            CustomField(
                workspace=workspace,
                key=each["key"],
                label=str(each["label"])[:80],
                kind=each["kind"],
                choices=list(each.get("choices") or ())[:MAX_CHOICES],
                position=last + place,
            )
            for place, each in enumerate(fresh[: max(0, MAX_FIELDS - len(known))], start=1)
        ],
        ignore_conflicts=True,
    )


def _label(value: Any, faults: list[FieldError]) -> str:
    try:
        label = one_line(value, limit=80)
    except ValueError as fault:
        faults.append(FieldError("label", "invalid", str(fault)))
        return ""
    if not label:
        faults.append(FieldError("label", "required", _("Give a name.")))
    return label


def _applies_to(value: Any, faults: list[FieldError]) -> str:
    if value in ("", None, *Kind.values):
        return str(value or "")
    faults.append(FieldError("applies_to", "invalid", _("Choose people, organisations or both.")))
    return ""


def _choices(value: Any, faults: list[FieldError]) -> list[str]:
    lines = value.splitlines() if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    try:
        found = list(dict.fromkeys(filter(None, (one_line(line, limit=200) for line in lines))))
    except ValueError as fault:
        faults.append(FieldError("choices", "invalid", str(fault)))
        return []
    if not found or len(found) > MAX_CHOICES:
        faults.append(FieldError("choices", "invalid", _("Give 1 to %(limit)s choices, each on its own line.") % {"limit": MAX_CHOICES}))
    return found


def _with_free_key(field: CustomField) -> CustomField:
    """Two may add a field of one name at the same moment: the database decides who gets the key."""
    values = {name: getattr(field, name) for name in ("label", "kind", "choices", "applies_to", "position", "enabled")}
    for key in _free_keys(field):
        kept, is_new = CustomField.objects.get_or_create(workspace_id=field.workspace_id, key=key, defaults=values)
        if is_new:
            return kept
    raise AssertionError("unreachable: the keys never end")


def _free_keys(field: CustomField) -> Iterator[str]:
    stem = re.sub(r"[^a-z0-9]+", "_", fold(field.label)).strip("_")[:36] or "field"
    taken = set(CustomField.objects.filter(workspace=field.workspace_id).values_list("key", flat=True))
    keys = itertools.chain([stem], (f"{stem}_{number}" for number in itertools.count(2)))
    return (key for key in keys if key not in taken)


def order_fields(workspace: Workspace, keys: Sequence[str]) -> None:
    """Put the named fields first, in that order; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_customfield f SET position = o.position FROM unnest(%s::text[]) WITH ORDINALITY AS o(key, position)"
            " WHERE f.workspace_id = %s AND f.key = o.key",
            [list(keys), workspace.pk],
        )
