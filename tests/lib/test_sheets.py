import csv
import io
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmsync.lib import sheets

EVIL = ["=1+1", "+45 12", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1+1", '=HYPERLINK("http://x")']


def test_csv_is_quoted_guarded_and_plain() -> None:
    stream = io.StringIO(newline="")
    count = sheets.write_csv(
        stream, ["=a", "b"], [["=1+1", -2], [Decimal("-1E+2"), None], ['say "hi", all', True], ["x\x00", date(2026, 1, 2)]]
    )
    assert count == 4
    assert stream.getvalue() == '\'=a,b\r\n\'=1+1,-2\r\n-100,\r\n"say ""hi"", all",true\r\nx,2026-01-02\r\n'


def test_csv_lines_say_the_same() -> None:
    stream, rows = io.StringIO(newline=""), [["=1", 2], ["a;b", "c"]]
    sheets.write_csv(stream, ["x", "y"], rows, delimiter=";")
    assert "".join(sheets.csv_lines(["x", "y"], iter(rows), delimiter=";")) == stream.getvalue()


@pytest.mark.parametrize("text", EVIL)
def test_guard(text: str) -> None:
    assert sheets.guard(text) == f"'{text}"
    assert sheets.unguard(sheets.guard(text)) == text


@pytest.mark.parametrize("text", ["Acme", "'quoted'", "O'Brien", "1-2", ""])
def test_harmless_text_is_left_alone(text: str) -> None:
    assert sheets.guard(text) == text
    assert sheets.unguard(text) == text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_text_survives_csv(text: str) -> None:
    (_, row) = csv.reader(io.StringIO("".join(sheets.csv_lines(["h"], [[text, "end"]])), newline=""))
    assert sheets.unguard(row[0]) == text or text.startswith("'")
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


def packed(entries: dict[str, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    file.seek(0)
    return file


def test_check_archive_lets_a_workbook_pass(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("S")
    for number in range(2000):
        sheet.append([number])
    workbook.save(tmp_path / "a.xlsx")
    with (tmp_path / "a.xlsx").open("rb") as file:
        sheets.check_archive(file)
        assert file.tell() == 0


@pytest.mark.parametrize(
    ("entries", "limits"),
    [
        ({"bomb": b"0" * 5_000_000}, {}),  # packs a thousandfold
        ({"big": bytes(range(256)) * 40}, {"max_bytes": 10_000}),
        ({f"n{n}": b"" for n in range(11)}, {"max_entries": 10}),
    ],
)
def test_check_archive_refuses_bombs(entries: dict[str, bytes], limits: dict[str, int]) -> None:
    with pytest.raises(sheets.ArchiveError, match="unpacks"):
        sheets.check_archive(packed(entries), **limits)


@pytest.mark.parametrize("content", [b"", b"name,e-mail\r\n", b"PK\x03\x04 broken"])
def test_check_archive_refuses_other_files(content: bytes) -> None:
    with pytest.raises(sheets.ArchiveError, match="no Excel"):
        sheets.check_archive(io.BytesIO(content))
