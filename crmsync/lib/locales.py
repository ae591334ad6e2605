"""Locale names as Django and browsers write them, for Babel."""

from functools import cache

from babel import Locale, UnknownLocaleError

DEFAULT = Locale("en", "GB")


@cache
def parse_locale(name: str) -> Locale:
    """Find the locale for "pt-br", "pt_BR", "da" or "en-GB"; an unknown one reads as British English."""
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return DEFAULT
