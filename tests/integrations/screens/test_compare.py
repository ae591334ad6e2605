"""The compare page against a running ledger: what is shown, one Save for both systems, and what happens when somebody else was quicker."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.enums import Role
from accounts.models import AuditEvent, Membership
from contacts.models import Contact, ContactChange, CustomField
from integrations.enums import LinkState
from integrations.kit.http import Http
from integrations.models import Connection, Exchange, Link, Outbox
from tests.accounts.api_client import api_client
from tests.fixtures import Cast
from tests.integrations.screens.world import World

HTMX = {"HX-Request": "true"}


@pytest.fixture
def ledger(books: World) -> World:
    books.connect()
    return books


def customer(world: World, number: str = "1") -> dict[str, Any]:
    return next(row for row in world.sandbox.state()["customers"] if str(row["customerNumber"]) == number)


def linked(world: World, number: str = "1") -> Contact:
    with world.open():
        link = Link.objects.select_related("contact").get(connection=world.connection, remote_kind="customer", remote_id=number)
        assert link.contact is not None
        return link.contact


def page(world: World, contact: Contact) -> str:
    return f"/w/{world.workspace.slug}/contacts/{contact.pk}/integrations/{world.connection.pk}/compare/"


def shown(text: str) -> str:
    found = re.search(r'name="shown" value="([^"]+)"', text)
    assert found
    return html.unescape(found[1])


def differ(world: World, contact: Contact, **fields: Any) -> None:
    """An edit here that nobody has told the ledger of."""
    world.edit(contact, **fields)
    with world.open():
        Outbox.objects.all().delete()


def choose(world: World, who: Client, contact: Contact, **choices: str) -> HttpResponse:
    told = shown(who.get(page(world, contact)).text)
    return who.post(page(world, contact), {"shown": told, **{f"choice.{key}": side for key, side in choices.items()}})


def between(monkeypatch: pytest.MonkeyPatch, method: str, act: Callable[[], object]) -> None:
    """Let something happen once, right after the vendor has answered such a request."""
    exchange = Http._exchange
    waiting = [act]

    def interrupted(http: Http, prepared: Any) -> Any:
        answer = exchange(http, prepared)
        if waiting and prepared.method == method:
            waiting.pop()()
        return answer

    monkeypatch.setattr(Http, "_exchange", interrupted)


def test_same_on_both_sides(ledger: World, alice: Client) -> None:
    text = alice.get(page(ledger, linked(ledger))).text
    assert "Both sides say the same" in text
    assert "Save on both sides" not in text


def test_one_save_writes_both(ledger: World, alice: Client) -> None:
    contact = linked(ledger)
    before = customer(ledger)
    differ(ledger, contact, website="www.here.example", name="Here ApS")
    ledger.sandbox.control(put_customers=[{"customerNumber": 1, "city": "Vejle"}])
    text = alice.get(page(ledger, contact)).text
    for words in ("3 fields differ", "www.here.example", "Here ApS", "Vejle", "All from e-conomic"):
        assert words in text, words
    answer = choose(ledger, alice, contact, name="theirs", website="ours", city="theirs")
    assert answer.status_code == 302
    now = ledger.again(contact)
    assert (now.name, now.website, now.city) == (before["name"], "www.here.example", "Vejle")
    after = customer(ledger)
    assert (after["name"], after["website"], after["city"]) == (before["name"], "www.here.example", "Vejle")
    kept = {name: value for name, value in before.items() if name not in {"website", "city", "lastUpdated", "objectVersion"}}
    assert {name: after[name] for name in kept} == kept
    with ledger.open():
        assert not Outbox.objects.exists()
        link = Link.objects.get(contact=contact, remote_kind="customer")
    assert (link.state, link.base_ours["website"], link.base_theirs["address"]["city"]) == (LinkState.LINKED, "www.here.example", "Vejle")
    assert "Both sides say the same" in alice.get(page(ledger, contact)).text
    run_before = ledger.settle()
    assert run_before
    assert ledger.again(contact).version == now.version


def test_choice_is_in_history_and_audit(ledger: World, alice: Client) -> None:
    contact = linked(ledger)
    name = customer(ledger)["name"]
    differ(ledger, contact, name="Here ApS", website="www.here.example")
    choose(ledger, alice, contact, name="theirs", website="ours")
    with ledger.open():
        event = AuditEvent.objects.get(action="contact.compared", target=f"contact:{contact.pk}")
        change = ContactChange.objects.filter(contact_id=contact.pk).latest("pk")
    assert event.actor == ledger.user
    assert (event.data["sent"], event.data["taken"]) == (["Website"], ["Name"])
    assert event.data["changes"]["Name"] == ["Here ApS", name]
    assert "name" in change.changes
    assert "Compared with e-conomic" in alice.get(f"/w/{ledger.workspace.slug}/contacts/{contact.pk}/").text


def test_changed_there_meanwhile(ledger: World, alice: Client) -> None:
    contact = linked(ledger)
    differ(ledger, contact, website="www.here.example")
    told = shown(alice.get(page(ledger, contact)).text)
    for side in ("ours", "theirs"):
        ledger.sandbox.control(put_customers=[{"customerNumber": 1, "city": f"Town {side}"}])
        answer = alice.post(page(ledger, contact), {"shown": told, "choice.website": side}, headers=HTMX)
        assert answer.status_code == 409
        assert "changed in e-conomic meanwhile" in answer.text
        assert f"Town {side}" in answer.text
    assert customer(ledger).get("website") != "www.here.example"
    assert ledger.again(contact).website == "www.here.example"


def test_changed_here_meanwhile(ledger: World, alice: Client) -> None:
    contact = linked(ledger)
    differ(ledger, contact, website="www.here.example")
    told = shown(alice.get(page(ledger, contact)).text)
    ledger.edit(contact, website="www.newer.example")
    writes = len([one for one in ledger.sandbox.log() if one["method"] == "PUT"])
    answer = alice.post(page(ledger, contact), {"shown": told, "choice.website": "ours"}, headers=HTMX)
    assert answer.status_code == 409
    assert "changed here meanwhile" in answer.text
    assert "www.newer.example" in answer.text
    assert len([one for one in ledger.sandbox.log() if one["method"] == "PUT"]) == writes


def test_second_half_fails_and_is_settled_later(ledger: World, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    contact = linked(ledger)
    differ(ledger, contact, website="www.here.example")
    ledger.sandbox.control(put_customers=[{"customerNumber": 1, "city": "Vejle"}])
    told = shown(alice.get(page(ledger, contact)).text)
    between(monkeypatch, "PUT", lambda: differ(ledger, contact, addresses=[{"label": "", "line1": "Own 1", "city": "Odense"}]))
    answer = alice.post(page(ledger, contact), {"shown": told, "choice.website": "ours", "choice.city": "theirs"}, follow=True)
    assert "Somebody edited this here meanwhile: City" in answer.text
    assert customer(ledger)["website"] == "www.here.example"
    assert ledger.again(contact).city == "Odense"
    with ledger.open():
        assert Outbox.objects.filter(contact=contact).count() == 1
        assert Link.objects.get(contact=contact, remote_kind="customer").version == ""


def test_refusals_stand_at_their_field(ledger: World, alice: Client) -> None:
    contact = linked(ledger)
    ledger.sandbox.control(put_customers=[{"customerNumber": 1, "country": "Langtbortistan", "email": "a@b.example"}])
    answer = choose(ledger, alice, contact, country="theirs", email="theirs")
    assert answer.status_code == 422
    assert "two-letter code" in answer.content.decode()
    assert ledger.again(contact).first_email != "a@b.example"
    bad = choose(ledger, alice, contact, nonsense="ours")
    assert bad.status_code == 422
    empty = choose(ledger, alice, contact)
    assert "Choose a value first" in empty.content.decode()


def test_required_there_cannot_be_emptied(ledger: World, alice: Client) -> None:
    with ledger.open():
        CustomField.objects.create(workspace=ledger.workspace, key="payment_terms", label="Terms", kind="text")
    contact = linked(ledger)
    text = alice.get(page(ledger, contact)).text
    assert "cannot be written in e-conomic" in text
    assert "Payment terms" in text
    assert choose(ledger, alice, contact, payment_terms="ours").status_code == 422
    assert choose(ledger, alice, contact, payment_terms="theirs").status_code == 302
    assert ledger.again(contact).custom["payment_terms"] == str(customer(ledger)["paymentTerms"])


def test_lists_and_booleans_come_here(ledger: World, alice: Client) -> None:
    with ledger.open():
        CustomField.objects.create(workspace=ledger.workspace, key="barred", label="Barred", kind="boolean")
    contact = linked(ledger)
    ledger.sandbox.control(
        put_customers=[{"customerNumber": 1, "email": "one@x.example two@x.example", "mobilePhone": "20304050", "barred": True}]
    )
    choose(ledger, alice, contact, email="theirs", mobile="theirs", barred="theirs")
    now = ledger.again(contact)
    assert [each["email"] for each in now.emails] == ["one@x.example", "two@x.example"]
    assert [each["number"] for each in now.phones if each["label"] == "Mobile"] == ["20304050"]
    assert now.custom["barred"] is True
    assert "Both sides say the same" in alice.get(page(ledger, contact)).text


def test_numbers_are_compared_by_how_much_they_are(ledger: World, alice: Client) -> None:
    with ledger.open():
        for key in ("credit_limit", "customer_number"):
            CustomField.objects.create(workspace=ledger.workspace, key=key, label=key, kind="number")
    contact = linked(ledger)
    ledger.sandbox.control(put_customers=[{"customerNumber": 1, "creditLimit": 5000.0}])
    differ(ledger, contact, custom={"credit_limit": "5000", "customer_number": "1"})
    assert "Both sides say the same" in alice.get(page(ledger, contact)).text
    differ(ledger, contact, custom={"credit_limit": "5000.5", "customer_number": "1"})
    choose(ledger, alice, contact, credit_limit="theirs")
    assert ledger.again(contact).custom["credit_limit"] == "5000"
    assert "Both sides say the same" in alice.get(page(ledger, contact)).text


def test_a_value_forged_on_the_way_is_refused(ledger: World, alice: Client) -> None:
    contact, other = linked(ledger), linked(ledger, "2")
    differ(ledger, contact, website="www.here.example")
    told = shown(alice.get(page(ledger, contact)).text)
    for text in ("", "v1.k.forged", told[:-4] + "AAAA"):
        assert alice.post(page(ledger, contact), {"shown": text, "choice.website": "ours"}).status_code == 409
    assert alice.post(page(ledger, other), {"shown": told, "choice.website": "ours"}).status_code == 409
    assert customer(ledger).get("website") != "www.here.example"


def test_vendor_away_says_so_and_changes_nothing(ledger: World, alice: Client) -> None:
    contact = linked(ledger)
    differ(ledger, contact, website="www.here.example")
    told = shown(alice.get(page(ledger, contact)).text)
    ledger.sandbox.fail("503")
    answer = alice.post(page(ledger, contact), {"shown": told, "choice.website": "ours"}, headers=HTMX)
    assert answer.status_code == 409
    assert "nothing was saved here" in answer.text
    assert "Try again" in alice.get(page(ledger, contact)).text
    with ledger.open():
        assert Exchange.objects.filter(status=503).exists()


def test_answer_lost_on_the_way_is_looked_up(ledger: World, alice: Client) -> None:
    contact = linked(ledger)
    name = customer(ledger)["name"]
    differ(ledger, contact, website="www.here.example", name="Here ApS")
    ledger.sandbox.fail("lost", method="PUT", times=3)
    answer = choose(ledger, alice, contact, website="ours", name="theirs")
    assert answer.status_code == 302
    assert customer(ledger)["website"] == "www.here.example"
    assert ledger.again(contact).name == name
    assert "Both sides say the same" in alice.get(page(ledger, contact)).text


def test_refused_write_leaves_both_sides(ledger: World, alice: Client) -> None:
    contact = linked(ledger)
    differ(ledger, contact, website="www.here.example", name="Here ApS")
    told = shown(alice.get(page(ledger, contact)).text)
    ledger.sandbox.fail("503", method="PUT")
    answer = alice.post(page(ledger, contact), {"shown": told, "choice.website": "ours", "choice.name": "theirs"}, headers=HTMX)
    assert answer.status_code == 409
    assert "Nothing was saved." in answer.text
    assert ledger.again(contact).name == "Here ApS"
    assert customer(ledger).get("website") != "www.here.example"


def test_record_gone_or_reused(ledger: World, alice: Client) -> None:
    contact, other = linked(ledger), linked(ledger, "3")
    ledger.sandbox.control(
        put_customers=[{"customerNumber": 3, "name": "Ny Ejer A/S", "corporateIdentificationNumber": "99999999", "email": "x@ny.example"}]
    )
    assert "is another one than before" in alice.get(page(ledger, other)).text
    with ledger.open():
        Link.objects.filter(contact=contact).update(remote_id="4711")
    assert "does not exist" in alice.get(page(ledger, contact)).text


def test_who_may(ledger: World, cast: Cast, bob: Client, charlie: Client) -> None:
    contact = linked(ledger)
    assert bob.get(page(ledger, contact)).status_code == 200
    assert charlie.get(page(ledger, contact)).status_code == 404
    Membership.objects.filter(user=cast.bob).update(role=Role.RESTRICTED)
    assert bob.get(page(ledger, contact)).status_code == 404
    with ledger.open():
        Connection.objects.update(status="OFF")
    assert bob.get(page(ledger, contact)).status_code == 404


def test_nothing_is_sent_while_it_is_paused(ledger: World, cast: Cast, alice: Client) -> None:
    contact = linked(ledger)
    differ(ledger, contact, website="www.here.example")
    told = shown(alice.get(page(ledger, contact)).text)
    with ledger.open():
        Connection.objects.update(status="PAUSED")
    asked, before = len(ledger.sandbox.log()), customer(ledger)
    answer = alice.post(page(ledger, contact), {"shown": told, "choice.website": "ours"})
    assert "is not connected at the moment" in answer.text
    address = f"/api/v1/contacts/{contact.pk}/compare/{ledger.connection.pk}/"
    body = {"shown": told, "choices": {"website": "ours"}}
    assert api_client(cast.alice, cast.workspace).post(address, body, content_type="application/json").status_code == 409
    assert (len(ledger.sandbox.log()), customer(ledger)) == (asked, before)


def test_api(ledger: World, cast: Cast) -> None:
    contact = linked(ledger)
    client = api_client(cast.alice, cast.workspace)
    address = f"/api/v1/contacts/{contact.pk}/compare/{ledger.connection.pk}/"
    differ(ledger, contact, website="www.here.example", name="Here ApS")
    found = client.get(address).json()
    assert (found["state"], found["different"]) == ("different", 2)
    rows = {row["key"]: row for row in found["rows"]}
    assert (rows["website"]["ours"], rows["website"]["differs"]) == ("www.here.example", True)
    body = {"shown": found["shown"], "choices": {"website": "ours", "name": "theirs"}}
    saved = client.post(address, body, content_type="application/json")
    assert saved.status_code == 200
    assert (saved.json()["given"], saved.json()["taken"], saved.json()["left"]) == (["website"], ["name"], [])
    assert client.get(address).json()["state"] == "same"
    late = client.post(address, body, content_type="application/json")
    assert late.status_code == 409
    differ(ledger, contact, website="www.again.example")
    bad = client.post(address, {"choices": {"website": "neither"}}, content_type="application/json")
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (400, "choices.website")
    plain = client.post(address, {"choices": {"website": "ours"}}, content_type="application/json")
    assert plain.status_code == 200
    assert customer(ledger)["website"] == "www.again.example"
    stranger = api_client(cast.charlie, cast.elsewhere)
    assert stranger.get(address).status_code == 404
    assert stranger.post(address, body, content_type="application/json").status_code == 404


def test_odd_values_by_the_api_write_nothing(ledger: World, cast: Cast) -> None:
    contact, other = linked(ledger), linked(ledger, "2")
    client = api_client(cast.alice, cast.workspace)
    path = "/api/v1/contacts/{}/compare/{}/"
    address = path.format(contact.pk, ledger.connection.pk)
    differ(ledger, contact, website="www.here.example")
    told, theirs = (client.get(path.format(each.pk, ledger.connection.pk)).json()["shown"] for each in (contact, other))
    fine, before = {"website": "ours"}, customer(ledger)
    asked: list[tuple[Any, str]] = [([], ""), ("x", ""), (None, ""), ({"shown": told}, "choices")]
    asked += [({"choices": choices}, "choices") for choices in (None, {}, [], ["website"], "website", 1, {"website": ["ours"]})]
    asked += [({"choices": {key: "ours"}}, "choices") for key in ("nonsense", "", "a\0b", "a\u0663", "x" * 5000)]
    asked += [({"choices": {"website": side}}, "choices") for side in (None, True, 1, {}, "ours\0", "o" * 11, "OURS")]
    asked += [
        ({"choices": fine, "shown": text}, "shown")
        for text in (theirs, told[:-3], told + "x", "x", 1, [told], {}, "a\0b", "\u0663:x", None)
    ]
    for body, field in asked:
        answer = client.post(address, json.dumps(body), content_type="application/json")
        assert answer.status_code == 400, (body, answer.content)
        assert not field or answer.json()["errors"][0]["field"].startswith(field), (body, answer.content)
    for pk, connection in ((contact.pk, 2**70), (2**70, ledger.connection.pk), (other.pk + 10**9, ledger.connection.pk)):
        assert client.get(path.format(pk, connection)).status_code == 404
        assert client.post(path.format(pk, connection), {"choices": fine}, content_type="application/json").status_code == 404
    assert customer(ledger) == before
