"""Big Excel files, fast: whole columns of ready text become cells, and rows go straight into the archive.

Texts are inline strings, so nothing can become a formula. Ten times as fast as a call per cell, with a page of rows in memory.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self, cast
from xml.sax.saxutils import quoteattr

from crmsync.lib.sheets import CELL_CHARACTERS, NOT_IN_XML, SHEET_ROWS, sheet_name
from crmsync.lib.text import clip

# What a cell shows: text; a number; a day or a moment as Excel's count of days since 1899-12-30; 0 or 1.
Kind = Literal["text", "number", "date", "moment", "boolean"]
Page = Sequence[Sequence[str]]

LEVEL = 1  # of compression: the next ones take thrice the time for a tenth of the size
EXACT_DIGITS = 15
# Signs that XML or Excel reads as something else, and white space that XML would drop.
AWKWARD = re.compile("[&<>\x00-\x09\x0b-\x1f\ud800-\udfff\ufffe\uffff]|(?:\\A|\n) | (?:\n|\\Z)|_x[0-9A-Fa-f]{4}_")
ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
NUMBERS = re.compile(r"(?:(?:-?[0-9]+(?:\.[0-9]+)?)?\n)*", re.ASCII)
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
OPENINGS: dict[str, str] = {
    "number": "<c><v>",
    "date": '<c s="1"><v>',
    "moment": '<c s="2"><v>',
    "boolean": '<c t="b"><v>',
}
TEXT, TEXT_END = '<c t="inlineStr"><is><t>', "</t></is></c>"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
OVERRIDE = '<Override PartName="/xl/{}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.{}+xml"/>'
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DEFAULTS = (
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Default Extension="xml" ContentType="application/xml"/>{OVERRIDE.format("workbook", "sheet.main")}'
    f"{OVERRIDE.format('styles', 'styles')}"
)
ROOT_LINKS = (
    f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{DOCUMENT}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
PLAIN_STYLE = 'numFmtId="0" fontId="0" fillId="0" borderId="0"'
STYLES = (
    f'{HEAD}<styleSheet xmlns="{MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    f'<cellStyleXfs count="1"><xf {PLAIN_STYLE}/></cellStyleXfs><cellXfs count="4"><xf {PLAIN_STYLE} xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    kind: Kind = "text"


@dataclass(slots=True)
class Unsent:
    """Stands for a file while a workbook is sent as it is made: nobody can go back in it, and `take` empties it."""

    _blocks: list[bytes] = field(default_factory=list)

    def write(self, block: bytes) -> int:
        self._blocks.append(bytes(block))
        return len(block)

    def flush(self) -> None:
        """What was written is here already."""

    def close(self) -> None:
        self._blocks.clear()

    def take(self) -> bytes:
        taken = b"".join(self._blocks)
        self._blocks.clear()
        return taken


@dataclass(slots=True)
class Workbook:
    """A workbook in the making: `begin` a sheet, `write` pages of it, `close`. A sheet that is full goes on in a next one."""

    path: Path | Unsent
    sheet_rows: int = SHEET_ROWS
    _archive: zipfile.ZipFile = field(init=False)
    _sheet: IO[bytes] | None = None
    _names: list[str] = field(default_factory=list)
    _name: str = ""
    _columns: Sequence[Column] = ()
    _position: int = 0

    def __post_init__(self) -> None:
        file = cast("IO[bytes]", self.path) if isinstance(self.path, Unsent) else self.path
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def begin(self, name: str, columns: Sequence[Column]) -> None:
        """Start a sheet."""
        self._end()
        self._name, self._columns = name, columns
        self._open()

    def write(self, page: Page) -> None:
        """Add rows, given as one sequence of texts per column; "" is an empty cell."""
        size = len(page[0]) if page else 0
        start = 0
        while start < size:
            if self._position == self.sheet_rows:
                self._end()
                self._open()
            stop = min(size, start + self.sheet_rows - self._position)
            part = page if (start, stop) == (0, size) else [values[start:stop] for values in page]
            self._put(_rows_of([(column.kind, values) for column, values in zip(self._columns, part, strict=True)], stop - start))
            self._position += stop - start
            start = stop

    def close(self) -> None:
        """Finish the file."""
        if not self._names:
            self.begin("Sheet", [])
        self._end()
        self._contents()
        self._archive.close()

    def abandon(self) -> None:
        """Let go of the file without finishing it; the caller takes it away."""
        raw = self._archive.fp
        self._archive.fp = None  # an archive that is not finished must not be written to any more
        if raw is not None:
            raw.close()

    def _open(self) -> None:
        self._names.append(sheet_name(self._name, self._names))
        # What is sent while it is made tells its size afterwards; Excel takes that, but not in the form for more than 4 GB.
        is_file = isinstance(self.path, Path)
        self._sheet = self._archive.open(f"xl/worksheets/sheet{len(self._names)}.xml", "w", force_zip64=is_file)
        self._position = 0
        widths = "".join(
            f'<col min="{number}" max="{number}" width="{min(max(len(column.title) + 2, 12), 40)}" customWidth="1"/>'
            for number, column in enumerate(self._columns, 1)
        )
        titles = "".join(text_cell(column.title).replace("<c ", '<c s="3" ', 1) for column in self._columns)
        self._put(
            f'{HEAD}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">'
            '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
            f"{f'<cols>{widths}</cols>' if widths else ''}<sheetData><row>{titles}</row>"
        )

    def _put(self, text: str) -> None:
        if self._sheet is None:
            raise ValueError("begin a sheet first")
        self._sheet.write(text.encode())

    def _end(self) -> None:
        if self._sheet is not None:
            self._put("</sheetData></worksheet>")
            self._sheet.close()
            self._sheet = None

    def _contents(self) -> None:
        numbers = range(1, len(self._names) + 1)
        sheets = "".join(
            f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>' for n, name in zip(numbers, self._names, strict=True)
        )
        links = "".join(f'<Relationship Id="rId{n}" Type="{DOCUMENT}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers)
        styles = f'<Relationship Id="rId{len(self._names) + 1}" Type="{DOCUMENT}/styles" Target="styles.xml"/>'
        types = "".join(OVERRIDE.format(f"worksheets/sheet{n}", "worksheet") for n in numbers)
        parts = {
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{DOCUMENT}"><sheets>{sheets}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}{styles}</Relationships>',
            "_rels/.rels": ROOT_LINKS,
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">{DEFAULTS}{types}</Types>',
        }
        self._archive.writestr("xl/styles.xml", STYLES)
        for name, text in parts.items():
            self._archive.writestr(name, HEAD + text)


def _rows_of(columns: Sequence[tuple[Kind, Sequence[str]]], size: int) -> str:
    """Rows as XML. A column that is the same all the way down is written once and stands behind its neighbour's cells."""
    opening = "<row>"
    varying: list[tuple[Kind, Sequence[str]]] = []
    behind: list[str] = []
    for kind, values in columns:
        if values[0] != values[-1] or values.count(values[0]) != size:
            varying.append((kind, values))
            behind.append("")
        elif behind:
            behind[-1] += one_cell(kind, values[0])
        else:
            opening += one_cell(kind, values[0])
    if not varying:
        return f"{opening}</row>" * size
    cells = [cells_of(kind, values, behind=rest) for (kind, values), rest in zip(varying, behind, strict=True)]
    return opening + f"</row>{opening}".join(map("".join, zip(*cells, strict=True))) + "</row>"


