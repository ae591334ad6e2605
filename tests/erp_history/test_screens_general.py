"""The administrator's pages: what they say, what they change, who may see them, and what they cost."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ApiToken, AuditEvent
from accounts.scoping import SYSTEM, workspace_tx
from contacts.domain.store import create_contacts
from erp_history.domain import alerts, night, sources
from erp_history.domain.complaints import CannotRead
from erp_history.domain.openers import open_reader
from erp_history.domain.vault import read_secrets
from erp_history.enums import Deployment, LinkState, RunStatus
from erp_history.models import ErpDue, ErpLink, ErpPending, ErpRun, ErpSource
from tests.erp_history.makers import company, confirm, note, push, run_night
from tests.fixtures import Cast

BASE = "/w/hartwell/settings/erp/"
DATABASE = f"{BASE}connection/database/"
PAGES = ["", "live/", "connection/", "connection/tokens/new/", "connection/database/", "rules/", "decisions/", "waiting/", "history/"]
GENERAL = {
    "integration": "api", "erp_name": "Protheus", "erp_version": "12.1", "deployment": "in_progress", "schedule_time": "03:30",
    "max_silence_hours": "36", "active": "on", "note": "Our rule",
}  # fmt: skip


def source_of(cast: Cast) -> ErpSource:
    with workspace_tx(cast.workspace):
        return sources.source_of(cast.workspace)


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_for_administrators(cast: Cast, alice: Client, bob: Client, charlie: Client, page: str) -> None:
    assert [client.get(f"{BASE}{page}").status_code for client in (bob, charlie)] == [403, 404]
    assert alice.get(f"{BASE}{page}").status_code in {200, 302}  # tokens and the database ask for the password again


@pytest.mark.parametrize("page", ["runs/start/", "exports/", "connection/test/", "decisions/1/ignore/", "exports/1/cancel/"])
def test_buttons_are_for_administrators(cast: Cast, bob: Client, charlie: Client, page: str) -> None:
    assert [client.post(f"{BASE}{page}").status_code for client in (bob, charlie)] == [403, 404]


def test_before_anything_came_nothing_is_scheduled(cast: Cast, alice: Client) -> None:
    text = text_of(alice.get(BASE))

    assert "Next run Not scheduled" in text
    assert "1969" not in text
    assert "1970" not in text
    assert "The schedule begins with the first data that arrive" in text
    assert "0 of 12" in text
    assert "Average duration –" in text


def test_every_figure_of_a_working_night_is_shown(cast: Cast, alice: Client, erp: Client) -> None:
    push(erp, "empresa", [company("C1"), {"codigo_erp": "C2"}])
    push(erp, "itens_nota", [{"codigo_nota": "N9", "item": "1"}])
    run = run_night(cast.workspace)
    text = text_of(alice.get(BASE))

    assert "2 of 12" in text
    assert f"#{run.pk}" in text
    assert "Successful" in text
    assert re.search(r"Rows 2 ", text)
    assert "bytes" in text
    assert "Not scheduled" not in text
    assert "Class A: less than 80 %" in text
    assert text_of(alice.get(f"{BASE}waiting/?table=itens_nota")).count("codigo_nota") == 1


def test_settings_are_saved_and_the_schedule_follows(cast: Cast, alice: Client, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    before = ErpDue.objects.get().at
    assert alice.post(BASE, GENERAL).status_code == 302

    source = source_of(cast)
    assert (source.erp_name, source.schedule_time, source.max_silence_hours, source.note) == ("Protheus", dt.time(3, 30), 36, "Our rule")
    assert ErpDue.objects.get().at != before
    with workspace_tx(cast.workspace):
        [event] = AuditEvent.objects.filter(action="erp.settings")
    assert event.data["changes"]["erp_name"] == ["", "Protheus"]
    alice.post(BASE, {**GENERAL, "active": ""})
    assert not ErpDue.objects.exists()
    assert "Switched off" in text_of(alice.get(BASE))


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_saved(cast: Cast, alice: Client) -> None:
    response = alice.post(BASE, {**GENERAL, "schedule_time": "25:00", "max_silence_hours": "0"})

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"schedule_time", "max_silence_hours"}
    assert source_of(cast).erp_name == ""


def test_silence_is_a_banner(cast: Cast, alice: Client, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    assert "No successful run for too long" not in text_of(alice.get(BASE))
    with workspace_tx(cast.workspace):
        ErpSource.objects.update(active_since=timezone.now() - dt.timedelta(days=3))

    assert "No successful run for too long" in text_of(alice.get(BASE))
    assert "No successful run for too long" in text_of(alice.get(f"{BASE}live/"))


def test_an_alert_stands_on_the_home_page_and_in_the_rail_of_those_who_can_help(
    cast: Cast, alice: Client, bob: Client, erp: Client
) -> None:
    push(erp, "empresa", [company("C1")])
    home, words, badge = "/w/hartwell/", "No successful run for too long", '<span class="truncate">ERP data</span><span class="count'
    for shown in (words, badge):
        assert shown not in alice.get(home).content.decode()
    with workspace_tx(cast.workspace):
        ErpSource.objects.update(active_since=timezone.now() - dt.timedelta(days=3))
        alerts.alert_if_needed(source_of(cast), cast.workspace, now=timezone.now())
    page = alice.get(home).content.decode()
    assert words in page
    assert badge in page
    assert words not in bob.get(home).content.decode()
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        alerts.alert_if_needed(source_of(cast), cast.workspace, now=timezone.now())
    for shown in (words, badge):
        assert shown not in alice.get(home).content.decode()


def test_a_run_is_started_watched_and_cancelled(cast: Cast, alice: Client, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    assert alice.post(f"{BASE}runs/start/").status_code == 302
    assert alice.post(f"{BASE}runs/start/").status_code == 302
    with workspace_tx(cast.workspace):
        [run] = ErpRun.objects.all()
    live = alice.get(f"{BASE}live/?run={run.pk}")
    assert "every 2s" in live.content.decode()
    assert "HX-Refresh" not in live
    assert alice.get(f"{BASE}live/")["HX-Refresh"] == "true"
    assert "every 2s" in alice.get(f"{BASE}runs/{run.pk}/").content.decode()
    with workspace_tx(cast.workspace):
        ErpRun.objects.update(cancel_requested=True)
    for page in ("", f"runs/{run.pk}/", "live/"):
        assert "Stopping" in text_of(alice.get(f"{BASE}{page}"))

    alice.post(f"{BASE}runs/{run.pk}/cancel/")
    with workspace_tx(cast.workspace):
        run.refresh_from_db()
        assert AuditEvent.objects.filter(action__startswith="erp.run_").count() == 2
    assert (run.status, run.outcome) == (RunStatus.DONE, "cancelled")
    assert "every 30s" in alice.get(f"{BASE}live/").content.decode()
    assert "every 2s" not in alice.get(f"{BASE}runs/{run.pk}/").content.decode()


def test_the_log_of_a_run_is_shown_and_downloaded(cast: Cast, alice: Client, charlie: Client, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    run = run_night(cast.workspace)
    text = text_of(alice.get(f"{BASE}runs/{run.pk}/"))
    assert "ABC curve" in text
    file = alice.get(f"{BASE}runs/{run.pk}/log.txt")
    assert file["Content-Disposition"] == f'attachment; filename="erp-run-{run.pk}.txt"'
    assert "Companies and contacts: new: 1" in file.content.decode()
    for page in ("", "log.txt", "cancel/"):
        assert charlie.get(f"/w/elsewhere/settings/erp/runs/{run.pk}/{page}").status_code in {404, 405}


def test_a_failed_run_says_why_and_when_it_is_tried_again(cast: Cast, alice: Client, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    with workspace_tx(cast.workspace):
        ErpSource.objects.update(integration="view", schedule_time=(timezone.now() - dt.timedelta(hours=3)).time())
    night.request_run(cast.workspace)
    night.advance(cast.workspace)
    text = text_of(alice.get(BASE))

    assert "The last run failed vw_crm_vendedor: Give the name of a host." in text
    assert "It is tried again" in text


def test_the_runs_are_paged(cast: Cast, alice: Client) -> None:
    with workspace_tx(cast.workspace):
        ErpRun.objects.bulk_create(
            [ErpRun(workspace=cast.workspace, kind="scheduled", status="done", outcome="success", today="2026-08-01") for _n in range(12)]
        )
    first = alice.get(BASE, headers={"HX-Request": "true"})
    assert len(first.context["rows"]) == 10
    second = alice.get(first.context["next_url"], headers={"HX-Request": "true"})
    assert len(second.context["rows"]) == 2


@pytest.mark.parametrize("page", ["", "live/", "decisions/", "waiting/", "history/"])
def test_one_row_or_three_cost_the_same(cast: Cast, alice: Client, erp: Client, page: str) -> None:
    def more(name: str) -> None:
        push(erp, "empresa", [company(name), {"codigo_erp": f"{name}x"}])
        push(erp, "itens_nota", [{"codigo_nota": name, "item": "1"}])
        run_night(cast.workspace)
        with workspace_tx(cast.workspace):
            [link] = ErpLink.objects.order_by("-id")[:1]
            ErpLink.objects.filter(pk=link.pk).update(state=LinkState.HELD, candidates=[link.contact_id], contact=None, reason="several")

    def cost() -> int:
        with CaptureQueriesContext(connection) as found:
            assert alice.get(f"{BASE}{page}").status_code == 200
        return len(found)

    more("A")
    alice.get(f"{BASE}{page}")
    before = cost()
    more("B")
    more("C")
    assert cost() == before


RULES = {
    "date_format": "dd/mm/yyyy", "decimal_sign": ",", "encoding": "latin-1", "blocked_flag": "one_is_false", "abc_months": "6",
    "abc_a": "70", "abc_b": "90", "new_days": "30", "active_days": "60", "risk_days": "120", "prospect_days": "45", "retention_days": "5",
}  # fmt: skip


def test_rules_are_saved_and_said_in_words(cast: Cast, alice: Client) -> None:
    assert alice.post(f"{BASE}rules/", RULES).status_code == 302
    source = source_of(cast)
    assert (source.decimal_sign, source.abc_months, source.risk_days, source.retention_days) == (",", 6, 120, 5)
    assert "less than 70 %" in text_of(alice.get(f"{BASE}rules/"))


@pytest.mark.parametrize(
    ("field", "value"), [("abc_b", "70"), ("abc_a", "101"), ("risk_days", "60"), ("retention_days", "91"), ("date_format", "x")]
)
def test_rules_that_make_no_sense_are_refused_beside_the_field(cast: Cast, alice: Client, field: str, value: str) -> None:
    response = alice.post(f"{BASE}rules/", {**RULES, field: value})
    assert (response.status_code, field in response.context["form"].errors) == (422, True)
    assert source_of(cast).abc_months == 12


VIEW = {
    "engine": "postgresql", "host": "127.0.0.1", "port": "1", "database": "erp", "view_schema": "", "user": "crm", "password": "hush hush",
    "tls": "on",
}  # fmt: skip


def test_the_address_is_changed_only_after_the_password_was_given_again(cast: Cast, alice: Client) -> None:
    for answer in (alice.get(DATABASE), alice.post(DATABASE, VIEW)):
        assert (answer.status_code, answer["Location"].startswith("/accounts/reauthenticate/")) == (302, True)
    assert source_of(cast).secrets == ""
    confirm(alice)
    assert alice.get(DATABASE).status_code == 200
    assert alice.post(DATABASE, VIEW)["Location"] == f"{BASE}connection/"
    assert source_of(cast).secrets


@pytest.mark.parametrize("engine", ["sqlserver", "oracle"])
def test_engines_whose_drivers_pass_the_guard_are_off_until_they_are_named(
    cast: Cast, alice: Client, settings: Settings, engine: str
) -> None:
    confirm(alice)
    assert alice.post(DATABASE, {**VIEW, "engine": engine}).context["form"].errors.keys() == {"engine"}
    with pytest.raises(CannotRead, match="ERP_UNGUARDED_ENGINES"), open_reader(engine, VIEW):
        pass
    settings.ERP_UNGUARDED_ENGINES = [engine]
    assert alice.post(DATABASE, {**VIEW, "engine": engine}).status_code == 302
    with pytest.raises(CannotRead, match=r"not installed|does not answer"), open_reader(engine, VIEW):
        pass


def test_the_address_of_the_views_is_kept_and_never_shown(cast: Cast, alice: Client) -> None:
    confirm(alice)
    assert alice.post(DATABASE, VIEW).status_code == 302
    source = source_of(cast)
    with workspace_tx(cast.workspace):
        assert read_secrets(source)["password"] == "hush hush"
        assert "hush" not in str(AuditEvent.objects.get(action="erp.connection").data)
    page = alice.get(f"{BASE}connection/").content.decode()
    assert "An address is stored" in page
    assert "hush" not in page
    assert "127.0.0.1" not in page
    again = alice.post(DATABASE, {**VIEW, "host": ""})
    assert again.status_code == 422
    assert "hush" not in again.content.decode()


def test_the_test_of_the_connection_says_what_is_wrong(cast: Cast, alice: Client) -> None:
    htmx = {"HX-Request": "true"}
    confirm(alice)
    assert "Fill in the address first" in text_of(alice.post(f"{BASE}connection/test/", {"engine": "postgresql"}, headers=htmx))
    assert "The host does not answer" in text_of(alice.post(f"{BASE}connection/test/", VIEW, headers=htmx))
    alice.post(DATABASE, VIEW)
    stored = alice.post(f"{BASE}connection/test/", {"engine": "postgresql"}, headers=htmx)
    assert "The host does not answer" in text_of(stored)
    assert "hush" not in stored.content.decode()
    assert alice.post(f"{BASE}connection/test/", VIEW).status_code == 302
    assert "no certificates" in text_of(alice.post(f"{BASE}connection/test/", {**VIEW, "ca": "hello"}, headers=htmx))


def test_a_token_is_shown_once_and_revoked(cast: Cast, alice: Client, client: Client) -> None:
    confirm(alice)
    made = alice.post(f"{BASE}connection/tokens/new/", {"name": "Server of the ERP", "days": "30"})
    [text] = re.findall(r"data-copy=\"(crm_[^\"]+)\"", made.content.decode())
    token = ApiToken.objects.get()
    assert token.scopes == ["erp"]
    headers = {"Authorization": f"Bearer {text}"}
    assert client.get("/api/v1/erp/", headers=headers).status_code == 200
    assert text not in alice.get(f"{BASE}connection/").content.decode()

    assert alice.post(f"{BASE}connection/tokens/{token.pk}/revoke/").status_code == 302
    assert client.get("/api/v1/erp/", headers=headers).status_code == 401


def test_tokens_of_other_scopes_are_not_this_page_s(cast: Cast, alice: Client, erp: Client) -> None:
    ApiToken.objects.update(scopes=["read"])
    token = ApiToken.objects.get()
    assert alice.post(f"{BASE}connection/tokens/{token.pk}/revoke/").status_code == 404


def held(cast: Cast, erp: Client) -> ErpLink:
    push(erp, "empresa", [company("C1", cnpj="16727230000197"), company("C2")])
    push(erp, "nota", [note("N1", "C1", "10")])
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        link = ErpLink.objects.order_by("id")[0]
        contacts = list(ErpLink.objects.values_list("contact_id", flat=True))
        ErpLink.objects.filter(pk=link.pk).update(state=LinkState.HELD, contact=None, reason="several", candidates=contacts)
        link.refresh_from_db()
    return link


def test_a_held_company_is_decided(cast: Cast, alice: Client, erp: Client) -> None:
    link = held(cast, erp)
    listed = text_of(alice.get(f"{BASE}decisions/"))
    assert "Company C1" in listed
    assert "It could be: Company C1 , Company C2" in listed
    page = f"{BASE}decisions/{link.pk}/"
    assert "Company C2" in text_of(alice.get(page, {"q": "c2"}, headers={"HX-Request": "true"}))
    assert alice.post(page, {"contact": "999999"}).status_code == 404
    with workspace_tx(cast.workspace):
        [person] = create_contacts(cast.workspace, [{"kind": "person", "name": "Company C2 of the family"}], origin=SYSTEM)
    assert "of the family" not in text_of(alice.get(page, {"q": "c2"}, headers={"HX-Request": "true"}))
    assert alice.post(page, {"contact": str(person.pk)}).status_code == 404, "a company is no person"
    assert alice.post(page, {}).status_code == 302
    alice.post(page, {"contact": str(link.candidates[1])})

    with workspace_tx(cast.workspace):
        link.refresh_from_db()
        assert (link.state, link.contact_id) == (LinkState.LINKED, link.candidates[1] if link.candidates else link.contact_id)
        assert AuditEvent.objects.filter(action="erp.decided").count() == 1
    assert alice.get(page).status_code == 404


def test_a_held_company_becomes_a_new_contact_or_is_ignored(cast: Cast, alice: Client, charlie: Client, erp: Client) -> None:
    link = held(cast, erp)
    page = f"{BASE}decisions/{link.pk}/"
    assert charlie.get(f"/w/elsewhere/settings/erp/decisions/{link.pk}/").status_code == 404
    alice.post(f"{page}ignore/")
    assert "Nothing to decide" in text_of(alice.get(f"{BASE}decisions/"))
    assert "Company C1" in text_of(alice.get(f"{BASE}decisions/?state=ignored"))
    alice.post(page, {"contact": "new"})

    with workspace_tx(cast.workspace):
        link.refresh_from_db()
        assert link.state == LinkState.LINKED
        assert link.contact is not None
        assert link.contact.name == "Company C1"
        assert not ErpPending.objects.exists()


def test_the_deployment_can_be_completed(cast: Cast, alice: Client, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    alice.post(BASE, {**GENERAL, "deployment": "completed"})
    assert source_of(cast).deployment == Deployment.COMPLETED
