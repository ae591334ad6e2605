"""Workbooks written in columns, opened again by another program and compared."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmsync.lib.sheets import NOT_IN_XML
from crmsync.lib.workbook import Column, Unsent, Workbook

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", '=HYPERLINK("http://x")', "＝1"]


def read(path: Path) -> dict[str, list[tuple[object, ...]]]:
    book = openpyxl.load_workbook(path)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


def test_kinds_come_back_as_they_are(tmp_path: Path) -> None:
    columns = [Column("text"), Column("number", "number"), Column("day", "date"), Column("at", "moment"), Column("flag", "boolean")]
    with Workbook(tmp_path / "a.xlsx") as book:
        book.begin("Rows", columns)
        book.write([["Padaria & <Aurora>", ""], ["-12.50", ""], ["46235", ""], ["46235.5", ""], ["1", "0"]])
        book.write([["x"], ["12345678901234567.5"], ["1850-01-01"], [""], [""]])
        book.begin("Rows", [Column("=1+1")])

    found = read(tmp_path / "a.xlsx")
    assert found["Rows"] == [
        ("text", "number", "day", "at", "flag"),
        ("Padaria & <Aurora>", -12.5, dt.datetime.fromisoformat("2026-08-01"), dt.datetime.fromisoformat("2026-08-01T12:00"), True),
        (None, None, None, None, False),
        ("x", "12345678901234567.5", "1850-01-01", None, None),
    ]
    assert found["Rows (2)"] == [("=1+1",)]


def test_it_can_be_sent_while_it_is_made(tmp_path: Path) -> None:
    unsent, blocks = Unsent(), []
    with Workbook(unsent) as book:
        book.begin("Rows", [Column("n", "number"), Column("text")])
        for start in range(0, 20_000, 2_000):
            book.write([[str(n) for n in range(start, start + 2_000)], [f"{n * 7919:x}" for n in range(start, start + 2_000)]])
            blocks.append(unsent.take())
    blocks.append(unsent.take())

    assert sum(map(bool, blocks)) > 3, "not all at once at the end"
    (tmp_path / "a.xlsx").write_bytes(b"".join(blocks))
    assert read(tmp_path / "a.xlsx")["Rows"][1:] == [(n, f"{n * 7919:x}") for n in range(20_000)]


def test_sent_and_left_off_it_writes_nothing_more() -> None:
    unsent = Unsent()
    book = Workbook(unsent)
    book.begin("Rows", [Column("n")])
    book.abandon()
    assert unsent.take() == b""


def test_nothing_becomes_a_formula(tmp_path: Path) -> None:
    with Workbook(tmp_path / "a.xlsx") as book:
        book.begin("Rows", [Column("a"), Column("b", "number")])
        book.write([FORMULAS, FORMULAS])

    cells = [cell for row in openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0].iter_rows(min_row=2) for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n"}
    assert [cell.value for cell in cells if cell.column == 1] == FORMULAS
    assert [cell.value for cell in cells if cell.column == 2] == [-1 if text == "-1" else text for text in FORMULAS]


def test_a_full_sheet_goes_on_in_the_next(tmp_path: Path) -> None:
    with Workbook(tmp_path / "a.xlsx", sheet_rows=3) as book:
        book.begin("Rows", [Column("n", "number")])
        book.write([[str(n) for n in range(5)]])
        book.write([["5", "6"]])

    assert read(tmp_path / "a.xlsx") == {
        "Rows": [("n",), (0,), (1,), (2,)],
        "Rows (2)": [("n",), (3,), (4,), (5,)],
        "Rows (3)": [("n",), (6,)],
    }


def test_an_empty_workbook_opens(tmp_path: Path) -> None:
    with Workbook(tmp_path / "a.xlsx"):
        pass

    assert list(read(tmp_path / "a.xlsx")) == ["Sheet"]


def test_after_an_error_the_file_is_let_go(tmp_path: Path) -> None:
    def break_off() -> None:
        with Workbook(tmp_path / "a.xlsx") as book:
            book.begin("Rows", [Column("a")])
            raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        break_off()

    (tmp_path / "a.xlsx").unlink()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(
        st.text(max_size=12) | st.sampled_from(["_x0041_", " a ", "a\nb", "\n", "a  b", "&amp;", "]]>"]), min_size=1, max_size=20
    )
)
def test_any_text_comes_back(tmp_path: Path, values: list[str]) -> None:
    with Workbook(tmp_path / "a.xlsx") as book:
        book.begin("Rows", [Column("a"), Column("b")])
        book.write([values, ["x"] * len(values)])

    wanted = [
        NOT_IN_XML.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).replace("_x0041_", "_x005F_x0041_") or None for value in values
    ]
    assert [row[0] for row in read(tmp_path / "a.xlsx")["Rows"][1:]] == wanted


def test_texts_longer_than_a_cell_are_cut(tmp_path: Path) -> None:
    with Workbook(tmp_path / "a.xlsx") as book:
        book.begin("Rows", [Column("a")])
        book.write([["x" * 40_000]])

    assert len(str(read(tmp_path / "a.xlsx")["Rows"][1][0])) == 32_767
