"""From the bytes of a request to rows: inflated within limits, decoded, parsed. Whatever cannot be read is refused as a whole."""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import orjson
from django.utils.translation import gettext as _

MAX_BYTES = 64 * 1024 * 1024
MAX_ROWS = 50_000
MAX_BRACES = 4 * MAX_ROWS
MAX_COMMAS = 80 * MAX_ROWS
# A value of a row that is read straight into columns. Longer whole numbers are for orjson, which makes a number with a fraction of them.
Value = str | Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | float | bool | None
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
    """The rows of a batch by position; those that are no rows are named in `faults` and stand there as empty ones.

    Rows that all have the same names, and only known ones, come by column instead, with no object for each row.
    """

    rows: Sequence[Mapping[str, Any]] = ()
    faults: dict[int, RowFault] = field(default_factory=dict)
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(next(iter(self.columns.values()), self.rows))


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


def parse(body: bytes, *, kind: str, encoding: str = "utf-8", names: Collection[str] = ()) -> Rows:
    """Read the rows of a body; `names`: those that a row may have."""
    text = _as_utf8(body.removeprefix(BOM), encoding=encoding)
    if kind == CSV:
        return _csv(text)
    return _json_lines(text, names) if kind == NDJSON else _uniform(text, names) or _json(text)


def _refuse_many_objects(body: bytes) -> None:
    """A few megabytes of brackets would become gigabytes of objects."""
    if body.count(b"{") > MAX_BRACES or body.count(b"[") > MAX_BRACES or (len(body) > MAX_COMMAS and body.count(b",") > MAX_COMMAS):
        raise too_many_rows()


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


def _uniform(body: bytes, names: Collection[str]) -> Rows | None:
    """Rows that have the names of the first, each once, and plain values, by column. None: others, or no JSON, to be read one by one."""
    sent = _first_names(body)
    if not sent or not sent <= frozenset(names):
        return None
    colons = body.count(b":")
    if colons > MAX_ROWS * len(sent):
        return None
    try:
        found = _decoder(sent).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if not _names_stand_once(body, len(found) * len(sent), colons=colons):
        return None
    return Rows(columns=dict(zip(_fields(sent), zip(*map(msgspec.structs.astuple, found), strict=True), strict=True)))


def _first_names(body: bytes) -> frozenset[str]:
    begin, end = body.find(b"{"), body.find(b"}")
    try:
        return frozenset(orjson.loads(body[begin : end + 1])) if begin >= 0 else frozenset()
    except orjson.JSONDecodeError:
        return frozenset()


@lru_cache(maxsize=200)
def _decoder(sent: frozenset[str]) -> msgspec.json.Decoder[list[Any]]:
    row = msgspec.defstruct("Row", [(name, Value) for name in _fields(sent)], gc=False, forbid_unknown_fields=True)
    return msgspec.json.Decoder(list[row])  # type: ignore[valid-type]  # made here


def _fields(sent: frozenset[str]) -> list[str]:
    return sorted(sent)


def _json(body: bytes) -> Rows:
    _refuse_many_objects(body)
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


def _json_lines(body: bytes, names: Collection[str]) -> Rows:
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > MAX_ROWS:
        raise too_many_rows()
    array = b"[" + b",".join(lines) + b"]"
    found = _uniform(array, names)
    if found is not None and found.count == len(lines):
        return found
    _refuse_many_objects(body)
    try:
        return _checked(orjson.loads(array), body, expected=len(lines))
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
    if body and not _names_stand_once(body, sum(map(len, found)), colons=body.count(b":")):
        faults |= _repeated_names(body, len(found))
    return Rows(found, faults)


def _names_stand_once(body: bytes, names: int, *, colons: int) -> bool:
    """As many colons as names: none stands twice, and no value holds one. False: nobody knows."""
    return colons == names or (body.count(b'":') == names and not _has_blank_before_colon(body))


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
