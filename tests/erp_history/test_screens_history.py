"""The tab History: days, tables, filters, a request with its answer; the Excel file asked for, watched, downloaded in parts."""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.scoping import workspace_tx
from erp_history.domain import exports
from erp_history.domain.tables import TABLES
from erp_history.enums import ExportStatus
from erp_history.models import ErpDue, ErpExport, ErpRequest, ErpSource
from tests.erp_history.makers import company, post, push
from tests.fixtures import Cast

BASE = "/w/hartwell/settings/erp/"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def files(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def pushed(erp: Client) -> Client:
    push(erp, "empresa", [company("C1"), {"codigo_erp": "BAD"}])
    push(erp, "vendedor", [{"codigo_erp": "V1", "nome": "Ana"}])
    post(erp, "fatura", b'[{"token": "hush hush", "password": "hush hush"')
    return erp


def text_of(response: Any) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split()))


def tables_of(response: Any) -> list[str]:
    return [row.table for row in response.context["rows"]]


def test_requests_are_listed_and_filtered(cast: Cast, alice: Client, pushed: Client) -> None:
    page = alice.get(f"{BASE}history/")
    assert tables_of(page) == ["fatura", "vendedor", "empresa"]
    assert all(str(table.text) in text_of(page) for table in TABLES.values())
    assert tables_of(alice.get(f"{BASE}history/", {"tables": ["empresa", "vendedor"]})) == ["vendedor", "empresa"]
    assert tables_of(alice.get(f"{BASE}history/", {"outcome": "rejected"})) == ["empresa"]
    assert tables_of(alice.get(f"{BASE}history/", {"outcome": "refused"})) == ["fatura"]
    assert tables_of(alice.get(f"{BASE}history/", {"key": "BAD"})) == ["empresa"]
    assert tables_of(alice.get(f"{BASE}history/", {"key": "nothing"})) == []
    wrong = alice.get(f"{BASE}history/", {"key": "x\x00", "tables": "bogus", "first": "x", "outcome": "y"})
    assert (wrong.status_code, set(wrong.context["asked"].form.errors)) == (200, {"key", "tables", "first", "outcome"})
    assert tables_of(alice.get(f"{BASE}history/", headers=HTMX)) == ["fatura", "vendedor", "empresa"]


def test_a_longer_range_says_so(cast: Cast, alice: Client, pushed: Client) -> None:
    today = timezone.now().date()
    longer = alice.get(f"{BASE}history/", {"first": (today - dt.timedelta(days=30)).isoformat(), "last": today.isoformat()})
    assert "Only the last days can be shown" in text_of(longer)
    assert "goes back 7 days" in text_of(longer)
    shorter = alice.get(f"{BASE}history/", {"first": today.isoformat(), "last": today.isoformat()})
    assert "Only the last days can be shown" not in text_of(shorter)
    with workspace_tx(cast.workspace):
        ErpSource.objects.update(retention_days=3)
    assert "goes back 3 days" in text_of(alice.get(f"{BASE}history/", {"first": (today - dt.timedelta(days=5)).isoformat()}))
    turned = alice.get(f"{BASE}history/", {"first": today.isoformat(), "last": (today - dt.timedelta(days=1)).isoformat()})
    assert "This day is before the first one." in text_of(turned)


def test_a_request_with_its_answer_and_without_secrets(cast: Cast, alice: Client, bob: Client, charlie: Client, pushed: Client) -> None:
    with workspace_tx(cast.workspace):
        refused, _seller, companies = ErpRequest.objects.order_by("-id")
    text = text_of(alice.get(f"{BASE}history/{companies.pk}/"))
    assert "POST /api/v1/erp/empresa/" in text
    assert "BAD 1 razao_social" in text
    assert "Company C1" in text
    page = alice.get(f"{BASE}history/{refused.pk}/").content.decode()
    assert "hush" not in page
    assert "400" in page
    assert bob.get(f"{BASE}history/{refused.pk}/").status_code == 403
    assert charlie.get(f"/w/elsewhere/settings/erp/history/{refused.pk}/").status_code == 404


