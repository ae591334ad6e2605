"""What is e-conomic's own when writing: nothing is lost by a PUT, nothing is written twice, nobody's number is taken for another's."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from integrations.engine import plan
from integrations.engine.errors import BadSettings, Conflict, Denied, Gone, Reconnect, Retry, SkipRecord
from integrations.engine.provider import Provider
from integrations.engine.types import Account, Kind, Link, LinkState, Local, Party, Ref
from integrations.kit.http import Exchange
from integrations.providers.economic import compare
from integrations.providers.economic.manifest import MANIFEST
from integrations.providers.economic.sandbox import SECOND
from tests.providers.economic.samples import opened, sandbox
from tests.sandboxes import Sandbox

__all__ = ["sandbox"]
PARTY = Party(Kind.ORGANISATION, {"name": "Ny Kunde ApS", "email": "ny@kunde.example", "address": {"line1": "Torvet 1", "country": "DK"}})
RICH = {
    "customerNumber": 5,
    "barred": True,
    "ean": "5790000000005",
    "attention": 104,
    "customerContact": 105,
    "salesPerson": 7,
    "defaultDeliveryLocation": 9,
    "creditLimit": 1000.0,
    "publicEntryNumber": "42",
}


def customer(sandbox: Sandbox, number: int = 5) -> dict[str, Any]:
    return next(row for row in sandbox.state()["customers"] if row["customerNumber"] == number)


def without_stamp(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "lastUpdated" and value not in ("", None)}


# Permission


def test_whose_agreement(sandbox: Sandbox) -> None:
    assert opened(sandbox).check() == Account("1234567", "Nordlys Handel ApS")
    assert opened(sandbox, token=sandbox.token(agreement=SECOND)["grant_token"]).check() == Account("7654321", "Havnens Værft A/S")


def test_withdrawn_grant_needs_a_person(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    sandbox.control(revoke=True)

    with pytest.raises(Reconnect):
        provider.check()


def test_server_without_app_secret_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(BadSettings) as caught:
        opened(sandbox, env={"ECONOMIC_APP_SECRET_TOKEN": " "}).check()

    assert caught.value.reason.params == {"variable": "ECONOMIC_APP_SECRET_TOKEN"}


def test_demo_agreement_can_only_be_read(sandbox: Sandbox) -> None:
    demo = opened(sandbox, token="demo", env={"ECONOMIC_APP_SECRET_TOKEN": "demo"})

    assert demo.page("customers", None).records
    with pytest.raises(Denied):
        demo.create(PARTY, key="one")


# PUT replaces


def test_update_keeps_all_that_it_does_not_change(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    sandbox.control(put_customers=[RICH])
    before = customer(sandbox)

    provider.update(provider.get(Ref("customer", "5")), {"phone": "+45 1"}, PARTY)

    assert without_stamp(customer(sandbox)) == without_stamp(before) | {"telephoneAndFaxNumber": "+45 1"}


def test_compare_screen_keeps_all_that_nobody_chose(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    sandbox.control(put_customers=[RICH])
    before = customer(sandbox)

    provider.put_compared(provider.get(Ref("customer", "5")), {"payment_terms": "3", "barred": "", "country": "SE"})

    assert without_stamp(customer(sandbox)) == without_stamp(before) | {"paymentTerms": 3, "barred": False, "country": "Sverige"}


def test_reading_and_writing_back_changes_nothing(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    for number in range(1, 12):
        before = provider.get(Ref("customer", str(number)))
        row = without_stamp(customer(sandbox, number))
        theirs = {key: value for key, value in provider.compared(before).items() if key not in {"number", "balance"}}

        provider.put_compared(before, {key: value for key, value in theirs.items() if value or key == "barred"})

        assert provider.get(before.ref).version == before.version
        assert without_stamp(customer(sandbox, number)) == row


def test_contact_keeps_what_it_has(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    number = sandbox.control(add_contacts=[{"customerNumber": 5, "name": "Åse", "eInvoiceId": "7", "receiveInvoices": True}])["contacts"][0]

    provider.update(provider.get(Ref("contact", str(number))), {"name": "Åse Holm"}, Party(Kind.PERSON, {"name": "Åse Holm"}))

    row = next(row for row in sandbox.state()["contacts"] if row["number"] == number)
    assert (row["name"], row["eInvoiceId"], row["receiveInvoices"], row["objectVersion"]) == ("Åse Holm", "7", True, f"v{number}-2")


def test_ignored_field_is_told_as_not_stored(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    sandbox.control(switches={"ignored": ["vatNumber", "website"]})
    current = provider.get(Ref("customer", "5"))
    fresh = provider.remote(current)
    link = Link(current.ref, LinkState.LINKED, 1, base=None)
    local = Local(1, Kind.ORGANISATION, {**fresh.party.fields, "website": "ny.example"}, version=1)
    link = Link(current.ref, LinkState.LINKED, 1, base=plan.created(fresh.party.fields, stored=fresh, fields=MANIFEST.fields))
    policy = plan.Policy()
    push = plan.plan_push(link, local, fresh, fields=MANIFEST.fields, policy=policy)

    stored = provider.remote(provider.update(current, push.send, PARTY))

    assert push.send == {"website": "ny.example"}
    settled = plan.settle(push, stored=stored, fields=MANIFEST.fields, policy=policy)
    assert settled.not_stored == ("website",)
    again = plan.plan_push(Link(link.ref, link.state, 1, base=settled.base), local, stored, fields=MANIFEST.fields, policy=policy)
    assert again.nothing_to_say


# Lost updates


def test_change_under_our_hands_is_not_overwritten(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    customers, people = provider.get(Ref("customer", "5")), provider.page("contacts", None).records[0]
    sandbox.control(put_customers=[{"customerNumber": 5, "city": "Ribe"}], put_contacts=[{"number": people.body["number"], "phone": "1"}])

    for write in (
        lambda: provider.update(customers, {"name": "Ny"}, PARTY),
        lambda: provider.put_compared(customers, {"name": "Ny"}),
        lambda: provider.update(people, {"name": "Ny"}, PARTY),
    ):
        with pytest.raises(Conflict) as caught:
            write()
        assert caught.value.reason.code == "changed_there"
    assert customer(sandbox)["city"] == "Ribe"
    assert not [entry for entry in sandbox.log() if entry["method"] == "PUT"]


def test_version_of_a_contact_guards_the_write_itself(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    current = provider.page("contacts", None).records[0]
    # A change that only the version of the object tells.
    sandbox.control(put_contacts=[{"number": current.body["number"]}])
    stale = type(current)(current.ref, {**current.body, "objectVersion": "v0-0"}, current.version)

    assert provider.update(stale, {"name": "Ny"}, PARTY).body["name"] == "Ny"


def test_payment_is_no_change_of_the_customer(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    current = provider.get(Ref("customer", "5"))
    sandbox.control(bill=[{"customer": 5, "net": 100.0}])

    assert provider.get(current.ref).body["balance"] != current.body["balance"]
    assert provider.update(current, {"phone": "+45 2"}, PARTY).body["telephoneAndFaxNumber"] == "+45 2"


def test_deleted_customer_is_not_made_anew_by_an_update(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    current = provider.get(Ref("customer", "5"))
    sandbox.control(delete_customers=[5])

    with pytest.raises(Gone):
        provider.update(current, {"name": "Ny"}, PARTY)
    assert "PUT" not in {entry["method"] for entry in sandbox.log()}


# Idempotency


def keys(exchanges: list[Exchange], method: str) -> list[str]:
    return [one.request_headers["Idempotency-Key"] for one in exchanges if one.method == method]


def test_every_write_carries_a_key(sandbox: Sandbox) -> None:
    exchanges: list[Exchange] = []
    provider = opened(sandbox, exchanges=exchanges)
    made = provider.create(PARTY, key="one")
    person = provider.create(Party(Kind.PERSON, {"name": "Åse"}, parent=made.ref), key="two")
    provider.update(made, {"name": "Ny"}, PARTY)
    provider.update(person, {"name": "Ny"}, PARTY)
    provider.subscribe("https://crm.example/hooks/economic/k3y/")

    assert all("Idempotency-Key" in one.request_headers for one in exchanges if one.method != "GET")
    assert len(set(keys(exchanges, "POST") + keys(exchanges, "PUT"))) == 6


def test_same_attempt_makes_one_customer(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    before = len(sandbox.state()["customers"])
    sandbox.fail("lost", method="POST", times=1)
    with pytest.raises(Retry) as caught:
        provider.create(PARTY, key="one")
    assert caught.value.in_doubt

    again = provider.create(PARTY, key="one")

    assert len(sandbox.state()["customers"]) == before + 1
    assert [record.ref for record in provider.find(PARTY)] == [again.ref]
    assert provider.create(PARTY, key="other").ref != again.ref


def test_change_that_was_undone_there_is_sent_again(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    ref = Ref("customer", "5")
    old = provider.get(ref).body["name"]
    for second in range(3):
        sandbox.control(switches={"clock": 10 * second + 1})
        provider.update(provider.get(ref), {"name": "Ny ApS"}, PARTY)
        assert customer(sandbox)["name"] == "Ny ApS"
        sandbox.control(switches={"clock": 10 * second + 5}, put_customers=[{"customerNumber": 5, "name": old}])


@pytest.mark.parametrize("kind", ["500", "401", "403", "404", "html", "reset"])
def test_created_customer_counts_although_it_cannot_be_read_back(sandbox: Sandbox, kind: str) -> None:
    provider = opened(sandbox)
    sandbox.fail(kind, method="GET", path="/rest/customers/")

    made = provider.create(PARTY, key="one")

    assert made.body["name"] == "Ny Kunde ApS"
    sandbox.control(clear_faults=True)
    assert provider.get(made.ref).version == made.version


@pytest.mark.parametrize("kind", ["500", "401", "403", "404", "html", "reset"])
def test_created_contact_that_cannot_be_read_back_is_in_doubt(sandbox: Sandbox, kind: str) -> None:
    provider = opened(sandbox)
    party = Party(Kind.PERSON, {"name": "Åse Holm"}, parent=Ref("customer", "5"))
    sandbox.fail(kind, method="GET", path="/Contacts/")

    with pytest.raises(Retry) as caught:
        provider.create(party, key="one")

    assert caught.value.in_doubt
    sandbox.control(clear_faults=True)
    assert len(provider.find(party)) == 1


# Refusals


def test_what_settings_lack_is_asked_for(sandbox: Sandbox) -> None:
    provider = opened(sandbox, settings={"payment_terms": "", "currency": ""})
    with pytest.raises(BadSettings) as caught:
        provider.create(PARTY, key="one")

    assert caught.value.field == "payment_terms"
    assert caught.value.reason.params == {"setting": "Payment terms, Currency"}
    assert "POST" not in {entry["method"] for entry in sandbox.log()}


def test_what_settings_say_and_nobody_knows(sandbox: Sandbox) -> None:
    with pytest.raises(BadSettings) as caught:
        opened(sandbox, settings={"payment_terms": "4711"}).create(PARTY, key="one")

    assert (caught.value.reason.code, caught.value.field) == ("setting_refused", "payment_terms")
    assert "findes ikke" in caught.value.detail


def test_danish_words_stand_at_their_fields(sandbox: Sandbox) -> None:
    party = Party(Kind.ORGANISATION, {**PARTY.fields, "email": "nix", "name": "N" * 256})
    with pytest.raises(SkipRecord) as caught:
        opened(sandbox).create(party, key="one")

    assert caught.value.fields == {"name": "Teksten er for lang.", "email": "E-mailadressen er ikke gyldig."}
    assert caught.value.reason.params["fields"] == "Name, E-mail"


def test_contact_of_a_customer_that_is_gone(sandbox: Sandbox) -> None:
    party = Party(Kind.PERSON, {"name": "Åse Holm"}, parent=Ref("customer", "4000"))
    with pytest.raises(SkipRecord) as caught:
        opened(sandbox).create(party, key="one")

    assert caught.value.reason.code == "parent_not_there"


def test_person_without_organisation_becomes_a_customer(sandbox: Sandbox) -> None:
    made = opened(sandbox).create(Party(Kind.PERSON, {"name": "Åse Holm"}), key="one")

    assert made.ref.kind == "customer"


def test_invoices_are_only_read(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    with pytest.raises(SkipRecord):
        provider.update(provider.page("invoices", None).records[0], {"name": "Ny"}, PARTY)


@pytest.mark.parametrize("id", ["../self", "5/../6", "", "a", "5?x=1", "-1", "٣"])
def test_odd_numbers_do_not_leave_the_path(sandbox: Sandbox, id: str) -> None:
    provider = opened(sandbox)
    for kind in ("customer", "contact", "invoice", "quote"):
        with pytest.raises(Gone):
            provider.get(Ref(kind, id))
    assert sandbox.log() == []


# Numbers


def test_reused_number_is_another_customer(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    known = provider.remote(provider.get(Ref("customer", "45"))).party.fields
    sandbox.control(delete_customers=[45])
    made = provider.create(PARTY, key="one")

    assert made.ref == Ref("customer", "45")
    assert provider.is_another(made, known)
    assert not provider.is_another(made, provider.remote(made).party.fields)


def test_renumbered_customer_is_the_same_under_its_new_number(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    known = provider.remote(provider.get(Ref("customer", "5"))).party.fields
    people = provider.children(Ref("customer", "5"))
    sandbox.control(renumber=[[5, 5000]])

    with pytest.raises(Gone):
        provider.get(Ref("customer", "5"))
    assert not provider.is_another(provider.get(Ref("customer", "5000")), known)
    assert [raw.ref for raw in provider.children(Ref("customer", "5000"))] == [raw.ref for raw in people]


def test_children_are_the_records_of_the_list(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    listed = {raw.ref: raw.version for raw in provider.page("contacts", None).records if raw.body["customerNumber"] == 2}

    assert {raw.ref: raw.version for raw in provider.children(Ref("customer", "2"))} == listed
    assert listed


# What the core asks


def test_capabilities_are_those_of_the_engine() -> None:
    assert MANIFEST.fields_of("contact") != MANIFEST.fields_of("customer") == MANIFEST.fields
    assert MANIFEST.remote_kind(Kind.PERSON) == "contact"
    assert MANIFEST.compare is compare.ROWS
    assert {row.choices for row in compare.ROWS if row.choices} <= {spec.key for spec in MANIFEST.settings}


def test_connect_gives_a_provider(sandbox: Sandbox) -> None:
    provider: Provider = opened(sandbox)

    assert provider.manifest.key == "economic"


def test_page_of_the_grant_brings_a_token(sandbox: Sandbox) -> None:
    page = f"{sandbox.url}/economic/secure/api1/requestaccess.aspx"
    form = {"answer": "yes", "agreement": str(SECOND), "redirectUrl": "http://crm.example/connect/economic/callback/x/"}
    answer = requests.post(f"{page}?appPublicToken=sandbox", data=form, allow_redirects=False, timeout=90)
    address, _, token = answer.headers["Location"].partition("?token=")

    assert address == form["redirectUrl"]
    assert opened(sandbox, token=token).check().id == str(SECOND)
    with pytest.raises(Denied):
        opened(sandbox, token=token).subscriptions()
