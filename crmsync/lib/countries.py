"""Countries: ISO codes and their names in the languages we speak."""

import re
from collections.abc import Mapping
from functools import cache
from typing import cast

from babel.core import get_global

from crmsync.lib.locales import parse_locale
from crmsync.lib.text import words

LANGUAGES = ("en", "pt", "da", "fr")
CODE = re.compile(r"[A-Z]{2}")
# CLDR's groups, private use and test codes are no countries. Kosovo's XK is in wide use.
NO_COUNTRY = frozenset(["EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"])
OTHER_NAMES = {
    "GB": "UK|England|Scotland|Wales|Northern Ireland|Great Britain|Britain|United Kingdom of Great Britain and Northern Ireland"
    "|Inglaterra|Esc\u00f3cia|Pa\u00eds de Gales|Irlanda do Norte|Gr\u00e3-Bretanha|Skotland|Nordirland|Det Forenede Kongerige"
    "|Angleterre|\u00c9cosse|Pays de Galles|Irlande du Nord|Grande-Bretagne",
    "US": "USA|United States of America|America|EUA"
    "|Estados Unidos da Am\u00e9rica|\u00c9tats-Unis d'Am\u00e9rique|Amerikas Forenede Stater",
    "NL": "Holland|Holanda|Hollande",
    "CZ": "Czech Republic|Rep\u00fablica Checa|Rep\u00fablica Tcheca|R\u00e9publique tch\u00e8que|Den Tjekkiske Republik",
    "IE": "Republic of Ireland|Eire",
    "KR": "Korea|Republic of Korea",
    "TR": "Turkey",
    "CN": "People's Republic of China",
    "RU": "Russian Federation",
    "VN": "Viet Nam",
    "HK": "Hong Kong",
    "MO": "Macau|Macao",
    "CI": "Ivory Coast",
    "SZ": "Swaziland",
    "MK": "Macedonia",
    "CV": "Cape Verde",
    "BR": "Rep\u00fablica Federativa do Brasil",
    "DE": "Deutschland",
    "ES": "Espa\u00f1a",
    "IT": "Italia",
    "AT": "\u00d6sterreich",
    "SE": "Sverige",
    "NO": "Norge",
}


def country_code(text: str) -> str:
    """Find the ISO code for a code (two or three letters) or a name in one of our languages; "" when there is none."""
    return _codes().get(_key(text), "")


def country_name(code: str, locale: str) -> str:
    """Name a country in the locale's language; an unknown code stays as it is."""
    if code not in country_codes():
        return code
    return _names(locale).get(code) or _names("en")[code]


@cache
def country_codes() -> frozenset[str]:
    """All ISO codes of countries and territories."""
    return frozenset(code for code in _names("en") if CODE.fullmatch(code) and code not in NO_COUNTRY)


def country_choices(locale: str) -> list[tuple[str, str]]:
    """List (code, name) in the order of names, for a select box."""
    return sorted(((code, country_name(code, locale)) for code in country_codes()), key=lambda choice: words(choice[1]))


def _names(locale: str) -> Mapping[str, str]:
    return cast("Mapping[str, str]", parse_locale(locale).territories)


@cache
def _codes() -> dict[str, str]:
    found: dict[str, str] = {}
    for alias, codes in get_global("territory_aliases").items():
        # ISO's three letters; of the aliases of one country only (a former union has many).
        if len(alias) == 3 and alias.isalpha() and len(codes) == 1 and codes[0] in country_codes():
            found[_key(alias)] = codes[0]
    for language in LANGUAGES:
        found |= {_key(name): code for code, name in _names(language).items() if code in country_codes()}
    found |= {_key(name): code for code, names in OTHER_NAMES.items() for name in names.split("|")}
    return found | {_key(code): code for code in country_codes()}


def _key(name: str) -> str:
    # "U.K." and "Cote d'Ivoire" as "uk" and "cotedivoire": punctuation and a leading article do not count.
    parts = words(name)
    return "".join(parts[1:] if len(parts) > 1 and parts[0] == "the" else parts)
