"""Sheets that go out: CSV in which foreign text never becomes a formula, names that Excel and file systems take."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from crmsync.lib.text import strip_nul

Rows = Iterable[Iterable[object]]

SHEET_ROWS = 1_048_575  # below the header
CELL_CHARACTERS = 32_767
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
NOT_IN_FILE_NAMES = re.compile('[<>:"/\\\\|?*%;\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]')
RESERVED_FILE_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
# The full-width signs count: spreadsheets read them as the plain ones.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_lines(header: Sequence[str], rows: Rows) -> Iterator[str]:
    """Yield CSV text line by line, for a streamed answer."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    for row in _chain(header, rows):
        writer.writerow([_csv_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def guard(text: str) -> str:
    """Put ' before text that a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS) else text


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


def _xml_text(text: str) -> str:
    return NOT_IN_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _chain(header: Sequence[str], rows: Rows) -> Iterator[Iterable[object]]:
    yield header
    yield from rows
