import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmsync.lib import sheets

EVIL = ["=1+1", "+45 12", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1+1", '=HYPERLINK("http://x")']


def test_csv_is_quoted_guarded_and_plain() -> None:
    rows = [["=1+1", -2], [Decimal("-1E+2"), None], ['say "hi", all', True], ["x\x00", date(2026, 1, 2)]]
    text = "".join(sheets.csv_lines(["=a", "b"], iter(rows)))
    assert text == '\'=a,b\r\n\'=1+1,-2\r\n-100,\r\n"say ""hi"", all",true\r\nx,2026-01-02\r\n'


@pytest.mark.parametrize("text", EVIL)
def test_guard(text: str) -> None:
    assert sheets.guard(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Acme", "'quoted'", "O'Brien", "1-2", ""])
def test_harmless_text_is_left_alone(text: str) -> None:
    assert sheets.guard(text) == text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_text_survives_csv(text: str) -> None:
    (_, row) = csv.reader(io.StringIO("".join(sheets.csv_lines(["h"], [[text, "end"]])), newline=""))
    assert row[0] in (text, f"'{text}")
    assert not row[0].startswith(sheets.FORMULA_STARTS)


@pytest.mark.parametrize(
    ("name", "taken", "cleaned"),
    [
        ("Contacts", [], "Contacts"),
        ("Contacts", ["contacts"], "Contacts (2)"),
        ("Contacts", ["contacts", "Contacts (2)"], "Contacts (3)"),
        ("a/b:c*[d]?\\", [], "a b c d"),
        ("'quoted'", [], "quoted"),
        ("History", [], "History 1"),
        ("", [], "Sheet"),
        ("x" * 40, [], "x" * 31),
        ("x" * 40, ["x" * 31], "x" * 27 + " (2)"),
    ],
)
def test_sheet_name(name: str, taken: list[str], cleaned: str) -> None:
    assert sheets.sheet_name(name, taken) == cleaned


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Acme", "Acme.xlsx"),
        ("S\u00e3o Paulo", "S\u00e3o Paulo.xlsx"),
        ("../../etc/passwd", "etc passwd.xlsx"),
        ("a\r\nSet-Cookie: x", "a Set-Cookie x.xlsx"),
        ('say "hi"; x', "say hi x.xlsx"),
        ("CON", "export.xlsx"),
        ("...", "export.xlsx"),
        ("", "export.xlsx"),
        ("x" * 200, "x" * 95 + ".xlsx"),
        ("gpj\u202eexe", "gpj exe.xlsx"),
    ],
)
def test_safe_filename(name: str, cleaned: str) -> None:
    assert sheets.safe_filename(name, ".xlsx") == cleaned
