"""One answer to one question of a provider, checked by its FieldSpec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Team, Workspace
from contacts.domain.custom import fields_of
from contacts.enums import CustomFieldKind
from contacts.models import CustomField
from crmsync.lib.text import has_control, strip_nul
from integrations.engine.provider import FieldSpec, FieldType

TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off", ""})
LONGEST = 300


def clean_answer(spec: FieldSpec, value: Any, workspace: Workspace) -> Any:
    """The value as it is stored. Raises ValueError with a sentence."""
    if spec.required and value in (None, ""):
        raise ValueError(_("This is needed."))
    if spec.type is FieldType.CHOICE:
        return _choice(spec, value)
    if spec.type is FieldType.BOOLEAN:
        return _boolean(value)
    if spec.type is FieldType.TEAM:
        return _team(value, workspace)
    if spec.type is FieldType.INTEGER:
        return _integer(spec, value)
    if spec.type is FieldType.URL_FIELD:
        return _url_field(value, workspace)
    return _text(spec, value)


def url_fields(workspace: Workspace) -> list[CustomField]:
    """The custom fields in use that hold a web address."""
    return [field for field in fields_of(workspace) if field.kind == CustomFieldKind.URL]


def is_asked(spec: FieldSpec, answers: Mapping[str, Any]) -> bool:
    """Whether the answer matters, given the others."""
    return spec.when is None or answers.get(spec.when[0]) == spec.when[1]


def _text(spec: FieldSpec, value: Any) -> str:
    text = "" if value is None else str(value).strip()
    if len(text) > LONGEST:
        raise ValueError(_("At most %(n)s characters.") % {"n": LONGEST})
    if has_control(text):
        raise ValueError(_("Give one line of text."))
    if text and spec.pattern and not re.fullmatch(spec.pattern, text):
        raise ValueError(_(spec.help) if spec.help else _("This is not written as it should be."))
    return text


def _choice(spec: FieldSpec, value: Any) -> str:
    known = [key for key, _label in spec.choices]
    if value not in known:
        raise ValueError(_("Choose one of: %(choices)s.") % {"choices": ", ".join(known)})
    return str(value)


def _boolean(value: Any) -> bool:
    text = str(value if value is not None else "").strip().lower()
    if text not in TRUE | FALSE | {"none"}:
        raise ValueError(_("Answer true or false."))
    return text in TRUE


def _integer(spec: FieldSpec, value: Any) -> int | None:
    if value in (None, ""):
        return None
    try:
        number = int(str(value))
    except ValueError:
        raise ValueError(_("Enter a whole number.")) from None
    if spec.minimum is not None and number < spec.minimum:
        raise ValueError(_("At least %(n)s.") % {"n": spec.minimum})
    if spec.maximum is not None and number > spec.maximum:
        raise ValueError(_("At most %(n)s.") % {"n": spec.maximum})
    return number


def _team(value: Any, workspace: Workspace) -> str:
    slug = strip_nul(str(value or "")).strip()
    if slug and not Team.objects.filter(workspace=workspace, slug=slug).exists():
        raise ValueError(_("There is no team “%(team)s” in this workspace.") % {"team": slug})
    return slug


def _url_field(value: Any, workspace: Workspace) -> str:
    key = str(value or "").strip()
    if key and key not in {field.key for field in url_fields(workspace)}:
        raise ValueError(_("There is no custom field “%(field)s” for web addresses in use.") % {"field": key})
    return key
