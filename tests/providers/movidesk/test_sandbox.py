"""The stand-in for Movidesk behaves as Movidesk documents, and a person can play the other side."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import requests

from integrations.kit.vendor import Refusal
from integrations.providers.movidesk import sandbox_data
from integrations.providers.movidesk.sandbox import FIRST_TOKEN
from integrations.providers.movidesk.sandbox import Movidesk as Vendor
from integrations.providers.movidesk.sandbox_odata import names_of, parse_filter
from tests.providers.movidesk.desks import desk, helpdesk
from tests.sandboxes import Sandbox

__all__ = ["desk"]

COMPANY = {"isActive": True, "personType": 2, "profileType": 2, "businessName": "Acme"}
PERSON = {**COMPANY, "personType": 1, "businessName": "Ana"}
ALL = "addresses,contacts,emails,relationships"


class Caller:
    def __init__(self, sandbox: Sandbox, token: str = FIRST_TOKEN) -> None:
        self.api = sandbox.api
        self.token = token

    def __call__(self, method: str, path: str, *, json: Any = None, data: Any = None, **query: Any) -> requests.Response:
        return requests.request(method, f"{self.api}{path}", params={"token": self.token, **query}, json=json, data=data, timeout=90)

    def persons(self, **options: Any) -> Any:
        answer = self("GET", "/persons", **{f"${name}": value for name, value in options.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def call(desk: Sandbox) -> Caller:
    return Caller(desk)


def complaint(answer: requests.Response) -> tuple[str, str]:
    assert answer.status_code == 400, answer.text
    (one,) = answer.json()
    return one["errorMessage"], one["propertyName"]


def test_id_in_the_query_gives_an_object_and_lists_are_arrays(call: Caller) -> None:
    assert call("GET", "/persons", id="200000001").json()["businessName"] == "Padaria Pão Dourado"
    assert call("GET", "/persons", id="nobody").status_code == 404
    assert isinstance(call.persons(top=2), list)
    assert call("GET", "/persons/200000001").status_code == 404


def test_token_is_needed(desk: Sandbox, call: Caller) -> None:
    assert Caller(desk, "wrong")("GET", "/persons").status_code == 401
    fresh = desk.token()["access_token"]
    assert call("GET", "/persons").status_code == 401  # a new token kills the old one
    assert Caller(desk, fresh)("GET", "/persons").status_code == 200


def test_odata(call: Caller) -> None:
    everybody = call.persons(filter="personType eq 1 or personType eq 2 or personType eq 4")
    companies = call.persons(filter="personType eq 2", orderby="id desc", expand=ALL)

    assert {one["personType"] for one in everybody} == {1, 2, 4}
    assert [one["id"] for one in companies] == sorted((one["id"] for one in companies), reverse=True)
    assert (
        call.persons(filter="personType eq 2", orderby="id", top=2, skip=1)
        == call.persons(filter="personType eq 2", orderby="id", top=3)[1:]
    )
    assert [one["id"] for one in call.persons(filter=f"emails/any(e: e/email eq '{companies[0]['emails'][0]['email']}')")] == [
        companies[0]["id"]
    ]
    assert call.persons(filter="(businessName eq 'padaria pão dourado' and isActive eq true)", select="id") == [{"id": "200000001"}]


@pytest.mark.parametrize(
    "query",
    [
        {"$count": "true"},
        {"$apply": "x"},
        *(
            {"$filter": text}
            for text in ("nothing eq 1", "id eq", "id like 'x'", "id eq 'x", "(id eq 'x'", "id eq 'x' id", "id eq 5", "'x'")
        ),
        {"$orderby": "nothing"},
        {"$top": "many"},
        {"$expand": "a(b"},
    ],
)
def test_what_they_do_not_take(call: Caller, query: dict[str, str]) -> None:
    answer = call("GET", "/persons", **query)

    assert answer.status_code == 400
    assert "message" in answer.json()


def test_arrays_come_when_asked_for(desk: Sandbox, call: Caller) -> None:
    assert "emails" not in call.persons(top=1)[0]
    assert set(call.persons(top=1, expand="emails($select=email),contacts")[0]) >= {"emails", "contacts"}
    desk.control(switches={"lists_need_expand": False})
    assert "emails" in call.persons(top=1)[0]


def test_page_has_at_most_a_hundred(call: Caller) -> None:
    with helpdesk(clients=130) as big:
        assert len(Caller(big).persons(top=300)) == 100


def test_posting(call: Caller) -> None:
    plain = call("POST", "/persons", json={**COMPANY, "id": "EMP1"})
    whole = call("POST", "/persons", json=PERSON | {"relationships": [{"id": "EMP1"}]}, returnAllProperties="true").json()

    assert (plain.status_code, plain.json()) == (200, {"id": "EMP1"})
    assert whole["id"]
    assert (whole["accessProfile"], whole["cultureId"]) == ("Clientes", "pt-BR")
    assert whole["relationships"][0]["isGetMethod"] is True


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"id": "200000001"}, "Id"),
        ({"id": "a b"}, "Id"),
        ({"isActive": None}, "IsActive"),
        ({"personType": 3}, "PersonType"),
        ({"businessName": ""}, "BusinessName"),
        ({"businessName": "x" * 129}, "BusinessName"),
        ({"businessName": 5}, "BusinessName"),
        ({"cpfCnpj": "16.727.230/0001-97"}, "CpfCnpj"),
        ({"cpfCnpj": "16727230000196"}, "CpfCnpj"),
        ({"accessProfile": "Nobody"}, "AccessProfile"),
        ({"emails": [{"email": "nothing"}]}, "Email"),
        ({"emails": 5}, "Emails"),
        ({"contacts": [{"contact": "1", "isDefault": True}, {"contact": "2", "isDefault": True}]}, "Contacts"),
        ({"relationships": [{"id": "nobody"}]}, "Id"),
        ({"relationships": [{"id": "300000001"}]}, "Id"),
    ],
)
def test_complaints(call: Caller, change: dict[str, Any], place: str) -> None:
    assert complaint(call("POST", "/persons", json={**COMPANY, **change}))[1] == place


def test_words_that_clients_look_at(call: Caller) -> None:
    assert complaint(call("POST", "/persons", json={**COMPANY, "id": "200000001"}))[0] == "The ID entered already exists"
    told = complaint(call("POST", "/persons", json={**PERSON, "relationships": [{"id": "X/nobody"}]}))
    assert told == ("There is no match for the Organization value entered", "Id")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5"])
def test_broken_bodies(call: Caller, body: bytes) -> None:
    assert call("POST", "/persons", data=body).status_code == 400


def test_alphanumeric_cnpj_is_taken(call: Caller) -> None:
    assert call("POST", "/persons", json={**COMPANY, "cpfCnpj": "12ABC34501DE35"}).status_code == 200


def test_patching_replaces_lists_whole_and_keeps_the_rest(call: Caller) -> None:
    before = call("GET", "/persons", id="200000001").json()
    answer = call("PATCH", "/persons", id="200000001", json={"emails": [{"emailType": "x", "email": "a@b.example"}], "observations": "n"})
    after = call("GET", "/persons", id="200000001").json()

    assert (answer.status_code, answer.content) == (200, b"")
    assert [one["email"] for one in after["emails"]] == ["a@b.example"]
    assert (after["contacts"], after["businessName"]) == (before["contacts"], before["businessName"])
    assert after["changedDate"] > before["changedDate"]
    assert call("PATCH", "/persons", id="200000001", json={"emails": []}).status_code == 200
    assert call("GET", "/persons", id="200000001").json()["emails"] == []


def test_what_cannot_be_changed(call: Caller) -> None:
    assert complaint(call("PATCH", "/persons", id="200000001", json={"id": "other"}))[1] == "Id"
    assert complaint(call("PATCH", "/persons", id="200000001", json={"personType": 1}))[1] == "PersonType"
    assert call("PATCH", "/persons", id="nobody", json={}).status_code == 404


def test_lists_lag_behind_when_told_to(desk: Sandbox, call: Caller) -> None:
    desk.control(switches={"delay_seconds": 600})
    call("POST", "/persons", json={**COMPANY, "id": "EMP1"})
    call("PATCH", "/persons", id="200000001", json={"observations": "n"})

    assert call("GET", "/persons", id="EMP1").status_code == 200
    assert call.persons(filter="id eq 'EMP1'") == []
    assert call.persons(filter="id eq '200000001'")[0]["observations"] != "n"


def test_changed_filter_can_be_refused(desk: Sandbox, call: Caller) -> None:
    assert call.persons(filter="changedDate ge 2099-01-01T00:00:00.000Z") == []
    desk.control(switches={"changed_filter": False})
    assert call("GET", "/persons", **{"$filter": "changedDate ge 2099-01-01T00:00:00Z"}).status_code == 400


def test_tickets_need_a_selection(call: Caller) -> None:
    assert call("GET", "/tickets").status_code == 400
    recent = call("GET", "/tickets", **{"$select": "id,subject,lastUpdate", "$orderby": "id desc"}).json()
    old = call("GET", "/tickets/past", **{"$select": "id,lastUpdate"}).json()

    assert set(recent[0]) == {"id", "subject", "lastUpdate"}
    assert min(one["lastUpdate"] for one in recent) > max(one["lastUpdate"] for one in old)
    assert call("GET", "/tickets", id=recent[0]["id"]).json()["subject"] == recent[0]["subject"]
    assert call("GET", "/tickets", id="1").status_code == 404


def test_tickets_of_somebody(call: Caller) -> None:
    query = {"$select": "id", "$expand": "owner,clients($expand=organization)", "$filter": "clients/any(client: client/id eq '300000001')"}
    found = call("GET", "/tickets", **query).json()

    assert found
    assert {client["id"] for one in found for client in one["clients"]} == {"300000001"}
    assert call("GET", "/tickets", **{**query, "$filter": "ownerId eq '1'"}).status_code == 400
    assert call("GET", "/tickets", **{**query, "$filter": "owner/id eq '1'"}).status_code == 200


def test_limit_of_a_minute() -> None:
    with helpdesk(clients=1, per_minute=2) as limited:
        call = Caller(limited)
        statuses = [call("GET", "/persons").status_code for _ in range(3)]
        blocked = call("GET", "/persons")
        limited.control(unblock=True)

        assert statuses == [200, 200, 429]
        assert 0 < int(blocked.headers["retry-after"]) <= 60
        assert call("GET", "/persons").status_code == 200


def test_failures_on_tickets_block() -> None:
    with helpdesk(clients=1, failure_blocks="tickets") as strict:
        call = Caller(strict)
        for _ in range(4):
            assert call("GET", "/persons", id="nobody").status_code == 404
        statuses = [call("GET", "/tickets").status_code for _ in range(4)]
        blocked = call("GET", "/persons")

    assert statuses == [400, 400, 400, 429]
    assert (blocked.json()["message"], blocked.headers["retry-after"]) == ("Too many failed requests", "60")


def test_books_hold_every_kind_of_record() -> None:
    persons = Vendor(clients=60).dump()["persons"]
    companies = {one["id"]: one for one in persons if one["personType"] == 2}
    people = [one for one in persons if one["personType"] == 1]

    assert len(companies) == len([one for one in persons if one["personType"] == 2]) == 60
    assert any(not one["isActive"] for one in companies.values())
    assert any(id.startswith("Nectar") for id in companies)
    assert any(any(char.isalpha() for char in one["cpfCnpj"]) for one in companies.values())
    assert any(not one["relationships"] for one in people)
    assert any(not one["isActive"] for one in people)
    assert any(len(one["relationships"]) > 1 for one in people)
    assert any(one["relationships"] and one["relationships"][0]["id"].startswith("Nectar") for one in people)
    assert {one["personType"] for one in persons} == {1, 2, 4}
    assert sandbox_data.tax_id("390533447") == "39053344705"


def test_books_are_the_same_on_every_start_and_outlive_it(tmp_path: Path) -> None:
    first, second = Vendor(clients=20), Vendor(clients=20)
    names = [[(one["id"], one["businessName"]) for one in vendor.dump()["persons"]] for vendor in (first, second)]
    first.keep_in(tmp_path / "movidesk.json")
    first.steer({"put_persons": [{"id": "200000001", "businessName": "Nova"}], "token": True})
    first.save()
    second.keep_in(tmp_path / "movidesk.json")

    assert names[0] == names[1]
    assert second.dump() == first.dump()
    assert second.desk.people_of("200000001")


@pytest.mark.parametrize("count", [0, 1, 450])
def test_books_of_any_size(count: int) -> None:
    persons = Vendor(clients=count).dump()["persons"]

    assert len({one["id"] for one in persons}) == len(persons)


@pytest.mark.parametrize(
    ("text", "record", "fits"),
    [
        ("id eq 'o''neil'", {"id": "O'Neil"}, True),
        ("id ne null", {"id": "x"}, True),
        ("id eq null", {"id": None}, True),
        ("n gt 1 and n le 3", {"n": 3}, True),
        ("n lt 1 or (n ge 5 and not eq 1)", {"n": 3}, None),
        ("d ge 2026-01-01T00:00:00.000Z", {"d": "2026-01-01T00:00:00"}, True),
        ("d ge 2026-01-01T00:00:00.001Z", {"d": "2026-01-01T00:00:00.0009999"}, False),
        ("d gt 2026-01-01", {"d": None}, False),
        ("c/any(x: x/o/id eq '7')", {"c": [{"o": None}, {"o": {"id": "7"}}]}, True),
        ("c/any(x: x/o/id eq '7')", {"c": None}, False),
    ],
)
def test_filters(text: str, record: dict[str, Any], fits: bool | None) -> None:
    if fits is None:
        with pytest.raises(Refusal):
            parse_filter(text, ["n"])
        return
    assert parse_filter(text, ["id", "n", "d", "c"])({"record": record}) is fits


def test_names_at_the_top() -> None:
    assert names_of("emails($select=email,isDefault),clients($expand=organization($select=id)), x") == ["emails", "clients", "x"]


# Played by a person


@pytest.fixture
def books(desk: Sandbox) -> str:
    return f"{desk.url}/movidesk/books"


def test_person_and_organisation_by_hand(desk: Sandbox, books: str) -> None:
    made = requests.post(f"{books}/person", data={"personType": "2", "isActive": "1", "businessName": "Loja <b>", "id": "EMP9"}, timeout=90)
    form = {"personType": "1", "isActive": "1", "businessName": "Ana", "email": "ana@loja.example", "organisations": "EMP9"}
    ana = requests.post(f"{books}/person", data=form, timeout=90)
    id = ana.url.rpartition("=")[2]
    requests.post(f"{books}/person", params={"id": id}, data={**form, "isActive": "", "phone": "(47) 3333-4444"}, timeout=90)
    requests.post(f"{books}/ticket", params={"id": id}, data={"subject": "Socorro"}, timeout=90)
    state = desk.state()
    person = next(one for one in state["persons"] if one["id"] == id)

    assert "Loja &lt;b&gt;" in made.text
    assert (person["isActive"], person["contacts"][0]["contact"]) == (False, "(47) 3333-4444")
    assert [one["id"] for one in person["relationships"]] == ["EMP9"]
    assert "Socorro" in requests.get(f"{books}/person", params={"id": id}, timeout=90).text
    number = next(one["id"] for one in state["tickets"] if one["subject"] == "Socorro")
    requests.post(f"{books}/answer", params={"id": id, "number": number}, timeout=90)
    assert next(one for one in desk.state()["tickets"] if one["id"] == number)["baseStatus"] == "Resolved"
    requests.post(f"{books}/delete", params={"id": id}, timeout=90)
    assert requests.get(f"{books}/person", params={"id": id}, timeout=90).status_code == 404


def test_pages_show_what_there_is(desk: Sandbox, books: str) -> None:
    home = requests.get(f"{desk.url}/movidesk/", timeout=90)
    assert home.url == books
    assert "Next" in home.text
    found = requests.get(books, params={"q": "padaria pão", "kind": "2"}, timeout=90).text
    assert "1 found" in found
    assert "Padaria Pão Dourado" in found
    for path in ("/person?id=200000001", "/person?id=400000001", "/person?kind=1", "/log", "/faults", "?page=1"):
        assert requests.get(f"{books}{path}", timeout=90).status_code == 200


def test_editing_by_hand_keeps_what_is_not_shown(desk: Sandbox, books: str) -> None:
    page = requests.get(f"{books}/person", params={"id": "200000001"}, timeout=90).text
    assert "Padaria Pão Dourado" in page
    before = next(one for one in desk.state()["persons"] if one["id"] == "200000001")
    form = {
        "personType": "2",
        "isActive": "1",
        "businessName": "Padaria Nova",
        "cpfCnpj": before["cpfCnpj"],
        "email": before["emails"][0]["email"],
    }
    requests.post(f"{books}/person", params={"id": "200000001"}, data=form, timeout=90)
    after = next(one for one in desk.state()["persons"] if one["id"] == "200000001")

    assert after["businessName"] == "Padaria Nova"
    assert after["emails"] == before["emails"]


def test_faults_and_switches_by_hand(desk: Sandbox, books: str) -> None:
    requests.post(f"{books}/faults", data={"kind": "500", "times": "1"}, timeout=90)
    assert Caller(desk)("GET", "/persons").status_code == 500
    requests.post(
        f"{books}/faults", data={"kind": "switches", "per_minute": "1", "changed_filter": "no", "failure_blocks": "all"}, timeout=90
    )
    switches = desk.state()["switches"]
    assert (switches["per_minute"], switches["changed_filter"], switches["failure_blocks"]) == (1, False, "all")
    for kind in ("unblock", "clear"):
        assert requests.post(f"{books}/faults", data={"kind": kind}, timeout=90).status_code == 200


@pytest.mark.parametrize("kind", ["duplicate_ids", "drift", "nulls", "empty_list", "repeat_page"])
def test_lists_can_be_spoilt(desk: Sandbox, call: Caller, kind: str) -> None:
    pages = [call.persons(filter="personType eq 2", orderby="id", top=4, skip=skip) for skip in (0, 4)]
    desk.fail(kind)
    spoilt = [call.persons(filter="personType eq 2", orderby="id", top=4, skip=skip) for skip in (0, 4)]

    assert spoilt != pages
    ids = [one["id"] for one in itertools.chain(*spoilt)]
    assert {"duplicate_ids": len(ids) != len(set(ids)), "empty_list": not ids, "repeat_page": spoilt[0] == spoilt[1]}.get(kind, True)
