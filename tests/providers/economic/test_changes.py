"""Reading only what changed: by e-conomic's clock, with overlap, customers before their people, deleted people told apart."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import requests

from integrations.engine.errors import BadAnswer, FilterRefused
from integrations.engine.incremental import Marks, noted
from integrations.engine.types import Page, Ref
from integrations.kit.paging import every_page
from integrations.kit.vendor import as_json
from integrations.providers.economic.provider import Economic
from tests.kit.servers import serving
from tests.providers.economic.samples import opened, sandbox, scripted
from tests.sandboxes import Sandbox

__all__ = ["sandbox"]


def pages(provider: Economic, since: str) -> list[Page]:
    return list(every_page(lambda cursor: provider.changes(since, cursor)))


def watermark(provider: Economic) -> str:
    """As a whole reading leaves it."""
    marks = Marks()
    for resource in ("customers", "contacts"):
        for page in every_page(lambda cursor: provider.page(resource, cursor)):  # noqa: B023  used at once
            marks = noted(marks, page)
    return marks.watermark


def refs(found: list[Page]) -> list[Ref]:
    return [record.ref for page in found for record in page.records]


def test_nothing_changed_takes_two_calls(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    sandbox.control(put_customers=[{"customerNumber": 3, "city": "Ribe"}])
    since = max(page.watermark for page in pages(provider, watermark(provider)))
    sandbox.control(clear_log=True, switches={"clock": 3600})

    found = pages(provider, since)

    assert len(sandbox.log()) == 2
    assert refs(found) == [Ref("customer", "3")]  # within the overlap, and known by its version


def test_changes_of_both_kinds_with_running_numbers(sandbox: Sandbox) -> None:
    provider = opened(sandbox, env={"ECONOMIC_PAGE_SIZE": "2"})
    sandbox.control(switches={"cursor_size": 2})
    since = provider.page("customers", None).clock
    person = sandbox.state()["contacts"][0]["number"]
    sandbox.control(
        put_customers=[{"customerNumber": number, "city": "Ribe"} for number in (7, 3, 5)],
        put_contacts=[{"number": number, "phone": "1"} for number in (person, person + 1, person + 2)],
    )

    found = pages(provider, since)

    assert refs(found) == [
        *(Ref("customer", str(number)) for number in (3, 5, 7)),
        *(Ref("contact", str(person + more)) for more in (0, 1, 2)),
    ]
    assert [page.number for page in found] == list(range(len(found)))
    assert max(page.watermark for page in found) >= since


def test_reading_goes_on_from_every_cursor(sandbox: Sandbox) -> None:
    provider = opened(sandbox, env={"ECONOMIC_PAGE_SIZE": "10"})
    sandbox.control(switches={"cursor_size": 10})
    whole = pages(provider, "2020-01-01T00:00:00Z")

    for page, following in itertools.pairwise(whole):
        assert refs([provider.changes("2020-01-01T00:00:00Z", page.next)]) == refs([following])
    assert len(refs(whole)) == 45 + len(sandbox.state()["contacts"])


def test_clock_that_is_ahead_and_changes_at_the_edge(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    sandbox.control(switches={"clock": 86_400}, put_customers=[{"customerNumber": 3, "city": "Ribe"}])
    since = watermark(provider)
    # Four minutes back on their clock: still within the overlap.
    sandbox.control(switches={"clock": 86_400 - 240}, put_customers=[{"customerNumber": 4, "city": "Ribe"}])

    assert refs(pages(provider, since))[:2] == [Ref("customer", "3"), Ref("customer", "4")]


def test_deleted_contact_is_told(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    since = watermark(provider)
    number = sandbox.state()["contacts"][0]["number"]
    sandbox.control(delete_contacts=[number])

    found = pages(provider, since)

    assert [ref for page in found for ref in page.gone] == [Ref("contact", str(number))]
    assert Ref("contact", str(number)) not in refs(list(every_page(lambda cursor: provider.page("contacts", cursor))))


def test_grant_that_does_not_reach_people(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    sandbox.fail("403", path="/openapi/")
    sandbox.control(put_customers=[{"customerNumber": 3, "city": "Ribe"}])

    assert Ref("customer", "3") in refs(pages(provider, watermark_of_today(sandbox)))


def watermark_of_today(sandbox: Sandbox) -> str:
    state = sandbox.state()["customers"]
    return str(max(row["lastUpdated"] for row in state))


def test_account_that_refuses_the_filter() -> None:
    body = {"message": "Could not parse query string filter.", "errors": ["x"], "allowedFilteringFields": ["name"]}
    with serving(as_json(body, 400)) as (_, url):
        with pytest.raises(FilterRefused):
            scripted(url).changes("2026-01-01T00:00:00Z", None)
        with pytest.raises(FilterRefused):
            scripted(url).changes("2026-01-01T00:00:00Z", {"list": "contacts", "first": 1})
        with pytest.raises(BadAnswer):
            scripted(url).page("customers", None)


def test_walk_is_not_disturbed_by_deletions(sandbox: Sandbox) -> None:
    provider = opened(sandbox, env={"ECONOMIC_PAGE_SIZE": "10"})
    sandbox.fail("drift", path="/rest/customers", times=2, skip=1)
    before = {row["customerNumber"] for row in sandbox.state()["customers"]}

    found = list(every_page(lambda cursor: provider.page("customers", cursor)))

    assert {int(ref.id) for ref in refs(found)} == before
    assert {page.total for page in found} == {45}


@pytest.mark.parametrize("since", ["", "yesterday", "2026"])
def test_watermark_that_is_none_reads_all(sandbox: Sandbox, since: str) -> None:
    assert len([ref for ref in refs(pages(opened(sandbox), since)) if ref.kind == "customer"]) == 45


@pytest.mark.parametrize(
    "body",
    [
        {"items": None},
        {"collection": []},
        [],
        {"items": [], "cursor": "more"},
    ],
)
def test_contacts_that_are_no_list(body: Any) -> None:
    with serving(as_json(body)) as (_, url), pytest.raises(BadAnswer):
        scripted(url).page("contacts", None)


def test_list_that_stops_in_the_middle() -> None:
    body = {"collection": [], "pagination": {"nextPage": "more", "results": 9}}
    with serving(as_json(body)) as (_, url):
        for resource in ("customers", "invoices"):
            with pytest.raises(BadAnswer):
                scripted(url).page(resource, None)


def test_fifty_thousand_customers_are_fifty_calls(sandbox: Sandbox) -> None:
    requests.post(f"{sandbox.url}/economic/_control", json={"reset": {"clients": 2500, "invoices": 10}}, timeout=90)
    provider = opened(sandbox)

    found = list(every_page(lambda cursor: provider.page("customers", cursor)))

    assert [len(page.records) for page in found] == [1000, 1000, 500]
    assert len(sandbox.log()) == 3
