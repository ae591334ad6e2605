import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmsync.lib.taxids import TaxId, check_tax_id


@pytest.mark.parametrize(
    ("text", "country", "compact", "kind"),
    [
        ("390.533.447-05", "BR", "39053344705", "cpf"),
        ("16.727.230/0001-97", "br", "16727230000197", "cnpj"),
        ("12.abc.345/01de-35", "BR", "12ABC34501DE35", "cnpj"),
        ("DK 13 58 56 28", "DK", "13585628", "cvr"),
        ("13585628", "DK", "13585628", "cvr"),
        ("GB 980 7806 84", "GB", "980780684", "gb_vat"),
        ("980780684", "GB", "980780684", "gb_vat"),
        ("XI 980 7806 84", "GB", "XI980780684", "eu_vat"),
        ("FR 61 954 506 077", "FR", "FR61954506077", "eu_vat"),
        ("61954506077", "FR", "FR61954506077", "eu_vat"),
        ("DE136695976", "", "DE136695976", "eu_vat"),
        ("GR094259216", "GR", "EL094259216", "eu_vat"),
        ("094259216", "GR", "EL094259216", "eu_vat"),
        ("EL 094259216", "EL", "EL094259216", "eu_vat"),
        ("DK13585628", "", "13585628", "cvr"),
        ("390.533.447-05", "", "39053344705", "cpf"),
        ("16727230000197", "", "16727230000197", "cnpj"),
    ],
)
def test_valid(text: str, country: str, compact: str, kind: str) -> None:
    assert check_tax_id(text, country) == TaxId(compact, kind, valid=True, why="")


@pytest.mark.parametrize(
    ("text", "country", "kind", "why"),
    [
        ("390.533.447-06", "BR", "cpf", "check_digits"),
        ("111.111.111-11", "BR", "cpf", "check_digits"),
        ("3905334470A", "BR", "cpf", "characters"),
        ("16.727.230/0001-98", "BR", "cnpj", "check_digits"),
        ("12ABC34501DE36", "BR", "cnpj", "check_digits"),
        ("00000000000000", "BR", "cnpj", "characters"),
        ("\u06612ABC34501DE35", "BR", "cnpj", "characters"),
        ("6727230000197", "BR", "cnpj", "length"),
        ("123", "BR", "cpf", "length"),
        ("13585627", "DK", "cvr", "check_digits"),
        ("1358562", "DK", "cvr", "length"),
        ("980780685", "GB", "gb_vat", "check_digits"),
        ("DE136695977", "DE", "eu_vat", "check_digits"),
        ("n/a", "FR", "eu_vat", "characters"),
        ("", "BR", "", "length"),
        (" - ", "", "", "length"),
    ],
)
def test_invalid(text: str, country: str, kind: str, why: str) -> None:
    found = check_tax_id(text, country)
    assert (found.kind, found.valid, found.why) == (kind, False, why)


@pytest.mark.parametrize(("text", "country"), [("12-3456789", "US"), ("123456", ""), ("12345678901", ""), ("Designs", "")])
def test_not_checked(text: str, country: str) -> None:
    found = check_tax_id(text, country)
    assert (found.kind, found.valid, found.why) == ("", True, "not_checked")


@pytest.mark.parametrize(
    ("text", "country", "shown"),
    [
        ("16727230000197", "BR", "16.727.230/0001-97"),
        ("12abc34501de35", "BR", "12.ABC.345/01DE-35"),
        ("39053344705", "BR", "390.533.447-05"),
        ("1", "BR", "1"),
        ("DK13585628", "DK", "13585628"),
    ],
)
def test_display(text: str, country: str, shown: str) -> None:
    assert check_tax_id(text, country).display == shown


@given(st.text(max_size=20), st.sampled_from(["", "BR", "DK", "GB", "GR", "FR", "DE", "ES", "NL", "IE", "XI", "US"]))
def test_any_text_gets_a_settled_answer(text: str, country: str) -> None:
    found = check_tax_id(text, country)
    assert check_tax_id(found.compact, country) == found
