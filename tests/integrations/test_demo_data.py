"""`manage.py demo_data`: a workspace that looks lived in, made once, connected to the sandbox when it is asked for."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.enums import Role
from accounts.models import Membership, User, Workspace
from accounts.scoping import workspace_tx
from contacts.domain.visibility import visible_to
from contacts.models import Contact, ContactChange, CustomField, Duplicate, Merge, Note, Tag
from integrations import registry
from integrations.domain.advance import advance
from integrations.domain.export import export_plan
from integrations.domain.runs import current_run
from integrations.enums import LinkState, RunStatus
from integrations.models import Connection, Link, Run
from invoices.models import Invoice
from tests.sandboxes import Sandbox, crunch_sandbox

__all__ = ["crunch_sandbox"]
pytestmark = pytest.mark.django_db


def demo_data(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("demo_data", "--json", *arguments, stdout=out)
    return dict(json.loads(out.getvalue()))


@pytest.fixture
def told() -> dict[str, Any]:
    return demo_data()


@pytest.fixture
def hartwell(told: dict[str, Any]) -> Workspace:
    return Workspace.objects.get(slug=told["workspace"])


def test_it_lays_out_both_workspaces_and_tells_the_log_in(told: dict[str, Any]) -> None:
    assert told == {
        "workspace": "hartwell",
        "second_workspace": "marlow-studio",
        "email": "anna@hartwell.example",
        "password": "demo-hartwell-2026",
        "made": True,
    }
    assert list(Workspace.objects.order_by("pk").values_list("name", flat=True)) == ["Marlow Studio", "Hartwell & Co"]


def test_anna_can_log_in_with_what_it_tells(client: Client, told: dict[str, Any]) -> None:
    answer = client.post(reverse("account_login"), {"login": told["email"], "password": told["password"]}, follow=True)
    assert answer.request["PATH_INFO"] == "/w/hartwell/"


def test_a_second_time_changes_nothing(hartwell: Workspace) -> None:
    def everything() -> list[Any]:
        with workspace_tx(hartwell):
            models = (Contact, ContactChange, Note, Tag, CustomField, Duplicate, Merge)
            return [sorted(model.objects.filter(workspace=hartwell).values_list("pk", flat=True)) for model in models]

    before = everything(), Workspace.objects.count(), User.objects.count(), Membership.objects.count()
    Workspace.objects.filter(pk=hartwell.pk).update(name="Renamed")
    assert demo_data()["made"] is False
    assert (everything(), Workspace.objects.count(), User.objects.count(), Membership.objects.count()) == before


def test_every_role_is_there_and_sofia_sees_only_the_south(hartwell: Workspace) -> None:
    roles = dict(Membership.objects.filter(workspace=hartwell).values_list("user__email", "role"))
    assert roles == {
        "anna@hartwell.example": Role.OWNER,
        "ben@hartwell.example": Role.ADMIN,
        "paul@hartwell.example": Role.MEMBER,
        "sofia@hartwell.example": Role.RESTRICTED,
    }
    sofia = Membership.objects.select_related("workspace").get(workspace=hartwell, user__email="sofia@hartwell.example")
    with workspace_tx(hartwell):
        seen = list(visible_to(sofia))
        assert 20 < len(seen) < 60
        assert all(contact.owner_id == sofia.user_id or contact.team_id in sofia.team_ids for contact in seen)


def test_it_looks_as_if_people_had_worked_in_it_for_a_year(hartwell: Workspace) -> None:
    with workspace_tx(hartwell):
        contacts = list(Contact.objects.filter(workspace=hartwell, deleted_at=None))
        changes = list(ContactChange.objects.filter(workspace=hartwell).order_by("id"))
        assert 110 < len(contacts) < 130
        assert {contact.life_cycle for contact in contacts} == {"suspect", "prospect", "lead", "client", "related", "former"}
        assert {address["country"] for contact in contacts for address in contact.addresses} == {"GB", "DK", "FR", "BR"}
        assert len({change.actor_id for change in changes}) == 4
        assert {change.action for change in changes} == {"created", "updated", "deleted"}
        assert (changes[-1].at - changes[0].at).days > 300
        assert Note.objects.filter(workspace=hartwell).values("author").distinct().count() == 4
        assert Merge.objects.filter(workspace=hartwell).count() == 1
        assert CustomField.objects.filter(workspace=hartwell).count() == 5


def test_the_history_of_each_contact_is_in_order(hartwell: Workspace) -> None:
    with workspace_tx(hartwell):
        for contact in Contact.objects.filter(workspace=hartwell):
            moments = list(ContactChange.objects.filter(contact_id=contact.pk).order_by("id").values_list("at", flat=True))
            assert moments == sorted(moments), contact.name
            assert moments[0] == contact.created_at


def test_near_names_are_offered(hartwell: Workspace) -> None:
    with workspace_tx(hartwell):
        pairs = {(pair.first.name, pair.second.name) for pair in Duplicate.objects.select_related("first", "second")}
    assert ("Ravensbourne Estates", "Ravensbourne Estate") in pairs


def test_it_refuses_in_production(settings: Settings) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="not in production"):
        demo_data()
    assert not User.objects.filter(email="anna@hartwell.example").exists()


def test_it_connects_only_sandboxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SANDBOX", raising=False)
    with pytest.raises(CommandError, match="SANDBOX=1"):
        demo_data("--connect")


@pytest.fixture
def connected(crunch_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Connection:
    for name, value in {**crunch_sandbox.env, "SANDBOX": "1", "SANDBOX_PORT": crunch_sandbox.url.rpartition(":")[2]}.items():
        monkeypatch.setenv(name, value)
    told = demo_data("--connect")
    workspace = Workspace.objects.get(slug=told["workspace"])
    with workspace_tx(workspace):
        return Connection.objects.select_related("workspace").get(pk=told["connected"]["crunch"])


def run_to_the_end(connection: Connection) -> Run:
    with workspace_tx(connection.workspace):
        run = current_run(connection)
    assert run is not None
    while run.status != RunStatus.DONE:
        advance(run)
        with workspace_tx(connection.workspace):
            run.refresh_from_db()
    return run


@pytest.mark.django_db(transaction=True)
def test_the_first_sync_links_holds_and_offers(connected: Connection) -> None:
    assert connected.account_name == "Northlight Studio Ltd"
    run = run_to_the_end(connected)
    assert run.outcome in {"success", "partial"}
    assert run.counters["linked"] == 5
    assert run.counters["held"] == 1
    with workspace_tx(connected.workspace):
        held = Link.objects.get(connection=connected, state=LinkState.HELD)
        assert held.remote_name == "Saltmarsh Books"
        pairs = {frozenset((pair.first.name, pair.second.name)) for pair in Duplicate.objects.select_related("first", "second")}
        for ours, theirs in (
            ("Harrington and Cole", "Harrington & Cole Ltd"),
            ("Whitaker Plumbing and Heating Ltd", "Whitaker Plumbing & Heating"),
            ("Thistle and Thorn Florist", "Thistle & Thorn Florists"),
        ):
            assert frozenset((ours, theirs)) in pairs
        linked = Contact.objects.get(workspace=connected.workspace, name="Meridian Coffee Roasters Limited")
        assert linked.people.count() == 3
        assert Invoice.objects.filter(contact=linked).count() > 2


@pytest.mark.django_db(transaction=True)
def test_one_contact_lacks_what_an_export_asks_for(connected: Connection) -> None:
    run_to_the_end(connected)
    with workspace_tx(connected.workspace):
        lacking = Contact.objects.get(workspace=connected.workspace, name="Redcliffe Pottery")
        complete = Contact.objects.get(workspace=connected.workspace, name="Ashdown Veterinary Group")
        assert [missing.field for missing in export_plan(lacking, connected).missing] == ["address.line2"]
        assert not export_plan(complete, connected).missing


@pytest.mark.django_db(transaction=True)
def test_it_is_connected_once_also_after_it_was_disconnected(connected: Connection) -> None:
    assert demo_data("--connect")["connected"] == {}
    with workspace_tx(connected.workspace):
        Connection.objects.filter(pk=connected.pk).update(status="OFF")
    assert demo_data("--connect")["connected"] == {}


@pytest.mark.django_db(transaction=True)
def test_a_sandbox_that_does_not_answer_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.domain.demo_vendors.PATIENCE", 0.0)
    monkeypatch.setenv("SANDBOX", "1")
    monkeypatch.setenv("SANDBOX_PORT", "9")
    with pytest.raises(CommandError, match=r"The sandbox at http://127\.0\.0\.1:9 cannot be connected"):
        demo_data("--connect")
    assert Workspace.objects.filter(slug="hartwell").exists()
    assert "crunch" in registry.manifests()
