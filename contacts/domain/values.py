"""Single values: text of one line, text of many, web addresses. A ValueError carries words for the person."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from crmsync.lib.text import exact_name, has_control, strip_nul


def one_line(value: Any, *, limit: int) -> str:
    """Trimmed, in NFC, white space collapsed; None is empty."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(_("Give text."))
    text = exact_name(strip_nul(value))
    if has_control(text):
        raise ValueError(_("There is a character in it that cannot be used."))
    if len(text) > limit:
        raise ValueError(_("At most %(limit)s characters fit.") % {"limit": limit})
    return text


def paragraphs(value: Any, *, limit: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(_("Give text."))
    text = strip_nul(value).replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > limit:
        raise ValueError(_("At most %(limit)s characters fit.") % {"limit": limit})
    return text


def web_address(value: Any, *, limit: int) -> str:
    """Http and https only; "example.com" becomes "https://example.com"."""
    text = one_line(value, limit=limit)
    if not text:
        return ""
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        parts.port  # noqa: B018
    except ValueError:
        raise ValueError(_("This is not a web address.")) from None
    if parts.scheme.lower() not in ("http", "https") or "." not in host.strip(".") or " " in text or "@" in parts.netloc:
        raise ValueError(_("This is not a web address."))
    if len(text) > limit:
        raise ValueError(_("At most %(limit)s characters fit.") % {"limit": limit})
    return text
