"""Rows that all have the same names are read straight into columns. What comes of a body is the same as of its rows one by one."""

from __future__ import annotations

from typing import Any

import pytest

from erp_history.domain.batch import check_batch
from erp_history.domain.formats import Formats
from erp_history.domain.reading import JSON, NDJSON, Unreadable, parse
from erp_history.domain.tables import TABLES

TABLE = TABLES["itens_nota"]
KEY = b'"codigo_nota":"N1","item":"%d"'
VALUES = [
    b'"x"', b'"\\u0000"', b'"\\ud800"', b'"a\x01"', b'"\xff"', b'"\xc3\xa9"', b'" Caf\xc3\xa9 "', b'"}"', b'"a:b"', b'"a\\":b"', b'""',
    b"null", b"true", b"1", b"-0", b"01", b"1.", b"NaN", b"1e400", b"1E3", b"12.50", b"9223372036854775808", b"123456789012345678901234",
    b"[1]", b'{"a":1}', b'"x","unidade":"y"', b'"x","outra":1', b'"x" : 1', b'"x",', b"",
]  # fmt: skip


def outcome(body: bytes, *, kind: str, names: Any) -> Any:
    try:
        batch = check_batch(TABLE, parse(body, kind=kind, names=names), Formats())
    except Unreadable as error:
        return error.status, error.code, error.message
    sent = {name: column for name, column in batch.columns.items() if set(column) != {None}}
    return batch.received, batch.size, batch.keys, sent, [error.as_json() for error in [*batch.errors, *batch.warnings]]


def row(number: int, value: bytes, *, name: bytes = b"unidade") -> bytes:
    return b'{%s,"%s":%s}' % (KEY % number, name, value)


@pytest.mark.parametrize("name", [b"unidade", b"quantidade"])
@pytest.mark.parametrize("value", VALUES)
def test_by_column_and_one_by_one_are_alike(value: bytes, name: bytes) -> None:
    for rows in ([row(1, value, name=name)], [row(1, b'"1"', name=name), row(2, value, name=name), row(3, b'"2"', name=name)]):
        for kind, body in ((JSON, b"[%s]" % b",".join(rows)), (NDJSON, b"\n".join(rows))):
            assert outcome(body, kind=kind, names=TABLE.names) == outcome(body, kind=kind, names=())


def test_rows_with_the_same_names_come_by_column() -> None:
    body = b"[%s,%s]" % (row(1, b"12"), b'{ "unidade" : null, "item":"2", "codigo_nota":"N1"}')
    rows = parse(body, kind=JSON, names=TABLE.names)

    assert rows.columns == {"codigo_nota": ("N1", "N1"), "item": ("1", "2"), "unidade": (12, None)}
    assert rows.count == 2
    assert not rows.rows


@pytest.mark.parametrize("second", [b'{"codigo_nota":"N1"}', b'{"codigo_nota":"N1","item":"2","unidade":1,"cfop":"1"}', b"{}", b"[]", b"1"])
def test_rows_of_other_names_are_read_one_by_one(second: bytes) -> None:
    body = b"[%s,%s]" % (row(1, b'"UN"'), second)
    rows = parse(body, kind=JSON, names=TABLE.names)

    assert not rows.columns
    assert rows.count == 2
    assert outcome(body, kind=JSON, names=TABLE.names) == outcome(body, kind=JSON, names=())
