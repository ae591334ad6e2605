"""The stand-in for Crunch behaves as Crunch documents, and its books can be played by a person."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests

from integrations.providers.crunch.sandbox import Crunch
from integrations.providers.crunch.sandbox_data import SHOWCASE
from tests.sandboxes import Sandbox, crunch_sandbox

__all__ = ["crunch_sandbox"]

CLIENT = {"name": "Ann Cole", "billingAddress": {"line1": "1 Road", "line2": "Leeds", "country": "GB"}}


class Caller:
    """Bare requests with a good token."""

    def __init__(self, sandbox: Sandbox, **wish: Any) -> None:
        self.api = sandbox.api
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {sandbox.token(**wish)['access_token']}"

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.api}{path}", timeout=90, **options)


@pytest.fixture
def call(crunch_sandbox: Sandbox) -> Caller:
    return Caller(crunch_sandbox)


def test_default_page_is_the_first_twenty_by_name(call: Caller) -> None:
    page = call("GET", "/clients/clients").json()

    assert (page["size"], page["number"], page["totalPages"], page["totalElements"]) == (20, 0, 3, 45)
    assert (page["first"], page["last"], page["numberOfElements"]) == (True, False, 20)
    names = [client["name"].casefold() for client in page["content"]]
    assert names == sorted(names)


def test_last_page_and_beyond(call: Caller) -> None:
    last = call("GET", "/clients/clients?page=2").json()
    beyond = call("GET", "/clients/clients?page=9").json()

    assert (last["last"], last["numberOfElements"]) == (True, 5)
    assert (beyond["last"], beyond["empty"], beyond["content"]) == (True, True, [])


@pytest.mark.parametrize("size", ["201", "0", "99999"])
def test_size_has_limits(call: Caller, size: str) -> None:
    assert call("GET", f"/clients/clients?size={size}").status_code == 400
    assert call("GET", "/clients/clients?size=200").status_code == 200


def test_sorting(call: Caller) -> None:
    down = [client["name"].casefold() for client in call("GET", "/clients/clients?size=200&sort=companyName,desc").json()["content"]]
    by_id = [client["id"] for client in call("GET", "/clients/clients?size=200&sort=id").json()["content"]]

    assert down == sorted(down, reverse=True)
    assert by_id == sorted(by_id)


def test_unpaged_list_and_its_alias(call: Caller) -> None:
    assert len(call("GET", "/clients/list").json()) == 45
    assert call("GET", "/clients/clients/list").json() == call("GET", "/clients/list").json()


def test_round_trip(call: Caller) -> None:
    made = call("POST", "/clients/", json=CLIENT).json()
    put = call("PUT", f"/clients/{made['id']}", json={**made, "email": "ann@example.com"})

    assert put.json()["email"] == "ann@example.com"
    assert call("GET", f"/clients/{made['id']}").json() == put.json()
    assert call("DELETE", f"/clients/{made['id']}").status_code == 403


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": None}, "name"),
        ({"name": "  "}, "name"),
        ({"billingAddress": None}, "billingAddress.line1"),
        ({"billingAddress": {**CLIENT["billingAddress"], "line2": ""}}, "billingAddress.line2"),  # type: ignore[dict-item]
        ({"billingAddress": {**CLIENT["billingAddress"], "country": None}}, "billingAddress.country"),  # type: ignore[dict-item]
        ({"email": "nobody"}, "email"),
        ({"name": "x" * 2001}, "name"),
    ],
)
def test_validation(call: Caller, change: dict[str, Any], word: str) -> None:
    refused = call("POST", "/clients/", json={**CLIENT, **change})

    assert refused.status_code == 400
    assert word in refused.json()["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5"])
def test_broken_bodies(call: Caller, body: bytes) -> None:
    assert call("POST", "/clients/", data=body).status_code == 400


def test_unknown_records_and_paths(call: Caller) -> None:
    for method, path in (("GET", "/clients/1"), ("PUT", "/clients/1"), ("GET", "/nothing"), ("GET", "/clients/abc")):
        assert call(method, path, json=CLIENT).status_code == 404


def test_scopes(crunch_sandbox: Sandbox) -> None:
    reader = Caller(crunch_sandbox, scopes=["read:all"])

    assert reader("GET", "/clients/clients").status_code == 200
    assert reader("POST", "/clients/", json=CLIENT).status_code == 403
    assert reader("PUT", "/clients/1001", json=CLIENT).status_code == 403


def test_deleting(crunch_sandbox: Sandbox) -> None:
    deleter = Caller(crunch_sandbox, scopes=["create:all", "delete:all"])
    made = deleter("POST", "/clients/", json=CLIENT).json()

    assert deleter("DELETE", f"/clients/{made['id']}").json() == made
    assert deleter("DELETE", f"/clients/{made['id']}").status_code == 404
    assert deleter("DELETE", "/clients/1001").status_code == 400


def test_tokens_run_out(crunch_sandbox: Sandbox) -> None:
    crunch_sandbox.control(switches={"token_seconds": 0})
    short = Caller(crunch_sandbox)
    crunch_sandbox.control(switches={"token_seconds": 3600})
    long = Caller(crunch_sandbox)

    assert short("GET", "/clients/clients").status_code == 401
    assert long("GET", "/clients/clients").status_code == 200
    crunch_sandbox.control(expire_tokens=True)
    assert long("GET", "/clients/clients").status_code == 401


def test_books_are_the_same_on_every_start() -> None:
    one, other = Crunch(clients=30), Crunch(clients=30)

    assert one.dump()["clients"] == other.dump()["clients"]
    assert one.dump()["invoices"] == other.dump()["invoices"]
    assert [client["name"] for client in one.dump()["clients"]][: len(SHOWCASE)] == list(SHOWCASE)


def test_default_books_have_a_bit_of_everything() -> None:
    tables = Crunch().dump()
    states = [invoice["state"] for invoice in tables["invoices"]]

    assert (len(tables["clients"]), len(tables["suppliers"]), len(tables["invoices"])) == (240, 30, 600)
    assert len({client["name"] for client in tables["clients"]}) == 240
    assert min(states.count(state) for state in ("DRAFT", "DUE", "OVERDUE", "SETTLED", "WRITTEN_OFF")) >= 5
    assert {invoice["currency"] for invoice in tables["invoices"]} == {"GBP", "EUR"}


def test_states_fit_the_day() -> None:
    today = datetime.now(UTC).date()
    for invoice in Crunch().dump()["invoices"]:
        late = date.fromisoformat(invoice["dueDate"]) < today
        assert (invoice["state"] == "OVERDUE") <= late
        assert (invoice["state"] == "DUE") <= (not late)
        assert date.fromisoformat(invoice["issuedDate"]) <= today


def test_many_clients_are_still_unique() -> None:
    clients = Crunch(clients=5000).dump()["clients"]

    assert len({client["name"] for client in clients}) == 5000


def test_control_changes_the_books(crunch_sandbox: Sandbox) -> None:
    ids = crunch_sandbox.control(
        add_clients=[{"name": "X" * 2000}, {"name": None}],
        put_clients=[{"id": 1001, "name": "Renamed Ltd"}],
        delete_clients=[1002],
        add_invoices=[{"grossAmount": None}],
    )["ids"]
    state = crunch_sandbox.state()
    clients = {client["id"]: client for client in state["clients"]}

    assert len(clients[ids[0]]["name"]) == 2000
    assert clients[1001]["name"] == "Renamed Ltd"
    assert clients[1001]["email"]
    assert 1002 not in clients
    assert state["invoices"][-1]["grossAmount"] is None


def test_reset_gives_fresh_books_and_keeps_the_tokens(crunch_sandbox: Sandbox, call: Caller) -> None:
    crunch_sandbox.fail("500")
    crunch_sandbox.control(reset=True, clients=3, suppliers=1, invoices=2)
    state = crunch_sandbox.state()

    assert (len(state["clients"]), len(state["suppliers"]), len(state["invoices"])) == (3, 1, 2)
    assert call("GET", "/clients/clients").json()["totalElements"] == 3


def test_log_tells_what_was_asked(crunch_sandbox: Sandbox, call: Caller) -> None:
    call("POST", "/clients/?a=1", json=CLIENT)
    last = crunch_sandbox.log()[-1]

    assert (last["method"], last["path"], last["query"], last["status"]) == ("POST", "/v1/clients/", {"a": "1"}, 200)
    assert "Ann Cole" in last["body"]


# The books as pages


@pytest.fixture
def books(crunch_sandbox: Sandbox) -> str:
    return f"{crunch_sandbox.url}/crunch/books"


def test_pages_show_and_escape(crunch_sandbox: Sandbox, books: str) -> None:
    crunch_sandbox.control(put_clients=[{"id": 1001, "name": "<script>alert(1)</script>", "email": None, "billingAddress": None}])

    for path in ("", "?q=script", "/clients/1001", "/new", "/faults", "/log", "?page=1"):
        page = requests.get(f"{books}{path}", timeout=90)
        assert page.status_code == 200
        assert "<script>" not in page.text
    assert requests.get(f"{books}/clients/7", timeout=90).status_code == 404


def test_person_changes_adds_and_deletes(crunch_sandbox: Sandbox, books: str) -> None:
    requests.post(
        f"{books}/clients/1001", data={"name": "Cole Ltd", "email": "", "line1": "1 Road", "line2": "Leeds", "country": "GB"}, timeout=90
    )
    added = requests.post(f"{books}/new", data={"name": "New Ltd", "line1": "2 Road"}, timeout=90)
    requests.post(f"{books}/clients/1002/delete", timeout=90)
    state = crunch_sandbox.state()
    clients = {client["id"]: client for client in state["clients"]}

    assert (clients[1001]["name"], clients[1001]["email"], clients[1001]["billingAddress"]["line2"]) == ("Cole Ltd", None, "Leeds")
    assert "New Ltd" in added.text
    assert 1002 not in clients
    assert not [invoice for invoice in state["invoices"] if invoice["customer"]["id"] == 1002]


def test_person_bills_and_is_paid(crunch_sandbox: Sandbox, books: str) -> None:
    requests.post(f"{books}/clients/1003/invoice", data={"net": "100", "currency": "EUR"}, timeout=90)
    invoice = crunch_sandbox.state()["invoices"][-1]
    assert (invoice["customer"]["id"], invoice["currency"], invoice["outstandingBalance"], invoice["state"]) == (1003, "EUR", 120.0, "DUE")

    requests.post(f"{books}/invoices/{invoice['id']}/pay", timeout=90)

    paid = crunch_sandbox.state()["invoices"][-1]
    assert (paid["outstandingBalance"], paid["state"], paid["payments"][0]["amount"]) == (0.0, "SETTLED", 120.0)
    assert requests.post(f"{books}/clients/1003/invoice", data={"net": "much"}, timeout=90).status_code == 400


def test_person_breaks_and_repairs(crunch_sandbox: Sandbox, books: str, call: Caller) -> None:
    requests.post(f"{books}/faults", data={"kind": "500", "times": "2"}, timeout=90)
    assert call("GET", "/clients/clients").status_code == 500
    assert "1 more times" in requests.get(f"{books}/faults", timeout=90).text
    requests.post(f"{books}/faults", data={"kind": "clear"}, timeout=90)
    assert call("GET", "/clients/clients").status_code == 200
    requests.post(f"{books}/faults", data={"kind": "switches", "rotate": "no", "token_seconds": "60"}, timeout=90)
    assert crunch_sandbox.vendor.switches == {"rotate": False, "refresh_tokens": True, "token_seconds": 60, "name_account": True}
    requests.post(f"{books}/faults", data={"kind": "expire"}, timeout=90)
    assert call("GET", "/clients/clients").status_code == 401
