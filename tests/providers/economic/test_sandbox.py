"""The stand-in for e-conomic behaves as its papers say, and its books can be played by a person."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from stdnum import ean
from stdnum.dk import cvr

from integrations.providers.economic.sandbox import MAIN, Economic
from integrations.providers.economic.sandbox_data import SHOWCASE
from tests.providers.economic.samples import sandbox
from tests.sandboxes import Sandbox

__all__ = ["sandbox"]
NEW = {
    "name": "Ny ApS",
    "currency": "DKK",
    "customerGroup": {"customerGroupNumber": 1},
    "paymentTerms": {"paymentTermsNumber": 2},
    "vatZone": {"vatZoneNumber": 1},
}


class Caller:
    """Bare requests with good tokens."""

    def __init__(self, sandbox: Sandbox, **wish: Any) -> None:
        self.base = f"{sandbox.url}/economic"
        self.session = requests.Session()
        token = sandbox.token(**wish)["grant_token"]
        self.session.headers.update({"X-AppSecretToken": "sandbox", "X-AgreementGrantToken": token})

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.base}{path}", timeout=90, **options)


@pytest.fixture
def call(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


def test_envelope(call: Caller) -> None:
    body = call("GET", "/rest/customers?pagesize=20&skippages=1").json()
    pagination = body["pagination"]

    assert len(body["collection"]) == 20
    assert (pagination["skipPages"], pagination["pageSize"], pagination["results"], pagination["maxPageSizeAllowed"]) == (1, 20, 45, 1000)
    assert {"firstPage", "nextPage", "previousPage", "lastPage"} <= set(pagination)
    last = call("GET", "/rest/customers?pagesize=20&skippages=2").json()
    assert "nextPage" not in last["pagination"]
    beyond = call("GET", "/rest/customers?pagesize=20&skippages=9").json()
    assert (beyond["collection"], beyond["pagination"]["results"]) == ([], 45)


@pytest.mark.parametrize("size", ["0", "1001", "x", "-1"])
def test_page_size_has_limits(call: Caller, size: str) -> None:
    answer = call("GET", f"/rest/customers?pagesize={size}")

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "E04810")


def test_filter_and_sort(call: Caller) -> None:
    found = call(
        "GET", "/rest/customers", params={"filter": "city$eq:vejle$and:customerNumber$gt:3", "sort": "-name", "pagesize": 1000}
    ).json()
    names = [row["name"].casefold() for row in found["collection"]]

    assert names == sorted(names, reverse=True)
    assert {row["city"] for row in found["collection"]} <= {"Vejle"}
    bad = call("GET", "/rest/customers", params={"filter": "dueAmount$gt:0"})
    assert bad.status_code == 400
    assert "lastUpdated" in bad.json()["allowedFilteringFields"]
    assert call("GET", "/rest/customers?sort=barred").status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-AppSecretToken": "wrong"}, 401),
        ({"X-AgreementGrantToken": "wrong"}, 401),
        ({"X-AppSecretToken": "demo", "X-AgreementGrantToken": "demo"}, 200),
    ],
)
def test_both_tokens_count(call: Caller, headers: dict[str, str], status: int) -> None:
    assert call("GET", "/rest/self", headers=headers).status_code == status


def test_every_answer_tells_the_pace(call: Caller) -> None:
    for path in ("/rest/self", "/rest/customers/999999", "/openapi/customersapi/v3.1.0/Contacts"):
        headers = call("GET", path).headers
        assert headers["X-RateLimiting"].startswith("token-limit-10000-per-60-seconds: ")
        assert headers["X-CallCost"] == "3"
        assert headers["X-RequestId"].endswith("-CPH")


def test_empty_bucket(sandbox: Sandbox, call: Caller) -> None:
    sandbox.control(switches={"limit": 3})
    assert call("GET", "/rest/self").status_code == 200
    answer = call("GET", "/rest/self")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")


def test_put_replaces_and_makes(call: Caller) -> None:
    made = call("POST", "/rest/customers", json={**NEW, "city": "Ribe", "barred": True})
    number = made.json()["customerNumber"]

    assert (made.status_code, number) == (201, 46)
    assert made.headers["Location"].endswith("/rest/customers/46")
    put = call("PUT", f"/rest/customers/{number}", json=NEW)
    assert put.status_code == 200
    assert "city" not in put.json()
    assert put.json()["barred"] is False
    assert call("PUT", "/rest/customers/777", json=NEW).status_code == 201


def test_numbers_are_reused(call: Caller) -> None:
    number = call("POST", "/rest/customers", json=NEW).json()["customerNumber"]

    assert call("DELETE", f"/rest/customers/{number}").status_code == 204
    assert call("DELETE", f"/rest/customers/{number}").json()["errorCode"] == "E06000"
    assert call("POST", "/rest/customers", json=NEW).json()["customerNumber"] == number


def test_customer_with_invoices_stays(call: Caller) -> None:
    assert call("DELETE", "/rest/customers/1").status_code == 400


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"name": None}, "name", "E04300"),
        ({"name": ""}, "name", "E04042"),
        ({"vatZone": {"vatZoneNumber": 0}}, "vatZone", "E04300"),
        ({"paymentTerms": {"paymentTermsNumber": 4711}}, "paymentTerms", "E07080"),
        ({"customerGroup": {"self": "https://restapi.e-conomic.com/customer-groups/99"}}, "customerGroup", "E06000"),
        ({"zip": "0" * 31}, "zip", "E04300"),
        ({"ean": "57"}, "ean", "E04300"),
        ({"currency": "XXX"}, "currency", "E06000"),
        ({"email": "a@x.dk nix"}, "email", "E04300"),
    ],
)
def test_strict_about_values(call: Caller, change: dict[str, Any], field: str, code: str) -> None:
    answer = call("POST", "/rest/customers", json={**NEW, **change})
    body = answer.json()

    assert (answer.status_code, body["errorCode"]) == (400, "E04300")
    assert body["errors"][field]["errors"][0]["errorCode"] == code


def test_reference_by_its_address(call: Caller) -> None:
    made = call("POST", "/rest/customers", json={**NEW, "vatZone": {"self": "https://restapi.e-conomic.com/vat-zones/2"}})

    assert made.json()["vatZone"]["vatZoneNumber"] == 2


def test_replay_within_the_hour(call: Caller) -> None:
    first, second = (call("POST", "/rest/customers", json=NEW, headers={"Idempotency-Key": "k"}) for _ in range(2))

    assert first.json() == second.json()
    assert "X-ResultFromCache" not in first.headers
    assert second.headers["X-ResultFromCache"] == "true"
    refused = [call("POST", "/rest/customers", json={}, headers={"Idempotency-Key": "r"}) for _ in range(2)]
    assert [answer.status_code for answer in refused] == [400, 400]
    assert "X-ResultFromCache" not in refused[1].headers
    number = first.json()["customerNumber"]
    gone = [call("DELETE", f"/rest/customers/{number}", headers={"Idempotency-Key": "d"}).status_code for _ in range(2)]
    assert gone == [204, 204]


def test_contacts_have_versions(call: Caller) -> None:
    base = "/openapi/customersapi/v3.1.0/Contacts"
    number = call("POST", base, json={"customerNumber": 3, "name": "Åse"}).json()["number"]
    body = call("GET", f"{base}/{number}").json()

    assert call("PUT", base, json={**body, "name": "Åse Holm"}).status_code == 204
    stale = call("PUT", base, json=body)
    assert (stale.status_code, stale.json()["errorCode"]) == (409, "UpdateConflict")
    assert stale.headers["Content-Type"] == "application/problem+json"
    assert call("DELETE", f"{base}/{number}").status_code == 204
    assert call("GET", f"{base}/{number}").json()["isDeleted"] is True
    assert call("GET", f"{base}/count", params={"filter": "isDeleted$eq:1"}).status_code == 400


def test_roles(sandbox: Sandbox) -> None:
    call = Caller(sandbox, roles=["Sales"])

    assert call("GET", "/openapi/webhooksapi/v1.0.0/webhooks").status_code == 403
    assert call("GET", "/rest/customers").status_code == 200


def test_collections_of_invoices_follow_from_remainder_and_day(call: Caller) -> None:
    def numbers(name: str) -> set[int]:
        rows = call("GET", f"/rest/invoices/{name}?pagesize=1000").json()["collection"]
        return {row["bookedInvoiceNumber"] for row in rows}

    assert numbers("paid") | numbers("unpaid") == numbers("booked")
    assert numbers("overdue") | numbers("not-due") == numbers("unpaid")
    assert not numbers("overdue") & numbers("not-due")
    assert min(map(len, map(numbers, ("paid", "overdue", "not-due")))) >= 5


def test_books_are_the_same_on_every_start() -> None:
    one, other = Economic(clients=30), Economic(clients=30)
    without = [{**row, "lastUpdated": ""} for row in one.dump()["customers"]]

    assert without == [{**row, "lastUpdated": ""} for row in other.dump()["customers"]]
    assert [row["name"] for row in without][: len(SHOWCASE)] == list(SHOWCASE)


def test_data_is_real_enough() -> None:
    tables = Economic(clients=2000).dump()
    customers = tables["customers"]

    assert len({row["name"] for row in customers}) == 2000
    numbers = [row["corporateIdentificationNumber"] for row in customers if row["corporateIdentificationNumber"]]
    assert all(cvr.is_valid(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)
    assert all(ean.is_valid(row["ean"]) for row in customers if row["ean"])
    assert {row["currency"] for row in customers} == {"DKK", "EUR"}


def test_books_outlive_a_restart(sandbox: Sandbox) -> None:
    sandbox.control(add_customers=[{"name": "Ny ApS"}])
    token = sandbox.token()["grant_token"]
    other = Economic(clients=1)
    other.load(sandbox.vendor.dump())

    assert other.books[MAIN].customers[46]["name"] == "Ny ApS"
    assert token in other.grants
    assert other.dump() == {**sandbox.vendor.dump(), "deliveries": []}


# The books as pages


@pytest.fixture
def books(sandbox: Sandbox) -> str:
    return f"{sandbox.url}/economic/books"


def test_pages_show_and_escape(sandbox: Sandbox, books: str) -> None:
    sandbox.control(put_customers=[{"customerNumber": 1, "name": "<script>alert(1)</script>", "email": None, "address": None}])
    sandbox.control(add_contacts=[{"customerNumber": 1, "name": "<script>"}])

    for path in ("", "?q=script", "/customers/1", "/new", "/hooks", "/faults", "/log", "?page=1"):
        page = requests.get(f"{books}{path}", timeout=90)
        assert page.status_code == 200
        assert "<script>" not in page.text
    assert requests.get(f"{books}/customers/700", timeout=90).status_code == 404


def test_person_plays_the_other_side(sandbox: Sandbox, books: str) -> None:
    requests.post(f"{books}/customers/3", data={"customerNumber": "300", "name": "Ny ApS", "address": "Torvet 1\r\n2. sal"}, timeout=90)
    requests.post(f"{books}/customers/300/contact", data={"name": "Åse"}, timeout=90)
    requests.post(f"{books}/customers/300/bill", data={"net": "100"}, timeout=90)
    requests.post(f"{books}/new", data={"customerNumber": "", "name": "Nyere ApS"}, timeout=90)
    requests.post(f"{books}/customers/4/delete", timeout=90)
    state = sandbox.state()
    customers = {row["customerNumber"]: row for row in state["customers"]}

    assert (customers[300]["name"], customers[300]["address"]) == ("Ny ApS", "Torvet 1\n2. sal")
    assert customers[301]["name"] == "Nyere ApS"
    assert not {3, 4} & set(customers)
    assert state["contacts"][-1]["customerNumber"] == 300
    invoice = state["invoices"][-1]
    assert (invoice["customer"], invoice["grossAmount"]) == (300, 125.0)
    requests.post(f"{books}/invoices/{invoice['key']}/pay", timeout=90)
    assert sandbox.state()["invoices"][-1]["remainder"] == 0
    assert requests.post(f"{books}/customers/300/bill", data={"net": "much"}, timeout=90).status_code == 400


def test_person_enters_webhooks_and_breaks_things(sandbox: Sandbox, books: str, call: Caller) -> None:
    requests.post(f"{books}/hooks", data={"CUSTOMER_UPDATED": "http://127.0.0.1:1/?new=[NEWNUMBER]", "INVOICE_BOOKED": ""}, timeout=90)
    assert [each["event"] for each in sandbox.state()["classic"]] == ["CUSTOMER_UPDATED"]
    requests.post(f"{books}/faults", data={"kind": "500", "times": "1"}, timeout=90)
    assert [call("GET", "/rest/self").status_code for _ in range(2)] == [500, 200]
    requests.post(f"{books}/faults", data={"kind": "revoke"}, timeout=90)
    assert call("GET", "/rest/self").status_code == 401


def test_page_of_the_grant(sandbox: Sandbox) -> None:
    page = f"{sandbox.url}/economic/secure/api1/requestaccess.aspx"

    assert requests.get(f"{page}?appPublicToken=other", timeout=90).status_code == 400
    assert "Grant access" in requests.get(f"{page}?appPublicToken=sandbox&redirectUrl=http://x.example/", timeout=90).text
    shown = requests.post(f"{page}?appPublicToken=sandbox", data={"answer": "yes"}, timeout=90).text
    assert next(iter(sandbox.state()["grants"])) in shown
    back = requests.post(page, data={"answer": "no", "redirectUrl": "http://x.example/back"}, timeout=90, allow_redirects=False)
    assert back.headers["Location"] == "http://x.example/back"
