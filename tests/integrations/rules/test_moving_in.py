"""A one-time import: looked at first, resumable, with the account's own fields; then it is over."""

from __future__ import annotations

from typing import Any

import pytest

from contacts.models import CustomField
from integrations.domain import advance
from integrations.domain.runs import confirm
from integrations.enums import ConnectionStatus, Outcome, RunKind, RunStatus
from tests.integrations.rules.places import NectarPlace


def let_it_happen(place: NectarPlace) -> None:
    confirm(place.last_run(), user=place.user)
    place.settle()


def fields(place: NectarPlace) -> dict[str, str]:
    with place.open():
        return dict(CustomField.objects.filter(workspace=place.workspace).values_list("key", "kind"))


def test_looked_at_before_anything_is_written(old_crm: NectarPlace) -> None:
    old_crm.connect()

    run = old_crm.last_run()
    assert (run.kind, run.status, run.reason["code"]) == (RunKind.INITIAL, RunStatus.DECIDING, "preview_ready")
    assert run.plan["counts"]["created"] > 10
    assert (old_crm.contacts(), fields(old_crm)) == ([], {})


def test_everything_comes_over_and_the_secret_is_forgotten(old_crm: NectarPlace) -> None:
    old_crm.connect()
    let_it_happen(old_crm)

    run, connection = old_crm.last_run(), old_crm.refreshed()
    assert run.outcome in {Outcome.SUCCESS, Outcome.PARTIAL}
    assert run.counters["created"] == len(old_crm.contacts()) > 10
    assert (connection.status, connection.secrets, connection.next_due_at) == (ConnectionStatus.DONE, "", None)
    assert old_crm.outbox() == []
    people = old_crm.contacts(kind="person")
    assert any(person.organisation_id for person in people)
    assert {contact.life_cycle for contact in old_crm.contacts()} >= {"client", "prospect"}


def test_the_accounts_own_fields_are_made_and_filled(old_crm: NectarPlace) -> None:
    old_crm.connect()
    let_it_happen(old_crm)

    made = fields(old_crm)
    assert made
    filled = {key for contact in old_crm.contacts() for key in contact.custom}
    assert filled
    assert filled <= set(made)


def test_begun_again_with_a_new_secret_nothing_comes_twice(old_crm: NectarPlace) -> None:
    old_crm.connect()
    let_it_happen(old_crm)
    before = len(old_crm.contacts())
    old_crm.connect()
    let_it_happen(old_crm)

    assert len(old_crm.contacts()) == before
    assert old_crm.last_run().counters["created"] == 0


def test_what_the_vendor_does_not_have_any_more_is_left_alone(old_crm: NectarPlace) -> None:
    old_crm.connect()
    let_it_happen(old_crm)
    ids = [int(link.remote_id) for link in old_crm.links(remote_kind="company")]
    old_crm.control(delete_contacts=ids)
    old_crm.connect()
    let_it_happen(old_crm)

    assert {link.state for link in old_crm.links(contact__isnull=False)} == {"LINKED"}
    assert {link.missed for link in old_crm.links()} == {0}


def test_a_crash_while_it_writes_costs_nothing(old_crm: NectarPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    old_crm.connect()
    monkeypatch.setattr(advance, "BATCH", 5)
    apply, calls = advance._apply, [0]

    def dying(*args: Any, **kwargs: Any) -> None:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        apply(*args, **kwargs)

    monkeypatch.setattr(advance, "_apply", dying)
    with pytest.raises(KeyboardInterrupt):
        let_it_happen(old_crm)
    some = len(old_crm.contacts())
    assert some

    run = old_crm.settle()

    assert run.is_over
    assert run.counters["created"] == len(old_crm.contacts()) > some


def test_who_is_here_already_is_found(old_crm: NectarPlace) -> None:
    company = next(row for row in old_crm.sandbox.state()["contacts"] if row.get("cnpj") and row.get("ativo"))
    here = old_crm.add("Known by another name", tax_id=company["cnpj"])
    old_crm.connect()
    let_it_happen(old_crm)

    assert old_crm.link(company["id"], kind="company").contact_id == here.pk
