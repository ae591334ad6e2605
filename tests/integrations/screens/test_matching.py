"""The matching screen: what is read and suggested, what a Save does, and that the first sync then joins both sides."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Contact
from integrations.domain.alerts import is_in_trouble
from integrations.domain.matches import CannotMatch, save, waits_for_start
from integrations.enums import LinkState, Outcome, PairingWhy, RunKind
from integrations.models import Connection, Link, Outbox, Pairing, Run
from tests.accounts.api_client import api_client
from tests.fixtures import Cast
from tests.integrations.screens.world import World

BAKERY = "Padaria Pão Dourado"


def pairings(world: World) -> dict[str, Pairing]:
    with world.open():
        rows = Pairing.objects.filter(connection=world.connection, saved_at=None).select_related("contact")
        return {each.name: each for each in rows}


def undo_of(page: str) -> str:
    [token] = re.findall(r'name="undo" value="([^"]+)"', page)
    return html.unescape(token)


def companies(world: World) -> list[dict[str, object]]:
    return [row for row in world.sandbox.state()["persons"] if row["personType"] == 2]


def tax_id_of(world: World, name: str) -> str:
    return str(next(row["cpfCnpj"] for row in companies(world) if row["businessName"] == name))


def test_first_connect_reads_for_matching_and_waits(desk: World, alice: Client) -> None:
    desk.enable()
    answer = alice.post(desk.address("keys/"), {"token": desk.secrets["token"]})
    assert answer["Location"] == desk.address("matches/")
    run = desk.settle()
    desk.refreshed()
    assert (run.kind, run.outcome) == (RunKind.MATCH, Outcome.SUCCESS)
    assert desk.connection.last_success_at is None
    assert desk.connection.next_due_at is None
    with desk.open():
        assert waits_for_start(desk.connection)
        assert Contact.objects.count() == 0
    text = alice.get(desk.address("matches/")).text
    assert "Waiting for the first sync" in text
    assert "Healthy" not in alice.get(f"/w/{desk.workspace.slug}/").text
    assert "Recommended before the first sync" in text
    assert "Start the first sync" in text
    alice.post(desk.address("start/"))
    run = desk.settle()
    assert (run.kind, run.outcome) == (RunKind.INITIAL, Outcome.SUCCESS)
    with desk.open():
        assert not waits_for_start(desk.refreshed())
    assert "Healthy" in alice.get(desk.address()).text


def test_suggestions_best_first(desk: World) -> None:
    exact = desk.add(BAKERY)
    known = desk.add("Somebody else", tax_id=tax_id_of(desk, "Clínica Sorriso Pleno"))
    near = desk.add("Metalurgica Vale Itajai")
    twins = [desk.add("Café Serra Azul"), desk.add("Café Serra Azul")]
    person = desk.add("Livraria Três Corações", kind="person")
    desk.connect(match_first=True)
    found = pairings(desk)
    assert (found[BAKERY].contact, found[BAKERY].why, found[BAKERY].score) == (exact, PairingWhy.NAME, 100)
    assert (found["Clínica Sorriso Pleno"].contact, found["Clínica Sorriso Pleno"].why) == (known, PairingWhy.TAX_ID)
    likely = found["Metalúrgica Vale do Itajaí"]
    assert (likely.contact, likely.why) == (near, PairingWhy.NEAR)
    assert 75 <= likely.score < 100
    unsure = found["Café Serra Azul"]
    assert {unsure.contact, *(each["contact"] for each in unsure.others)} >= {twins[0], twins[1].pk}
    assert unsure.score < 100
    assert found["Livraria Três Corações"].contact != person
    assert all("Nectar" not in each.remote_id for each in found.values())


def test_two_records_of_one_name_are_never_exact(desk: World) -> None:
    desk.add(BAKERY)
    double = {"id": "300", "isActive": True, "personType": 2, "profileType": 2, "businessName": BAKERY}
    desk.sandbox.control(put_persons=[double])
    desk.connect(match_first=True)
    with desk.open():
        scores = list(Pairing.objects.filter(name=BAKERY).values_list("score", flat=True))
    assert len(scores) == 2
    assert max(scores) < 100


def test_save_makes_the_row_go_and_the_sync_join(desk: World, alice: Client) -> None:
    contact = desk.add(BAKERY, website="https://pao.example")
    desk.connect(match_first=True)
    row = pairings(desk)[BAKERY]
    page = alice.get(desk.address("matches/")).text
    assert f'id="match-{row.pk}"' in page
    answer = alice.post(desk.address(f"matches/{row.pk}/"), {"contact": contact.pk}, headers={"HX-Request": "true"}).text
    assert f"{BAKERY} is linked with {BAKERY}" in answer
    assert f'id="match-{row.pk}"' not in answer
    assert "Undo" in answer
    [link] = desk.links(contact=contact)
    assert (link.state, link.version, link.base_ours, link.remote_id) == (LinkState.LINKED, "", {}, row.remote_id)
    alice.post(desk.address("start/"))
    assert desk.settle().outcome == Outcome.SUCCESS
    joined = desk.again(contact)
    assert joined.tax_id
    assert joined.website == "https://pao.example"
    with desk.open():
        assert Contact.objects.filter(name=BAKERY).count() == 1


def test_undo_puts_the_row_back(desk: World, alice: Client) -> None:
    contact = desk.add(BAKERY)
    desk.connect(match_first=True)
    row = pairings(desk)[BAKERY]
    answer = alice.post(desk.address(f"matches/{row.pk}/"), {"contact": contact.pk}, headers={"HX-Request": "true"}).text
    assert BAKERY not in pairings(desk)
    taken_back = alice.post(desk.address("matches/undo/"), {"undo": undo_of(answer)}, follow=True)
    assert "1 match is taken back and open again." in taken_back.text
    back = pairings(desk)[BAKERY]
    assert (back.contact, back.score, back.tax_id) == (contact, 100, row.tax_id)
    assert desk.links() == []
    for forged in ("", "forged", "2026-11-22T10:00:00"):
        assert alice.post(desk.address("matches/undo/"), {"undo": forged}).status_code == 404


def test_an_old_tab_takes_no_newer_match_back(desk: World, alice: Client) -> None:
    first, second = desk.add(BAKERY), desk.add("Dourado Holding")
    desk.connect(match_first=True)
    row = pairings(desk)[BAKERY]
    old = undo_of(alice.post(desk.address(f"matches/{row.pk}/"), {"contact": first.pk}, headers={"HX-Request": "true"}).text)
    alice.post(desk.address("matches/undo/"), {"undo": old})
    alice.post(desk.address(f"matches/{row.pk}/"), {"contact": second.pk})
    answer = alice.post(desk.address("matches/undo/"), {"undo": old}, follow=True)
    assert "This is no longer the newest match of these records, so nothing was changed." in answer.text
    assert [link.contact_id for link in desk.links()] == [second.pk]


def test_all_exact_ones_are_taken_back_together_and_no_others(desk: World, alice: Client) -> None:
    names = (BAKERY, "Clínica Sorriso Pleno", "Farmácia Vida Nova")
    contacts = [desk.add(name) for name in names]
    other = desk.add("Dourado Holding")
    desk.connect(match_first=True)
    before = {name: (row.contact, row.why, row.score, row.others) for name, row in pairings(desk).items()}
    saved = undo_of(alice.post(desk.address("matches/exact/"), follow=True).text)
    row = pairings(desk)["Escola Pequeno Príncipe"]
    alice.post(desk.address(f"matches/{row.pk}/"), {"contact": other.pk})
    page = alice.post(desk.address("matches/undo/"), {"undo": saved}, follow=True).text
    assert "3 matches are taken back and open again." in page
    assert [link.contact_id for link in desk.links()] == [other.pk]
    alice.post(desk.address("matches/undo/"), {"undo": undo_of(page)})
    assert {name: (row.contact, row.why, row.score, row.others) for name, row in pairings(desk).items()} == before
    assert desk.links() == []
    assert [desk.again(contact).version for contact in contacts] == [1, 1, 1]


def test_taking_back_says_what_stays_linked(desk: World, alice: Client) -> None:
    """The offer outlives the page, and a reading of the records."""
    for name in (BAKERY, "Clínica Sorriso Pleno", "Farmácia Vida Nova"):
        desk.add(name)
    desk.connect(match_first=True)
    alice.post(desk.address("matches/exact/"))
    with desk.open():
        Link.objects.filter(connection=desk.connection, remote_name=BAKERY).update(synced_at=timezone.now())
    page = alice.get(desk.address("matches/")).text
    assert "1 has been synced meanwhile and stays linked; unlink it on the contact." in page
    alice.post(desk.address("matches/read/"))
    desk.settle()
    page = alice.get(desk.address("matches/")).text
    assert "2 matches were saved" in page
    answer = alice.post(desk.address("matches/undo/"), {"undo": undo_of(page)}, follow=True).text
    assert "2 matches are taken back and open again." in answer
    assert [link.remote_name for link in desk.links()] == [BAKERY]
    assert 'name="undo"' not in answer


def test_what_a_sync_has_joined_is_not_taken_back(desk: World, alice: Client) -> None:
    desk.add(BAKERY)
    desk.connect(match_first=True)
    saved = undo_of(alice.post(desk.address("matches/exact/"), follow=True).text)
    alice.post(desk.address("start/"))
    desk.settle()
    answer = alice.post(desk.address("matches/undo/"), {"undo": saved}, follow=True).text
    assert "a sync has joined the two sides" in answer
    assert desk.links(remote_name=BAKERY)[0].contact_id
    assert 'name="undo"' not in answer


def test_all_exact_ones_at_once(desk: World, alice: Client) -> None:
    for name in (BAKERY, "Clínica Sorriso Pleno", "Farmácia Vida Nova"):
        desk.add(name)
    desk.add("Metalurgica Vale Itajai")
    desk.connect(match_first=True)
    page = alice.get(desk.address("matches/")).text
    assert "Save all 3 exact matches?" in page
    assert "3 exact matches are linked" in alice.post(desk.address("matches/exact/"), follow=True).text
    assert len(desk.links()) == 3
    assert "There is no exact match left" in alice.post(desk.address("matches/exact/"), follow=True).text


def test_another_contact_by_search(desk: World, alice: Client) -> None:
    other = desk.add("Dourado Holding")
    desk.connect(match_first=True)
    row = pairings(desk)["Escola Pequeno Príncipe"]
    assert "Search your contacts" in alice.get(desk.address(f"matches/{row.pk}/contacts/")).text
    found = alice.get(desk.address(f"matches/{row.pk}/contacts/"), {"q": "doura"}).text
    assert "Dourado Holding" in found
    chosen = alice.get(desk.address(f"matches/{row.pk}/"), {"contact": other.pk}, headers={"HX-Request": "true"}).text
    assert "Your choice" in chosen
    alice.post(desk.address(f"matches/{row.pk}/"), {"contact": other.pk})
    assert [link.contact_id for link in desk.links()] == [other.pk]
    second = pairings(desk)[BAKERY]
    refused = alice.post(desk.address(f"matches/{second.pk}/"), {"contact": other.pk}, headers={"HX-Request": "true"})
    assert refused.status_code == 409
    assert "linked to another record already" in refused.text
    assert alice.post(desk.address(f"matches/{second.pk}/"), {}, headers={"HX-Request": "true"}).status_code == 409


def test_nobody_is_made_there_before_the_first_sync(desk: World) -> None:
    contact = desk.add(BAKERY)
    desk.connect(match_first=True)
    desk.edit(contact, life_cycle="client")
    desk.add("Cliente Novo", life_cycle="client")
    desk.settle()
    with desk.open():
        assert not Outbox.objects.exists()
    assert [row["businessName"] for row in companies(desk)].count(BAKERY) == 1


def test_nobody_is_alarmed_while_it_waits_for_a_person(desk: World) -> None:
    desk.connect(match_first=True)
    with desk.open():
        Connection.objects.update(connected_at=timezone.now() - timedelta(days=3))
        assert not is_in_trouble(desk.refreshed())
        Connection.objects.update(next_due_at=timezone.now())
        assert is_in_trouble(desk.refreshed())


def test_search_finds_both_sides(desk: World, alice: Client) -> None:
    desk.add("Moinho Dourado", tax_id=tax_id_of(desk, BAKERY))
    desk.connect(match_first=True)
    for words in ("moinho", "pão dou"):
        assert BAKERY in alice.get(desk.address("matches/"), {"q": words}, headers={"HX-Request": "true"}).text
    assert "No open record fits" in alice.get(desk.address("matches/"), {"q": "zzz"}).text


def test_saved_after_the_first_sync_is_joined_by_the_next(desk: World, alice: Client) -> None:
    contact = desk.add(BAKERY, website="https://pao.example")
    desk.connect_quietly(pull_mode="existing")
    alice.post(desk.address("matches/read/"))
    assert desk.settle().kind == RunKind.MATCH
    row = pairings(desk)[BAKERY]
    alice.post(desk.address(f"matches/{row.pk}/"), {"contact": contact.pk})
    alice.post(desk.address("sync/"))
    assert desk.settle().kind == RunKind.MANUAL
    [link] = desk.links(contact=contact)
    assert link.base_theirs
    joined = desk.again(contact)
    assert joined.tax_id == row.tax_id
    assert joined.website == "https://pao.example"


def test_what_was_linked_meanwhile_is_not_offered(desk: World, alice: Client) -> None:
    contact = desk.add(BAKERY)
    desk.connect(match_first=True)
    row = pairings(desk)[BAKERY]
    desk.tie(contact, row.remote_kind, row.remote_id)
    assert f'id="match-{row.pk}"' not in alice.get(desk.address("matches/")).text
    assert "settled meanwhile" in alice.post(desk.address(f"matches/{row.pk}/"), {"contact": contact.pk}, follow=True).text


def test_progress_is_shown_while_reading(desk: World, alice: Client) -> None:
    desk.connect(match_first=True, run=False)
    page = alice.get(desk.address("matches/")).text
    assert "Match is running" in page
    part = alice.get(desk.address("matches/"), {"part": "progress"})
    assert "HX-Refresh" not in part
    desk.settle()
    assert alice.get(desk.address("matches/"), {"part": "progress"})["HX-Refresh"] == "true"


def test_who_may(desk: World, cast: Cast, bob: Client, charlie: Client) -> None:
    desk.connect(match_first=True)
    row = next(iter(pairings(desk).values()))
    for path in ("matches/", f"matches/{row.pk}/", f"matches/{row.pk}/contacts/"):
        assert bob.get(desk.address(path)).status_code == 403
        assert charlie.get(desk.address(path)).status_code == 404
    for path in ("matches/read/", "matches/exact/", "matches/undo/", "start/", f"matches/{row.pk}/"):
        assert bob.post(desk.address(path)).status_code == 403
        assert charlie.post(desk.address(path)).status_code == 404
    assert "Matching" not in bob.get(desk.address()).text
    assert cast.workspace


@pytest.mark.parametrize("part", [False, True])
def test_queries_do_not_grow(desk: World, alice: Client, part: bool) -> None:
    desk.connect(match_first=True)
    headers = {"HX-Request": "true"} if part else {}
    with desk.open():
        Pairing.objects.all().delete()
    found = []
    for number in range(3):
        contacts = [desk.add(f"Company {number} {place}") for place in range(3)]
        with desk.open():
            Pairing.objects.create(
                workspace=desk.workspace,
                connection=desk.connection,
                remote_kind="company",
                remote_id=f"x{number}",
                name=f"Company {number}",
                contact=contacts[0],
                why=PairingWhy.NEAR,
                score=80,
                others=[{"contact": each.pk, "why": "near", "score": 79} for each in contacts[1:]],
            )
        alice.get(desk.address("matches/"), headers=headers)
        with CaptureQueriesContext(database) as asked:
            alice.get(desk.address("matches/"), headers=headers)
        found.append(len(asked))
    assert found[0] == found[2]


def test_api_lists_and_saves(desk: World, cast: Cast) -> None:
    contact = desk.add(BAKERY)
    desk.connect(match_first=True)
    client = api_client(cast.alice, cast.workspace, scopes=("read", "write", "admin"))
    address = f"/api/v1/connections/{desk.connection.pk}/matches/"
    first = client.get(f"{address}?limit=3").json()
    assert first["results"][0]["name"] == BAKERY
    assert first["results"][0]["candidates"] == [{"id": contact.pk, "name": BAKERY, "kind": "organisation"}]
    everything, following = list(first["results"]), first["next"]
    while following:
        page = client.get(following).json()
        everything, following = everything + page["results"], page["next"]
    assert len(everything) == len(pairings(desk)) == len({row["id"] for row in everything})
    saved = client.post(address, {"row": first["results"][0]["id"], "contact": contact.pk}, content_type="application/json")
    assert saved.status_code == 204
    again = client.post(address, {"row": first["results"][0]["id"], "contact": contact.pk}, content_type="application/json")
    assert again.status_code == 400
    taken = client.post(address, {"row": first["results"][1]["id"], "contact": contact.pk}, content_type="application/json")
    assert taken.status_code == 409
    assert client.post(address, {"row": "pairing:1", "contact": None}, content_type="application/json").status_code == 400
    with desk.open():
        assert Run.objects.filter(kind=RunKind.MATCH).count() == 1


def test_disabling_forgets_what_was_offered(desk: World, alice: Client) -> None:
    desk.connect(match_first=True)
    assert pairings(desk)
    alice.post(desk.address("disable/"))
    with desk.open():
        assert not Pairing.objects.exists()


def test_a_company_over_there_is_no_person_here(desk: World, alice: Client) -> None:
    desk.connect(match_first=True)
    row = pairings(desk)[BAKERY]
    person = desk.add("Maria of the bakery", kind="person")
    page = desk.address(f"matches/{row.pk}/")
    assert "Maria of the bakery" not in alice.get(f"{page}contacts/", {"q": "maria"}, headers={"HX-Request": "true"}).text
    alice.post(page, {"contact": str(person.pk)}, headers={"HX-Request": "true"})
    with desk.open(), pytest.raises(CannotMatch):
        save(desk.connection, row.pk, contact_id=person.pk, user=None)
    assert BAKERY in pairings(desk)
    assert desk.links() == []
