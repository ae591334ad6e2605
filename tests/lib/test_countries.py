import pytest
from babel import Locale

from crmsync.lib import countries

SPELLINGS = {
    "GB": "GB|gb|GBR|UK|U.K.|England|Scotland|Great Britain|United Kingdom|  united   kingdom "
    "|The United Kingdom|Reino Unido|Royaume-Uni|Storbritannien",
    "BR": "Brazil|Brasil|BRASIL|Br\u00e9sil|Brasilien|BRA",
    "DK": "Danmark|DNK|Dinamarca|danemark",
    "US": "USA|U.S.A.|United States of America|EUA|\u00c9tats-Unis",
    "CI": "Cote d'Ivoire|C\u00f4te d\u2019Ivoire|Ivory Coast",
    "DE": "Deutschland|DEU|Alemanha|Allemagne|Tyskland",
    "NL": "Holland|The Netherlands",
    "XK": "Kosovo",
    "TR": "Turkey|T\u00fcrkiye",
    "HK": "Hong Kong",
    "CZ": "Czech Republic",
    "GG": "Guernsey",
    "": "|Atlantis|XX|EU|ZZ|European Union|Unknown Region|SUN|123",
}


@pytest.mark.parametrize(("text", "code"), [(text, code) for code, spellings in SPELLINGS.items() for text in spellings.split("|")])
def test_country_code(text: str, code: str) -> None:
    assert countries.country_code(text) == code


@pytest.mark.parametrize(
    ("code", "locale", "name"),
    [
        ("GB", "en-gb", "United Kingdom"),
        ("GB", "pt-br", "Reino Unido"),
        ("DK", "da", "Danmark"),
        ("BR", "fr", "Br\u00e9sil"),
        ("BR", "xx", "Brazil"),
        ("", "en", ""),
        ("QQ", "en", "QQ"),
        ("ZZ", "en", "ZZ"),
    ],
)
def test_country_name(code: str, locale: str, name: str) -> None:
    assert countries.country_name(code, locale) == name


@pytest.mark.parametrize("language", countries.LANGUAGES)
def test_every_name_leads_back_to_its_code(language: str) -> None:
    names = {code: countries.country_name(code, language) for code in countries.country_codes()}
    assert {code: countries.country_code(name) for code, name in names.items()} == {code: code for code in names}


def test_every_code_leads_to_itself() -> None:
    assert [code for code in countries.country_codes() if countries.country_code(code.lower()) != code] == []
    assert len(countries.country_codes()) > 245


def test_our_other_names_are_of_known_countries() -> None:
    assert set(countries.OTHER_NAMES) <= countries.country_codes()
    assert set(countries.LANGUAGES) <= {Locale.parse(language).language for language in countries.LANGUAGES}


def test_choices_are_in_the_order_of_names() -> None:
    names = [name for _, name in countries.country_choices("fr")]
    assert names.index("\u00c9tats-Unis") < names.index("Finlande") < names.index("Zambie")
