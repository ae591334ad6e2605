"""Sheets that leave the house: streamed Excel and CSV in which foreign text can never become a formula."""

import csv
import io
import math
import os
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import IO, TextIO

import xlsxwriter

from crmsync.lib.text import clip, strip_nul

Rows = Iterable[Iterable[object]]
Sheet = tuple[str, Sequence[str], Rows]

SHEET_ROWS = 1_048_575  # below the header
CELL_CHARACTERS = 32_767
EXACT_INTEGER = 2**53
EXACT_DIGITS = 15
XLSX_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
NOT_IN_FILE_NAMES = re.compile('[<>:"/\\\\|?*%;\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]')
RESERVED_FILE_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
# The full-width signs count: spreadsheets read them as the plain ones.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class ArchiveError(ValueError):
    """An uploaded workbook is no archive, or unpacks to more than anybody needs."""


def write_xlsx(path: Path, sheets: Iterable[Sheet], *, tz: tzinfo = UTC) -> int:
    """Write (name, header, rows) sheets row by row and count the rows; the file appears only when it is whole.

    Moments are written as the local time of `tz`, as Excel knows no zones. A sheet that is full goes on in a next one.
    """
    with tempfile.TemporaryDirectory(prefix=".xlsx-", dir=path.parent) as scratch:
        unfinished = Path(scratch, "book.xlsx")
        workbook = xlsxwriter.Workbook(str(unfinished), {**XLSX_OPTIONS, "tmpdir": scratch})
        try:
            book = _Book(workbook, tz)
            for name, header, rows in sheets:
                book.add(name, header, rows)
        finally:
            workbook.close()
        os.replace(unfinished, path)
    return book.rows


def write_csv(stream: TextIO, header: Sequence[str], rows: Rows, *, delimiter: str = ",") -> int:
    """Write CSV and count the rows. Open the stream with newline="" and, for Excel, encoding "utf-8-sig"."""
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([_csv_cell(title) for title in header])
    count = 0
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row])
        count += 1
    return count


def csv_lines(header: Sequence[str], rows: Rows, *, delimiter: str = ",") -> Iterator[str]:
    """Yield CSV text line by line, for a streamed answer."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n")
    for row in _chain(header, rows):
        writer.writerow([_csv_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def guard(text: str) -> str:
    """Put ' before text that a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS) else text


def unguard(text: str) -> str:
    """Take the ' of `guard` away again."""
    return text[1:] if text[:1] == "'" and guard(text[1:]) != text[1:] else text


def sheet_name(name: str, taken: Iterable[str] = ()) -> str:
    """Make a name that Excel accepts (31 characters, some signs not) and that no other sheet has."""
    base = " ".join(NOT_IN_SHEET_NAMES.sub(" ", _xml_text(name)).split()).strip("' ") or "Sheet"
    base = f"{base} 1" if base.casefold() == "history" else base
    used = {other.casefold() for other in taken}
    candidate, number = base[:31].rstrip("' "), 1
    while candidate.casefold() in used:
        number += 1
        ending = f" ({number})"
        candidate = base[: 31 - len(ending)].rstrip() + ending
    return candidate


def safe_filename(name: str, ending: str = "", *, default: str = "export") -> str:
    """Make a file name without paths, quotes and control characters; `ending` (".xlsx") is kept whole."""
    cleaned = " ".join(NOT_IN_FILE_NAMES.sub(" ", name).split())[: 100 - len(ending)].strip(". ")
    if not cleaned or RESERVED_FILE_NAMES.fullmatch(cleaned):
        cleaned = default
    return f"{cleaned}{ending}"


def check_archive(file: IO[bytes], *, max_bytes: int = 100 * 2**20, max_ratio: int = 100, max_entries: int = 1000) -> None:
    """Refuse a zip bomb by its directory, before any of it is unpacked; `zipfile` reads no more than the directory states."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise ArchiveError("The file is no Excel workbook.") from error
    finally:
        file.seek(0)
    unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if len(entries) > max_entries or unpacked > max_bytes or unpacked > max(max_ratio * packed, 2**20):
        raise ArchiveError("The file unpacks to more than is allowed.")


class _Book:
    """One workbook in the making: its formats, the names taken, and the rows so far."""

    def __init__(self, workbook: xlsxwriter.Workbook, tz: tzinfo) -> None:
        self.rows = 0
        self._workbook = workbook
        self._tz = tz
        self._names: list[str] = []
        self._head = workbook.add_format({"bold": True, "bottom": 1})
        self._moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})

    def add(self, name: str, header: Sequence[str], rows: Rows) -> None:
        worksheet, position = self._begin(name, header), 0
        for row in rows:
            if position == SHEET_ROWS:
                worksheet, position = self._begin(name, header), 0
            position += 1
            self.rows += 1
            for column, value in enumerate(row):
                self._write(worksheet, position, column, value)

    def _begin(self, name: str, header: Sequence[str]) -> xlsxwriter.worksheet.Worksheet:
        self._names.append(sheet_name(name, self._names))
        worksheet = self._workbook.add_worksheet(self._names[-1])
        worksheet.freeze_panes(1, 0)
        for column, title in enumerate(header):
            worksheet.set_column(column, column, min(max(len(title) + 2, 12), 40))
            worksheet.write_string(0, column, _cell_text(title), self._head)
        return worksheet

    def _write(self, worksheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, value: object) -> None:
        if value is None or value == "":
            return
        if isinstance(value, bool):
            worksheet.write_boolean(row, column, value)
        elif isinstance(value, int | float | Decimal) and _is_exact(value):
            worksheet.write_number(row, column, float(value))
        elif isinstance(value, datetime) and value.year > 1900:
            worksheet.write_datetime(row, column, self._wall_clock(value), self._moment)
        elif isinstance(value, date) and value.year > 1900:
            worksheet.write_datetime(row, column, value)
        else:
            worksheet.write_string(row, column, _cell_text(_plain(value)))

    def _wall_clock(self, moment: datetime) -> datetime:
        return moment if moment.tzinfo is None else moment.astimezone(self._tz).replace(tzinfo=None)


def _is_exact(value: int | float | Decimal) -> bool:
    """Tell whether Excel's floating numbers hold the value; what they would change is written as text."""
    if isinstance(value, Decimal):
        return value.is_finite() and len(value.normalize().as_tuple().digits) <= EXACT_DIGITS and abs(value.adjusted()) < 300
    if isinstance(value, int):
        return abs(value) <= EXACT_INTEGER
    return math.isfinite(value)


def _plain(value: object) -> str:
    """Write a value as text that means the same everywhere."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _csv_cell(value: object) -> str:
    plain = strip_nul(_plain(value))
    return plain if isinstance(value, int | float | Decimal) else guard(plain)


def _cell_text(text: str) -> str:
    return clip(_xml_text(text), CELL_CHARACTERS)


def _xml_text(text: str) -> str:
    return NOT_IN_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _chain(header: Sequence[str], rows: Rows) -> Iterator[Iterable[object]]:
    yield header
    yield from rows
