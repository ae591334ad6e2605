"""From the bytes of a request to rows: inflated within limits, decoded, parsed. Whatever cannot be read is refused as a whole."""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.utils.translation import gettext as _

MAX_BYTES = 64 * 1024 * 1024
MAX_ROWS = 50_000
MAX_BRACES = 4 * MAX_ROWS
MAX_COMMAS = 80 * MAX_ROWS
# Names cannot be counted by their colons when white space stands between.
BLANK_BEFORE_COLON = (b" :", b"\t:", b"\n:", b"\r:")
BOM = b"\xef\xbb\xbf"
JSON, NDJSON, CSV = "json", "ndjson", "csv"
KINDS = {
    "application/json": JSON,
    "application/x-ndjson": NDJSON,
    "application/ndjson": NDJSON,
    "application/jsonl": NDJSON,
    "text/csv": CSV,
    "application/csv": CSV,
}
ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "latin-1": "latin-1", "iso-8859-1": "latin-1", "cp1252": "cp1252", "windows-1252": "cp1252"}


class Unreadable(ValueError):
    """The body cannot be read at all; `status` is what HTTP says to that."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with one row of the batch as a whole."""

    code: str
    message: str
    field: str = ""


@dataclass(slots=True)
class Rows:
    """The rows of a batch by position; those that are no rows are named in `faults` and stand there as empty ones."""

    rows: list[dict[str, Any]]
    faults: dict[int, RowFault] = field(default_factory=dict)


def inflate(raw: bytes, *, encoding: str) -> bytes:
    """Undo Content-Encoding, never making more than MAX_BYTES of it."""
    if len(raw) > MAX_BYTES:
        raise too_large()
    if encoding in ("", "identity"):
        return raw
    if encoding not in ("gzip", "x-gzip"):
        raise Unreadable("unsupported_encoding", _("Send the body plain or with gzip."), status=415)
    out, left = bytearray(), raw
    try:
        while left:
            member = zlib.decompressobj(wbits=31)
            out += member.decompress(left, MAX_BYTES + 1 - len(out))
            if len(out) > MAX_BYTES or member.unconsumed_tail:
                raise too_large()
            if not member.eof:
                raise Unreadable("bad_gzip", _("The gzip body ended too early."))
            left = member.unused_data
    except zlib.error as error:
        raise Unreadable("bad_gzip", _("The body is not valid gzip.")) from error
    return bytes(out)


