from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Team, Workspace
from accounts.scoping import workspace_tx
from contacts.domain import duplicates
from contacts.domain.store import create_contacts, delete_contacts
from contacts.models import Duplicate
from tests.contacts.makers import BY_ALICE, organisation, person
from tests.fixtures import Cast


def pairs() -> set[tuple[str, str]]:
    return {(pair.first.name, pair.second.name) for pair in Duplicate.objects.select_related("first", "second")}


def test_near_names_are_offered_once(inside: Workspace) -> None:
    organisation(inside, "Bakerloo Kitchens Ltd")
    organisation(inside, "Harbour & Wells")
    near = organisation(inside, "Kitchens Bakerloo Limited")
    typo = organisation(inside, "Bakerlo Kitchens")
    assert duplicates.suggest(inside, [near.pk, typo.pk], source="Crunch") == 3
    assert ("Bakerloo Kitchens Ltd", "Kitchens Bakerloo Limited") in pairs()
    assert duplicates.suggest(inside, [near.pk, typo.pk], source="Crunch") == 0
    assert {pair.source for pair in Duplicate.objects.all()} == {"Crunch"}


def test_a_lone_word_with_a_slip_is_found(inside: Workspace) -> None:
    organisation(inside, "Bakerloo")
    assert duplicates.suggest(inside, [organisation(inside, "Bakerlooo").pk]) == 1


def test_people_and_organisations_are_kept_apart_and_first_names_say_nothing(inside: Workspace) -> None:
    organisation(inside, "Joanna Dale")
    person(inside, "Joanna")
    assert duplicates.suggest(inside, [person(inside, "Joanna Dale").pk]) == 0
    assert duplicates.suggest(inside, [person(inside, "Dale, Joanna").pk]) == 1


def test_everyday_names_are_offered_only_when_equal(inside: Workspace) -> None:
    crowd = [{"kind": "person", "name": f"{first} Silva"} for first in ("Maria",) * 150 + ("Ana",) * 150]
    create_contacts(inside, [*crowd, *({"kind": "person", "name": f"Maria Costa {n}"} for n in range(120))], origin=BY_ALICE)
    assert 0 < duplicates.suggest(inside, [person(inside, "MARIA SILVA").pk]) <= duplicates.BEST


def test_deleted_and_dismissed_ones_stay_away(inside: Workspace, member: Membership) -> None:
    gone = organisation(inside, "Bakerloo Kitchens Ltd")
    delete_contacts(inside, [gone.pk], origin=BY_ALICE)
    near = organisation(inside, "Bakerloo Kitchens")
    assert duplicates.suggest(inside, [near.pk]) == 0
    organisation(inside, "Bakerloo Kitchens PLC")
    assert duplicates.suggest(inside, [near.pk]) == 1
    assert duplicates.dismiss(member, Duplicate.objects.get().pk)
    assert not duplicates.open_pairs(member).exists()
    assert duplicates.suggest(inside, [near.pk]) == 0


def test_the_number_of_queries_does_not_grow(inside: Workspace) -> None:
    few = create_contacts(inside, [{"kind": "organisation", "name": f"Alpha Works {n}"} for n in range(3)], origin=BY_ALICE)
    many = create_contacts(inside, [{"kind": "organisation", "name": f"Word{n} Beta{n} Works"} for n in range(60)], origin=BY_ALICE)
    with CaptureQueriesContext(connection) as small:
        duplicates.suggest(inside, [contact.pk for contact in few])
    with CaptureQueriesContext(connection) as big:
        duplicates.suggest(inside, [contact.pk for contact in many])
    assert len(big) <= len(small) + 1 <= 6


def test_a_pair_is_shown_to_those_who_see_both(cast: Cast, restricted: Membership, member: Membership, south: Team) -> None:
    with workspace_tx(cast.workspace):
        first = organisation(cast.workspace, "Bakerloo Kitchens Ltd", team_id=south.pk)
        second = organisation(cast.workspace, "Bakerloo Kitchens")
        duplicates.suggest(cast.workspace, [second.pk])
        assert duplicates.open_pairs(member).count() == 1
        assert not duplicates.open_pairs(restricted).exists()
        assert [contact.pk for contact in duplicates.of_contact(member, first)] == [second.pk]
