"""What is Crunch's own: sizes of pages, paths, whose books, odd lists."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.engine.errors import BadAnswer, Gone, Reconnect, SkipRecord
from integrations.engine.provider import Provider
from integrations.engine.types import Account, Kind, Party, RawRecord, Ref
from integrations.kit.context import ProviderContext
from integrations.kit.http import Http, bearer
from integrations.kit.paging import every_page
from integrations.kit.vendor import as_json
from integrations.providers.crunch.provider import connect
from tests.kit.servers import door, serving
from tests.providers.crunch.samples import payload, record
from tests.sandboxes import Sandbox, crunch_sandbox

__all__ = ["crunch_sandbox"]

PARTY = Party(
    Kind.PERSON, {"name": "Ann Cole", "email": "ann@example.com", "address": {"line1": "1 Road", "city": "Leeds", "country": "GB"}}
)


def opened(sandbox: Sandbox, token: dict[str, Any] | None = None, **env: str) -> Provider:
    tokens = token or sandbox.token()
    http = Http(sandbox.api, authorise=bearer(lambda: tokens["access_token"]), allow_private=True, sleep=lambda seconds: None)
    sandbox.control(clear_log=True)
    return connect(ProviderContext({}, http, env, tokens))


def scripted(url: str, **env: str) -> Provider:
    return connect(ProviderContext({}, door(url), env))


@pytest.mark.parametrize(("setting", "size"), [("", 200), ("20", 20), ("1000", 200), ("0", 1), ("many", 200), ("-5", 200)])
def test_page_size_never_exceeds_what_crunch_allows(crunch_sandbox: Sandbox, setting: str, size: int) -> None:
    opened(crunch_sandbox, CRUNCH_PAGE_SIZE=setting).page("clients", None)

    assert crunch_sandbox.log()[-1]["query"] == {"page": "0", "size": str(size)}


def test_paths_are_settings() -> None:
    paths = {
        "CRUNCH_CLIENTS_PATH": "/c",
        "CRUNCH_CLIENT_PATH": "/c/one/{id}/x",
        "CRUNCH_INVOICES_PATH": "/i",
        "CRUNCH_SUPPLIERS_PATH": "/s",
        "CRUNCH_NEW_CLIENT_PATH": "/c/new",
    }
    with serving(as_json([])) as (vendor, url):
        provider = scripted(url, **paths)
        for resource in ("clients", "invoices", "suppliers"):
            provider.page(resource, None)
        vendor.replies = [as_json({"id": 5, "name": "A"})]
        provider.get(Ref("client", "5"))
        provider.update(record({"id": 5, "name": "A"}), {"name": "B"}, PARTY)
        provider.create(PARTY, key="k")

    assert [(request.method, request.path) for request in vendor.seen] == [
        ("GET", "/c"),
        ("GET", "/i"),
        ("GET", "/s"),
        ("GET", "/c/one/5/x"),
        ("PUT", "/c/one/5/x"),
        ("POST", "/c/new"),
    ]


def test_bare_array_is_one_page() -> None:
    with serving(as_json(payload("clients_page")["content"])) as (_, url):
        page = scripted(url).page("clients", None)

    assert [raw.ref.id for raw in page.records] == ["41", "42"]
    assert (page.next, page.pages, page.total) == (None, 1, 2)


def test_vendor_that_ignores_the_page_number_is_no_endless_loop() -> None:
    with serving(as_json({**payload("clients_page"), "number": None})) as (vendor, url):
        provider = scripted(url)
        with pytest.raises(BadAnswer) as caught:
            list(every_page(lambda cursor: provider.page("clients", cursor)))

    assert caught.value.reason.code == "loop"
    assert len(vendor.seen) == 2


def test_other_page_than_asked_for_is_refused() -> None:
    with serving(as_json(payload("clients_page"))) as (_, url), pytest.raises(BadAnswer) as caught:
        scripted(url).page("clients", {"page": 3, "mark": "x"})

    assert caught.value.reason.code == "loop"


def test_empty_page_in_the_middle_is_no_end() -> None:
    body = {"content": [], "last": False, "number": 1, "totalPages": 5}
    with serving(as_json(body)) as (_, url), pytest.raises(BadAnswer):
        scripted(url).page("clients", {"page": 1, "mark": "x"})


def test_page_of_junk_goes_on() -> None:
    body = {"content": [None, 5], "last": False, "number": 0}
    with serving(as_json(body)) as (_, url):
        page = scripted(url).page("clients", None)

    assert len(page.bad) == 2
    assert page.next is not None


@pytest.mark.parametrize("body", [{}, {"clients": []}, 5, "none", None, {"content": {"a": 1}}])
def test_no_list_at_all(body: Any) -> None:
    with serving(as_json(body)) as (_, url), pytest.raises(BadAnswer):
        scripted(url).page("clients", None)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_refused_list_is_nobodys_deletion(status: int) -> None:
    with serving(as_json({"message": "No."}, status)) as (_, url), pytest.raises(BadAnswer):
        scripted(url).page("clients", None)


@pytest.mark.parametrize("id", ["../secrets", "5/../6", "", "a b", "5?x=1", "5#", "%2e%2e", "ø"])
def test_odd_ids_do_not_leave_the_path(id: str) -> None:
    with serving(as_json({"id": 1})) as (vendor, url), pytest.raises(Gone):
        scripted(url).get(Ref("client", id))

    assert vendor.seen == []


def test_account_from_the_token_reply(crunch_sandbox: Sandbox) -> None:
    assert opened(crunch_sandbox).check() == Account("northlight", "Northlight Studio Ltd")


def test_account_that_nobody_tells(crunch_sandbox: Sandbox) -> None:
    crunch_sandbox.control(switches={"name_account": False})

    assert opened(crunch_sandbox).check() == Account()


def test_account_from_an_address() -> None:
    with serving(as_json({"content": []}), as_json({"id": 77, "name": "Cole Ltd"})) as (vendor, url):
        assert scripted(url, CRUNCH_ACCOUNT_PATH="/company").check() == Account("77", "Cole Ltd")

    assert vendor.seen[1].path == "/company"


def test_check_with_a_bad_token(crunch_sandbox: Sandbox) -> None:
    with pytest.raises(Reconnect):
        opened(crunch_sandbox, {"access_token": "nonsense"}).check()


def test_companies_have_their_own_books(crunch_sandbox: Sandbox) -> None:
    second = crunch_sandbox.token(company="second")

    assert opened(crunch_sandbox, second).check() == Account("second", "Second Company Ltd")
    assert len(opened(crunch_sandbox, second).page("clients", None).records) == 12


def test_person_goes_out_as_client_and_comes_back_as_organisation(crunch_sandbox: Sandbox) -> None:
    provider = opened(crunch_sandbox)

    made = provider.create(PARTY, key="k")

    assert provider.remote(made).party.kind is Kind.ORGANISATION
    assert crunch_sandbox.state()["clients"][-1]["name"] == "Ann Cole"


def test_vendors_refusal_is_told(crunch_sandbox: Sandbox) -> None:
    party = Party(PARTY.kind, {**PARTY.fields, "email": "no address"})

    with pytest.raises(SkipRecord) as caught:
        opened(crunch_sandbox).create(party, key="k")

    assert caught.value.reason.code == "refused"
    assert caught.value.reason.params["message"] == "email is not a valid e-mail address."


def test_what_is_missing_is_told_by_field(crunch_sandbox: Sandbox) -> None:
    with pytest.raises(SkipRecord) as caught:
        opened(crunch_sandbox).create(Party(Kind.ORGANISATION, {"name": "A"}), key="k")

    assert caught.value.reason.code == "missing_fields"
    assert set(caught.value.fields) == {"address.line1", "address.line2", "address.country"}


def test_find_gives_every_client_of_that_name(crunch_sandbox: Sandbox) -> None:
    ids = crunch_sandbox.control(add_clients=[{"name": "Ann  Cole"}, {"name": "Ann Cole "}, {"name": "ann cole"}, {"name": None}])["ids"]

    found = opened(crunch_sandbox, CRUNCH_PAGE_SIZE="10").find(PARTY)

    assert sorted(raw.ref.id for raw in found) == sorted(str(id) for id in ids[:2])


def test_suppliers_are_only_read(crunch_sandbox: Sandbox) -> None:
    provider = opened(crunch_sandbox)
    supplier = provider.page("suppliers", None).records[0]

    assert provider.remote(supplier).party.tags == ("Supplier",)
    assert provider.get(supplier.ref).version == supplier.version
    with pytest.raises(SkipRecord):
        provider.update(supplier, {"name": "B"}, PARTY)
    assert {entry["method"] for entry in crunch_sandbox.log()} == {"GET"}


def test_put_that_answers_nothing_is_read_back() -> None:
    with serving(as_json({}, 204), as_json({"id": 1, "name": "B"})) as (vendor, url):
        stored = scripted(url).update(record({"name": "A"}), {"name": "B"}, PARTY)

    assert stored.body == {"id": 1, "name": "B"}
    assert [request.method for request in vendor.seen] == ["PUT", "GET"]


def test_post_that_answers_without_id_is_in_doubt() -> None:
    with serving(as_json({"name": "Ann Cole"})) as (_, url), pytest.raises(BadAnswer) as caught:
        scripted(url).create(PARTY, key="k")

    assert caught.value.in_doubt


def test_drift_shows_as_a_missing_or_repeated_record(crunch_sandbox: Sandbox) -> None:
    provider = opened(crunch_sandbox, CRUNCH_PAGE_SIZE="10")
    crunch_sandbox.fail("drift", path="/v1/clients", times=1, skip=1)

    pages = list(every_page(lambda cursor: provider.page("clients", cursor)))
    totals = {page.total for page in pages}

    assert len(totals) == 2


def test_duplicate_ids_arrive_as_they_are(crunch_sandbox: Sandbox) -> None:
    crunch_sandbox.fail("duplicate_ids", path="/v1/clients", times=1)

    first, second = opened(crunch_sandbox).page("clients", None).records[:2]

    assert first.ref == second.ref


def test_country_as_name(crunch_sandbox: Sandbox) -> None:
    provider = opened(crunch_sandbox, CRUNCH_COUNTRY="name")

    made: RawRecord = provider.create(PARTY, key="k")

    assert made.body["billingAddress"]["country"] == "United Kingdom"
    assert provider.remote(made).party.fields["address"]["country"] == "GB"
