"""Names of fields for people: those of the sync, of a contact's columns, and of what a provider is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.utils.translation import gettext as _

from contacts.domain.describe import LABELS
from integrations.engine.provider import Manifest
from integrations.views.words import manifest_text

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def field_labels(manifest: Manifest, names: Iterable[str]) -> list[str]:
    """What the screens call these fields, in their order and each once."""
    ours = {each.ours: manifest_text(each.label) for each in manifest.fields}
    return list(dict.fromkeys(ours.get(name) or str(LABELS.get(name, name)) for name in names))


def sent_label(path: str) -> str:
    """`billingAddress.line1` of a provider as words: "Billing address line 1"."""
    words = " ".join(word if len(word) > 1 and word.isupper() else word.lower() for word in _WORD.findall(path))
    known = {"email": _("E-mail"), "name": _("Name"), "phone": _("Phone")}
    return known.get(words) or words[:1].upper() + words[1:] or path