def too_large() -> Unreadable:
    return Unreadable("too_large", _("The body may have at most %(size)s MiB.") % {"size": MAX_BYTES // 2**20}, status=413)


def too_many_rows() -> Unreadable:
    return Unreadable("too_many_rows", _("A request may bring at most %(count)s rows.") % {"count": MAX_ROWS}, status=413)


def parse(body: bytes, *, kind: str, encoding: str = "utf-8") -> Rows:
    """Read the rows of a body."""
    text = _as_utf8(body.removeprefix(BOM), encoding=encoding)
    if kind == CSV:
        return _csv(text)
    # A few megabytes of brackets would become gigabytes of objects.
    if text.count(b"{") > MAX_BRACES or text.count(b"[") > MAX_BRACES or (len(text) > MAX_COMMAS and text.count(b",") > MAX_COMMAS):
        raise too_many_rows()
    return _json_lines(text) if kind == NDJSON else _json(text)


def _as_utf8(body: bytes, *, encoding: str) -> bytes:
    name = ENCODINGS.get(encoding.strip().lower())
    if name is None:
        raise Unreadable("unknown_charset", _("This character set is not known: use UTF-8, ISO-8859-1 or Windows-1252."), status=415)
    if name == "utf-8":
        return body
    try:
        return body.decode(name).encode()
    except UnicodeDecodeError as error:
        raise _not_utf8() from error


def _not_utf8() -> Unreadable:
    return Unreadable("bad_charset", _("The body is not in the character set that it should be in (UTF-8 unless said)."))


def _json(body: bytes) -> Rows:
    try:
        found = orjson.loads(body) if body.strip() else None
    except orjson.JSONDecodeError as error:
        raise _bad_json(body, error) from error
    if not isinstance(found, list):
        raise Unreadable("not_an_array", _("Send a JSON array of objects."))
    return _checked(found, body)


def _bad_json(body: bytes, error: orjson.JSONDecodeError) -> Unreadable:
    try:
        body.decode()
    except UnicodeDecodeError:
        return _not_utf8()
    row = body[: error.pos].count(b"{") - 1
    detail = _("The body is not valid JSON: %(error)s (line %(line)s, column %(column)s, about row %(row)s).")
    return Unreadable("bad_json", detail % {"error": error.msg, "line": error.lineno, "column": error.colno, "row": max(row, 0)})


def _json_lines(body: bytes) -> Rows:
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > MAX_ROWS:
        raise too_many_rows()
    try:
        return _checked(orjson.loads(b"[" + b",".join(lines) + b"]"), body, expected=len(lines))
    except orjson.JSONDecodeError:
        return _line_by_line(lines)


def _line_by_line(lines: Sequence[bytes]) -> Rows:
    rows: list[Any] = []
    faults: dict[int, RowFault] = {}
    for index, line in enumerate(lines):
        try:
            rows.append(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            rows.append({})
            faults[index] = RowFault("bad_json", _("This line is not valid JSON: %(error)s.") % {"error": error.msg})
    checked = _checked(rows, b"")
    checked.faults |= faults
    return checked


def _checked(found: list[Any], body: bytes, *, expected: int | None = None) -> Rows:
    if len(found) > MAX_ROWS:
        raise too_many_rows()
    if expected is not None and len(found) != expected:
        raise Unreadable("bad_json", _("Every line must be one JSON object."))
    faults: dict[int, RowFault] = {}
    if not set(map(type, found)) <= {dict}:
        faults = {
            index: RowFault("not_an_object", _("A row is a JSON object.")) for index, row in enumerate(found) if not isinstance(row, dict)
        }
        found = [row if isinstance(row, dict) else {} for row in found]
    # As many colons as names: none stands twice, and no value holds one.
    if body and body.count(b":") != (names := sum(map(len, found))) and (body.count(b'":') != names or _has_blank_before_colon(body)):
        faults |= _repeated_names(body, len(found))
    return Rows(found, faults)


def _has_blank_before_colon(body: bytes) -> bool:
    """One byte is found many times quicker than two: most bodies hold no line ends or tabs at all."""
    return any(blank[:1] in body and blank in body for blank in BLANK_BEFORE_COLON)


def _repeated_names(body: bytes, count: int) -> dict[int, RowFault]:
    """A name twice in one object: which of the two is meant nobody can say."""
    faults: dict[int, RowFault] = {}

    def pairs(items: list[tuple[str, Any]]) -> Any:
        twice = [name for name, number in Counter(name for name, _value in items).items() if number > 1]
        return RowFault("duplicate_field", _("The field stands in the row twice."), twice[0][:60]) if twice else None

    try:
        text = body.decode()
        found = json.loads(text, object_pairs_hook=pairs) if text.lstrip().startswith("[") else _lines_of_pairs(text, pairs)
    except (ValueError, RecursionError):
        return faults
    return {index: item for index, item in enumerate(found[:count]) if isinstance(item, RowFault)}


def _lines_of_pairs(text: str, pairs: Any) -> list[Any]:
    return [json.loads(line, object_pairs_hook=pairs) for line in text.splitlines() if line.strip()]


def _csv(body: bytes) -> Rows:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8() from error
    if not text.strip():
        return Rows([])
    head = text.partition("\n")[0]
    delimiter = max(";,\t|", key=head.count)
    csv.field_size_limit(1_000_000)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in next(reader)]
        lines = [line for line in reader if line]
    except csv.Error as error:
        raise Unreadable("bad_csv", _("The body is not valid CSV: %(error)s (line %(line)s).") % _where(reader, error)) from error
    if len(lines) > MAX_ROWS:
        raise too_many_rows()
    if len(set(names)) != len(names) or "" in names:
        raise Unreadable("bad_csv", _("The first line must name every column once."))
    message = _("The row has not as many columns as the first line.")
    faults = {index: RowFault("columns", message) for index, line in enumerate(lines) if len(line) != len(names)}
    return Rows([{} if index in faults else dict(zip(names, line, strict=True)) for index, line in enumerate(lines)], faults)


def _where(reader: Any, error: csv.Error) -> dict[str, Any]:
    return {"error": error, "line": reader.line_num}
