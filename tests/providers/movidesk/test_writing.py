"""Creating so that it can be repeated, changing so that nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.engine.errors import BadAnswer, Retry, SkipRecord
from integrations.engine.types import Base, Kind, Party, Reason, Ref
from integrations.kit.vendor import Reply, as_json
from integrations.providers.movidesk.provider import Movidesk
from integrations.providers.movidesk.records import COMPANY
from tests.kit.servers import serving
from tests.providers.movidesk.desks import desk, movidesk, scripted
from tests.providers.movidesk.samples import payload
from tests.sandboxes import Sandbox

__all__ = ["desk", "movidesk"]

ACME = Party(Kind.ORGANISATION, {"name": "Acme Ltda", "tax_id": "16727230000197", "email": "a@acme.example"}, contact_id=5)
SHOWN = Ref(COMPANY, "200000001")


# Creating


def test_record_is_named_after_the_contact(desk: Sandbox, movidesk: Movidesk) -> None:
    made = movidesk.create(ACME, key="attempt-1")

    assert made.ref == Ref(COMPANY, "Nectar5")
    assert [entry["method"] for entry in desk.log()] == ["POST"]  # the answer has the whole record


def test_creating_again_finds_what_was_made_and_brings_it_up_to_date(desk: Sandbox, movidesk: Movidesk) -> None:
    movidesk.create(ACME, key="one")
    edited = Party(ACME.kind, {**ACME.fields, "phone": "(47) 3333-4444"}, contact_id=5)

    again = movidesk.create(edited, key="two")

    assert again.ref == Ref(COMPANY, "Nectar5")
    assert movidesk.remote(movidesk.get(again.ref)).party.fields["phone"] == "(47) 3333-4444"
    assert sum(1 for person in desk.state()["persons"] if person["businessName"] == "Acme Ltda") == 1


@pytest.mark.parametrize(
    "other",
    [
        {"businessName": "Somebody", "cpfCnpj": "12ABC34501DE35"},
        {"businessName": "Somebody", "cpfCnpj": None},
        {"businessName": "Acme Ltda", "personType": 1},
        {"businessName": None},
    ],
)
def test_code_of_somebody_else_is_not_taken(desk: Sandbox, movidesk: Movidesk, other: dict[str, Any]) -> None:
    desk.control(add_persons=[{"id": "NECTAR5", **other}])

    with pytest.raises(SkipRecord) as caught:
        movidesk.create(ACME, key="one")
    assert caught.value.reason == Reason("code_taken", {"name": "Acme Ltda", "id": "Nectar5"})
    assert movidesk.find(ACME) == []


def test_lost_create_is_found_by_its_code(desk: Sandbox, movidesk: Movidesk) -> None:
    desk.control(switches={"delay_seconds": 600})
    desk.fail("lost", method="POST", times=1)
    with pytest.raises(Retry) as caught:
        movidesk.create(ACME, key="one")

    assert caught.value.in_doubt
    assert [raw.ref.id for raw in movidesk.find(ACME)] == ["Nectar5"]  # although no list shows it yet
    assert movidesk.create(ACME, key="two").ref.id == "Nectar5"


def test_party_without_contact_is_found_by_name(movidesk: Movidesk) -> None:
    plain = Party(ACME.kind, {"name": "O'Neil & Filhos"})
    made = movidesk.create(plain, key="x-1")

    assert made.ref.id == "Nectarx1"
    assert [raw.ref for raw in movidesk.find(plain)] == [made.ref]


def test_person_waits_for_the_organisation(movidesk: Movidesk) -> None:
    orphan = Party(Kind.PERSON, {"name": "Ana"}, parent=Ref(COMPANY, "Nectar404"), contact_id=6)

    with pytest.raises(Retry) as caught:
        movidesk.create(orphan, key="one")
    assert (caught.value.reason.code, caught.value.in_doubt) == ("parent_not_there", False)


def test_refusal_stands_at_the_field(movidesk: Movidesk) -> None:
    with pytest.raises(SkipRecord) as caught:
        movidesk.create(Party(Kind.ORGANISATION, {"name": "x" * 129, "email": "a@b.example"}, contact_id=9), key="one")
    assert caught.value.fields == {"name": "BusinessName must have at most 128 characters"}

    made = movidesk.create(ACME, key="one")
    with pytest.raises(SkipRecord) as caught:
        movidesk.update(made, {"email": "a b@c"}, ACME)
    assert caught.value.fields == {"email": "The e-mail entered is invalid"}


def test_wrong_tax_id_costs_no_call(desk: Sandbox, movidesk: Movidesk) -> None:
    with pytest.raises(SkipRecord) as caught:
        movidesk.create(Party(Kind.ORGANISATION, {"name": "Acme", "tax_id": "123"}, contact_id=5), key="one")
    assert caught.value.reason.code == "bad_tax_id"
    assert desk.log() == []


def test_answer_with_nothing_but_the_code() -> None:
    with serving(as_json({"id": "Nectar5"}), as_json(payload("company") | {"id": "Nectar5"})) as (vendor, url):
        made = scripted(url).create(ACME, key="one")

    assert made.body["corporateName"] == "Empresa Exemplo Ltda"
    assert [request.method for request in vendor.seen] == ["POST", "GET"]


@pytest.mark.parametrize("answer", [as_json([]), as_json({}), as_json({"id": None}), as_json("Nectar5")])
def test_created_without_an_answer_to_go_by_is_in_doubt(answer: Reply) -> None:
    with serving(answer) as (_, url), pytest.raises(BadAnswer) as caught:
        scripted(url).create(ACME, key="one")
    assert caught.value.in_doubt


def test_created_but_not_readable_is_in_doubt() -> None:
    with serving(as_json({"id": "Nectar5"}), as_json({"message": "no"}, 500)) as (_, url), pytest.raises(BadAnswer) as caught:
        scripted(url).create(ACME, key="one")
    assert caught.value.in_doubt


# Changing


def test_update_is_one_call_and_keeps_what_is_not_ours(desk: Sandbox, movidesk: Movidesk) -> None:
    fields = [{"customFieldId": 7, "value": "x"}]
    desk.control(add_persons=[{**payload("company"), "customFieldValues": fields, "role": "Matriz"}], clear_log=True)
    current = movidesk.get(Ref(COMPANY, "EMP0042"))

    stored = movidesk.update(current, {"email": "novo@exemplo.example"}, ACME)

    assert [entry["method"] for entry in desk.log()] == ["GET", "PATCH"]
    there = next(person for person in desk.state()["persons"] if person["id"] == "EMP0042")
    assert (there["customFieldValues"], there["role"], len(there["addresses"]), len(there["contacts"])) == (fields, "Matriz", 2, 3)
    assert stored.version == movidesk.get(current.ref).version


def test_agreed_entry_is_replaced_although_another_is_the_default_now(desk: Sandbox, movidesk: Movidesk) -> None:
    body = payload("company")
    body["emails"] = [{**one, "isDefault": not one["isDefault"]} for one in body["emails"]]
    desk.control(add_persons=[body])
    agreed = Base(ours={"email": "contato@exemplo.example"}, theirs={"email": "contato@exemplo.example"})

    movidesk.update_agreed(movidesk.get(Ref(COMPANY, "EMP0042")), {"email": "novo@exemplo.example"}, ACME, agreed=agreed)

    there = movidesk.get(Ref(COMPANY, "EMP0042"))
    assert [one["email"] for one in there.body["emails"]] == ["dono@exemplo.example", "novo@exemplo.example"]
    assert movidesk.remote(there).party.fields["email"] == "novo@exemplo.example"


def test_nothing_to_change_is_no_call(desk: Sandbox, movidesk: Movidesk) -> None:
    current = movidesk.get(SHOWN)
    desk.control(clear_log=True)

    assert movidesk.update(current, {}, ACME) is current
    assert desk.log() == []


def test_nothing_is_ever_deleted_there(desk: Sandbox, movidesk: Movidesk) -> None:
    made = movidesk.create(ACME, key="one")
    movidesk.update(made, {"notes": "x"}, ACME)

    assert not any(entry["method"] == "DELETE" for entry in desk.log())