def cells_of(kind: Kind, values: Sequence[str], *, behind: str = "") -> list[str]:
    """A column as cells, each with what stands behind it. Values that are right as they stand are not looked at one by one."""
    joined = "\n".join(values)
    empty = f"<c/>{behind}"
    if kind == "text":
        is_broken = joined.count("\n") >= len(values)  # a value has lines of its own
        is_long = len(joined) > CELL_CHARACTERS and max(map(len, values)) > CELL_CHARACTERS
        if is_broken or is_long or AWKWARD.search(joined):
            return [text_cell(value) + behind if value else empty for value in values]
        end = f"{TEXT_END}{behind}"
        return [f"{TEXT}{value}{end}" if value else empty for value in values]
    if NUMBERS.fullmatch(f"{joined}\n") and max(map(len, values)) <= EXACT_DIGITS:
        opening, end = OPENINGS[kind], f"</v></c>{behind}"
        return [f"{opening}{value}{end}" if value else empty for value in values]
    return [_number_cell(OPENINGS[kind], value) + behind for value in values]


def one_cell(kind: Kind, value: str) -> str:
    if not value:
        return "<c/>"
    return text_cell(value) if kind == "text" else _number_cell(OPENINGS[kind], value)


def text_cell(value: str) -> str:
    """One text as a cell, whatever it holds."""
    plain = NOT_IN_XML.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    if not plain:
        return "<c/>"
    plain = ESCAPED.sub("_x005F_", clip(plain, CELL_CHARACTERS))
    plain = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<c t="inlineStr"><is><t xml:space="preserve">{plain}</t></is></c>'


def _number_cell(opening: str, value: str) -> str:
    """A number; what Excel's floating numbers would change, and what is none, as text."""
    if not value:
        return "<c/>"
    digits = value.strip("-").replace(".", "").strip("0") if "." in value else value.strip("-0")
    if NUMBER.fullmatch(value) is None or len(digits) > EXACT_DIGITS:
        return text_cell(value)
    return f"{opening}{value}</v></c>"