def test_many_requests_are_paged_at_constant_cost(cast: Cast, alice: Client, erp: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as found:
            assert alice.get(f"{BASE}history/").status_code == 200
        return len(found)

    push(erp, "empresa", [company("C0")])
    alice.get(f"{BASE}history/")
    before = cost()
    for number in range(60):
        push(erp, "empresa", [company(f"C{number}")])
    assert cost() == before
    first = alice.get(f"{BASE}history/", headers=HTMX)
    second = alice.get(first.context["next_url"], headers=HTMX)
    assert [len(page.context["rows"]) for page in (first, second)] == [50, 11]
    assert len(alice.get(f"{BASE}history/?cursor=broken", headers=HTMX).context["rows"]) == 50


def made(cast: Cast, alice: Client, **data: Any) -> ErpExport:
    assert alice.post(f"{BASE}exports/", data).status_code == 302
    export = exports.advance(cast.workspace)
    assert export is not None
    assert (export.status, export.error) == (ExportStatus.READY, "")
    return export


def test_an_excel_file_is_asked_for_watched_and_downloaded(cast: Cast, alice: Client, pushed: Client) -> None:
    alice.post(f"{BASE}exports/", {"tables": ["empresa"]})
    with workspace_tx(cast.workspace):
        export = ErpExport.objects.get()
    assert (export.tables, export.requested_by_id) == (["empresa"], cast.alice.pk)
    assert ErpDue.objects.filter(workspace=cast.workspace).exists()
    line = alice.get(f"{BASE}exports/{export.pk}/").content.decode()
    assert "every 2s" in line
    again = alice.post(f"{BASE}exports/", {"tables": ["empresa"]}, follow=True)
    assert "is being made already" in text_of(again)

    exports.advance(cast.workspace)
    line = alice.get(f"{BASE}exports/{export.pk}/").content.decode()
    assert "every 2s" not in line
    assert f"{BASE}exports/{export.pk}/file/" in line
    file = alice.get(f"{BASE}exports/{export.pk}/file/")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(file.streaming_content)))  # type: ignore[attr-defined]
    assert book.sheetnames == ["empresa", "Requests", "Remarks"]
    assert re.fullmatch(r'attachment; filename="ERP hartwell \d{4}-\d\d-\d\d \d{4}-\d\d-\d\d\.xlsx"', file["Content-Disposition"])


def test_without_ticks_everything_that_the_list_shows_is_in_it(cast: Cast, alice: Client, pushed: Client) -> None:
    pushed.post("/api/v1/erp/nothing/", data=b"[]", content_type="application/json")
    listed = alice.get(f"{BASE}history/").context["rows"]
    export = made(cast, alice)

    assert export.tables == list(TABLES)
    path = exports.file_of(export)
    assert path is not None
    numbers = [row[0] for row in openpyxl.load_workbook(path)["Requests"].iter_rows(min_row=2, values_only=True)]
    assert numbers == sorted(row.pk for row in listed)
    assert len(numbers) == 4


def test_a_broken_download_goes_on(cast: Cast, alice: Client, pushed: Client) -> None:
    export = made(cast, alice)
    address = f"{BASE}exports/{export.pk}/file/"

    def part(**headers: str) -> tuple[int, bytes, Any]:
        response = alice.get(address, headers=headers)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        return response.status_code, body, response

    status, whole, response = part()
    assert (status, len(whole), response["Accept-Ranges"]) == (200, export.size, "bytes")
    tag = response["ETag"]
    begin = part(Range="bytes=0-999")
    rest = part(Range="bytes=1000-", **{"If-Range": tag})
    assert [begin[0], rest[0]] == [206, 206]
    assert rest[2]["Content-Range"] == f"bytes 1000-{export.size - 1}/{export.size}"
    assert hashlib.sha256(begin[1] + rest[1]).digest() == hashlib.sha256(whole).digest()
    assert part(Range="bytes=-10")[1] == whole[-10:]
    assert part(Range="bytes=1000-", **{"If-Range": '"other"'})[:2] == (200, whole)
    assert part(Range="bytes=0-1,4-5")[:2] == (200, whole)
    assert part(Range="bytes=5-1")[:2] == (200, whole)
    beyond = part(Range=f"bytes={export.size}-")
    assert (beyond[0], beyond[2]["Content-Range"]) == (416, f"bytes */{export.size}")
    head = alice.head(address)
    assert (head["Content-Length"], head.getvalue()) == (str(export.size), b"")


def test_nobody_else_gets_the_file(cast: Cast, alice: Client, bob: Client, charlie: Client, pushed: Client) -> None:
    export = made(cast, alice)
    for address in (f"exports/{export.pk}/file/", f"exports/{export.pk}/"):
        assert bob.get(f"{BASE}{address}").status_code == 403
        assert charlie.get(f"{BASE}{address}").status_code == 404
        assert charlie.get(f"/w/elsewhere/settings/erp/{address}").status_code == 404
    assert charlie.post(f"/w/elsewhere/settings/erp/exports/{export.pk}/cancel/").status_code == 404
    Path(exports.file_of(export) or "").unlink()
    assert alice.get(f"{BASE}exports/{export.pk}/file/").status_code == 404
    assert "deleted after a day" in text_of(alice.get(f"{BASE}exports/{export.pk}/"))


def test_an_export_is_cancelled(cast: Cast, alice: Client, pushed: Client) -> None:
    alice.post(f"{BASE}exports/")
    with workspace_tx(cast.workspace):
        export = ErpExport.objects.get()
    assert alice.post(f"{BASE}exports/{export.pk}/cancel/").status_code == 302
    assert exports.advance(cast.workspace) is None
    assert "Cancelled" in text_of(alice.get(f"{BASE}exports/{export.pk}/"))
