"""Countries by ISO 3166 code and by English name, as people and vendors write them."""

from __future__ import annotations

from functools import cache

from babel import Locale

from crmsync.lib.text import fold

_ALSO = {
    "uk": "GB",
    "great britain": "GB",
    "britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "england and wales": "GB",
    "united kingdom of great britain and northern ireland": "GB",
    "usa": "US",
    "u.s.a.": "US",
    "u.s.": "US",
    "united states of america": "US",
    "america": "US",
    "eire": "IE",
    "republic of ireland": "IE",
    "holland": "NL",
    "the netherlands": "NL",
    "czech republic": "CZ",
    "uae": "AE",
    "russian federation": "RU",
    "hong kong": "HK",
    "turkey": "TR",
    "el": "GR",
    "brasil": "BR",
    "danmark": "DK",
    "deutschland": "DE",
    "espana": "ES",
}


@cache
def _names() -> dict[str, str]:
    """Code -> English name, for real countries."""
    territories = Locale("en").territories
    return {
        code: str(name) for code, name in territories.items() if len(code) == 2 and code.isalpha() and code not in {"ZZ", "EU", "UN", "EZ"}
    }


@cache
def _codes() -> dict[str, str]:
    return {fold(name): code for code, name in _names().items()} | _ALSO


def country_code(text: str) -> str:
    """The ISO code of a country given as code or name; "" when it is none that we know."""
    short = text.strip().upper()
    if short in _names():
        return short
    return _codes().get(fold(text), "")


def country_name(code: str) -> str:
    """The English name; what came in when there is none."""
    return _names().get(code.strip().upper(), code)
