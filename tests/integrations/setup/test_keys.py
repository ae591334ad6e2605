"""Set-up with a pasted key: tried first, stored encrypted, shown by its end, replaced."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from contacts.domain import custom
from integrations.domain.attend import attend
from integrations.domain.connect import finish_import
from integrations.domain.runs import finish as finish_run
from integrations.enums import RunKind
from integrations.models import Connection
from tests.integrations.setup.place import Place


def test_the_form_asks_for_the_key_and_everything_else_under_headings(alice: Client, desk: Place) -> None:
    page = alice.get(desk.setup).text
    for words in ("Access to Movidesk", 'type="password"', "Name of the integration", "<h2>People</h2>", "<h2>Limits</h2>", "Quiet hours"):
        assert words in page, words
    assert 'data-shows="#id_pull_mode"' in page
    assert 'data-shows="#id_ticket_link_field, #id_ticket_link"' in page
    assert "Sandbox: enter" not in page


def test_a_sandbox_tells_its_key(alice: Client, desk: Place, settings: Settings) -> None:
    settings.SANDBOX = True
    settings.ENVIRON = {**settings.ENVIRON, "MOVIDESK_SANDBOX_TOKEN": "sandbox-movidesk"}
    assert "Sandbox: enter sandbox-movidesk" in alice.get(desk.setup).text


def test_connected_in_one_step_and_named_as_people_wish(alice: Client, desk: Place) -> None:
    assert desk.send(alice).status_code == 302
    found = desk.connection()
    assert (found.status, found.title, found.settings["tenant"]) == ("ACTIVE", "Our desk", "acme")
    assert desk.secrets() == {"token": "sandbox-movidesk"}
    assert "sandbox-movidesk" not in found.secrets
    assert [run.kind for run in desk.runs()] == [RunKind.MATCH], "organisations are matched before the first sync"
    for page in (desk.page(), "/w/hartwell/settings/integrations/", "/w/hartwell/"):
        assert "Our desk" in alice.get(page).text, page


def test_a_wrong_key_is_said_beside_its_field_and_nothing_is_stored(alice: Client, desk: Place) -> None:
    answer = desk.send(alice, **{"secret-token": "wrong-token-of-somebody"})
    assert answer.status_code == 422
    assert "Movidesk does not accept this key" in answer.text
    assert "wrong-token-of-somebody" not in answer.text
    assert desk.connections() == []
    assert desk.runs() == []


def test_a_vendor_that_does_not_answer_is_said_and_nothing_is_stored(alice: Client, desk: Place) -> None:
    desk.sandbox.fail("500", times=9)
    answer = desk.send(alice)
    assert answer.status_code == 422
    assert "has a fault at the moment" in answer.text
    assert desk.connections() == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"pull": None, "push": None}, "Mark at least one direction."),
        ({"tenant": "two words"}, "if your Movidesk is acme.movidesk.com"),
        ({"quiet_hours": "at night"}, "Local hours without any request"),
        ({"requests_per_minute": "0"}, "greater than or equal to 1"),
        ({"requests_per_minute": "many"}, "whole number"),
        ({"ticket_link": "http://plain.example/"}, "With {tenant} and {person_id}"),
        ({"ticket_link_field": "unheard_of"}, "not one of the available choices"),
        ({"name": ""}, "required"),
        ({"secret-token": ""}, "required"),
    ],
)
def test_wrong_answers_stand_beside_their_fields(alice: Client, desk: Place, changed: dict[str, str | None], said: str) -> None:
    answer = desk.send(alice, **changed)
    assert answer.status_code == 422
    assert said in answer.text
    assert desk.connections() == []
    assert desk.sandbox.log() == [], "the vendor is asked when everything else is right"


def test_neither_direction_is_said_at_both(alice: Client, desk: Place) -> None:
    assert desk.send(alice, pull=None, push=None).text.count("Mark at least one direction.") == 2


def test_what_is_hidden_cannot_be_wrong(alice: Client, desk: Place) -> None:
    assert desk.send(alice, push=None, ticket_link="http://plain.example/").status_code == 302
    assert desk.connection().settings["ticket_link"] == ""


def test_a_link_goes_into_a_custom_field_for_web_addresses(alice: Client, desk: Place, workspace: Workspace) -> None:
    with workspace_tx(workspace):
        custom.save_field(workspace, {"label": "Tickets", "kind": "url"})
        custom.save_field(workspace, {"label": "Budget", "kind": "number"})
    page = alice.get(desk.setup).text
    assert '<option value="tickets">Tickets</option>' in page
    assert "Budget" not in page
    assert desk.send(alice, ticket_link_field="budget").status_code == 422
    assert desk.send(alice, ticket_link_field="tickets").status_code == 302


def test_only_administrators(bob: Client, charlie: Client, desk: Place) -> None:
    assert desk.send(bob).status_code == 403
    assert desk.send(charlie).status_code == 404
    assert desk.connections() == []


def test_a_key_is_shown_by_its_end_and_replaced_only_by_one_that_works(alice: Client, desk: Place, workspace: Workspace) -> None:
    desk.send(alice)
    page = alice.get(desk.page("settings/")).text
    assert "•••• desk" in page
    assert "sandbox-movidesk" not in page
    assert alice.post(desk.page("keys/"), {"token": "wrong-token-of-somebody"}).status_code == 422
    assert desk.secrets() == {"token": "sandbox-movidesk"}
    new = desk.sandbox.token()["access_token"]
    assert alice.post(desk.page("keys/"), {"token": f" {new}\n"}).status_code == 302
    assert desk.secrets() == {"token": new}


def test_settings_are_changed_and_the_name_with_them(alice: Client, desk: Place) -> None:
    desk.send(alice)
    answers = {key: value for key, value in desk.answers(name="Support", push=None).items() if key != "secret-token"}
    assert alice.post(desk.page("settings/"), answers).status_code == 302
    found = desk.connection()
    assert (found.title, found.settings["push"], found.settings["ticket_link"]) == ("Support", False, "")
    refused = alice.post(desk.page("settings/"), {**answers, "pull": ""})
    assert refused.status_code == 422
    assert refused.text.count("Mark at least one direction.") == 2
    assert desk.connection().settings["pull"] is True


def test_an_import_asks_for_its_key_looks_first_and_can_be_done_again(alice: Client, old_crm: Place, workspace: Workspace) -> None:
    page = alice.get(old_crm.setup).text
    assert "nothing is written before you say so" in page
    assert old_crm.send(alice).status_code == 302
    found = old_crm.connection()
    assert (found.status, [run.kind for run in old_crm.runs()]) == ("ACTIVE", [RunKind.INITIAL])
    overview = alice.get(old_crm.page()).text
    assert "every 1 day" not in overview
    assert "Sync now" not in overview


def test_a_finished_import_has_forgotten_its_key_and_starts_again_with_another(alice: Client, old_crm: Place) -> None:
    assert old_crm.send(alice).status_code == 302
    finish(old_crm)
    found = old_crm.connection()
    assert (found.status, found.secrets, found.next_due_at) == ("DONE", "", None)
    overview = alice.get(old_crm.page()).text
    assert "Imported" in overview
    assert "Import again" in overview
    assert "The key was forgotten" in alice.get(old_crm.page("settings/")).text
    assert alice.post(old_crm.page("keys/"), {"token": "sandbox-nectar"}).status_code == 302
    assert old_crm.connection().status == "ACTIVE"
    assert [run.kind for run in old_crm.runs()] == [RunKind.INITIAL, RunKind.INITIAL]


def test_an_import_from_its_key_to_its_end(alice: Client, old_crm: Place) -> None:
    old_crm.send(alice)
    work(old_crm)
    run = old_crm.runs()[-1]
    assert run.status == "DECIDING"
    page = alice.get(old_crm.page()).text
    assert "waits for your decision" in page
    alice.post(old_crm.page(f"runs/{run.pk}/confirm/"))
    work(old_crm)
    done = old_crm.runs()[-1]
    assert (done.outcome in {"success", "partial"}, done.counters["held"]) == (True, 0)
    found = old_crm.connection()
    assert (found.status, found.secrets) == ("DONE", "")
    assert "Import again" in alice.get(old_crm.page()).text


def work(place: Place) -> None:
    for _ in range(30):
        if not attend(place.workspace, place.connection().pk):
            break


def finish(place: Place) -> None:
    """As the last page of an import does."""
    with workspace_tx(place.workspace):
        run = place.runs()[-1]
        run.connection = Connection.objects.get(pk=run.connection_id)
        finish_run(run, "success")
        finish_import(place.connection())
