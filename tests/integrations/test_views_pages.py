from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.enums import Role
from accounts.models import Membership, Workspace
from accounts.scoping import workspace_tx
from integrations.domain.settings import audit
from integrations.enums import ConnectionStatus, LinkState, OutboxState, Outcome, RunKind, RunStatus
from integrations.models import Connection, Run
from tests.fixtures import Cast
from tests.integrations import rows

OPEN_PAGES = ("", "live/", "fields/", "runs/", "runs/{run}/")
ADMIN_PAGES = ("settings/", "disable/", "attention/", "attention/?state=IGNORED", "attention/?state=WAITING", "log/", "log/?part=audit",
               "runs/{run}/undo/", "runs/{run}/log.csv", "attention/link:{link}/choose/")  # fmt: skip


@pytest.fixture
def there(cast: Cast) -> dict[str, int]:
    """One row of everything; gives the ids."""
    with workspace_tx(cast.workspace):
        connection = rows.connection(cast.workspace, cast.alice)
        contact = rows.organisation(cast.workspace, "Ørsted Foods")
        twin = rows.organisation(cast.workspace)
        rows.link(connection, contact)
        held = rows.held(connection, twin)
        rows.link(connection, state=LinkState.IGNORED, reason={"code": "ignored_by_person", "params": {}})
        rows.stuck(connection, contact)
        rows.stuck(connection, twin, state=OutboxState.WAITING, reason={}, detail="", tries=0)
        run = rows.run(connection, requested_by=cast.alice)
        rows.line(run)
        rows.exchange(connection)
        audit(connection, "connection.settings", user=cast.alice, data={"changed": {"conflict": ["crm", "ask"]}})
    return {"pk": connection.pk, "run": run.pk, "link": held.pk, "contact": contact.pk, "twin": twin.pk}


def page(there: dict[str, int], path: str) -> str:
    return f"/w/hartwell/integrations/{there['pk']}/" + path.format(**there)


@pytest.mark.parametrize("path", [*OPEN_PAGES, *ADMIN_PAGES])
def test_pages_open_for_administrators_and_not_for_strangers(alice: Client, charlie: Client, there: dict[str, int], path: str) -> None:
    assert alice.get(page(there, path)).status_code == 200
    assert charlie.get(page(there, path)).status_code == 404


def test_members_see_how_it_is_and_no_names(bob: Client, there: dict[str, int]) -> None:
    for path in OPEN_PAGES:
        response = bob.get(page(there, path))
        assert response.status_code == 200
        if path != "fields/":
            assert "Smith Joinery" not in response.text
            assert "Sync now</button>" not in response.text
    for path in ADMIN_PAGES:
        assert bob.get(page(there, path)).status_code == 403


@pytest.mark.parametrize("path", ["sync/", "preview/", "test/", "pause/", "resume/", "connect/", "disable/", "attention/retry/"])
def test_members_change_nothing(bob: Client, charlie: Client, there: dict[str, int], path: str) -> None:
    assert bob.post(page(there, path)).status_code == 403
    assert charlie.post(page(there, path)).status_code == 404


def test_an_integration_that_is_off_has_no_page(alice: Client, there: dict[str, int], workspace: Workspace) -> None:
    with workspace_tx(workspace):
        Connection.objects.update(status=ConnectionStatus.OFF)
    assert alice.get(page(there, "")).status_code == 404


def test_gallery_offers_what_is_not_connected(alice: Client, bob: Client) -> None:
    assert "Set up" in alice.get("/w/hartwell/settings/integrations/").text
    assert "/settings/integrations/crunch/" not in bob.get("/w/hartwell/settings/integrations/").text


def test_gallery_shows_the_health_of_what_is(alice: Client, there: dict[str, int]) -> None:
    text = alice.get("/w/hartwell/settings/integrations/").text
    assert "Needs attention" in text
    assert "Hartwell &amp; Co Ltd" in text


def test_overview_says_all_that_matters(alice: Client, there: dict[str, int]) -> None:
    text = alice.get(page(there, "")).text
    for words in ("Hartwell &amp; Co Ltd", "every 2", "by Alice", "Last success", "More than one contact here fits Smith Joinery",
                  "billing address line 1 is required", "12 updated", "Test the connection", "in the last 24 hours"):  # fmt: skip
        assert words in text, words


def test_progress_of_the_running_sync_survives_a_reload(alice: Client, there: dict[str, int], workspace: Workspace) -> None:
    with workspace_tx(workspace):
        run = rows.running(Connection.objects.get())
    for path in ("", f"live/?run={run.pk}"):
        response = alice.get(page(there, path))
        assert "page 31 of 50" in response.text
        assert "6,200 of 10,000" in response.text
        assert "every 1500ms" in response.text
        assert "HX-Refresh" not in response


def test_a_run_that_ended_loads_the_page_anew(alice: Client, there: dict[str, int]) -> None:
    assert alice.get(page(there, "live/?run=999"))["HX-Refresh"] == "true"
    assert "HX-Refresh" not in alice.get(page(there, "live/?run="))


def test_mass_change_asks_for_a_decision(alice: Client, there: dict[str, int], workspace: Workspace) -> None:
    with workspace_tx(workspace):
        reason = {"code": "empty_list", "params": {"links": "40"}}
        run = rows.running(Connection.objects.get(), status=RunStatus.DECIDING, outcome=Outcome.NEEDS_DECISION, reason=reason)
    text = alice.get(page(there, "")).text
    assert "sent an empty list" in text
    assert "Apply anyway" in text
    alice.post(page(there, f"runs/{run.pk}/confirm/"))
    with workspace_tx(workspace):
        run.refresh_from_db()
        assert (run.confirmed, run.status) == (True, RunStatus.QUEUED)


def test_a_run_that_is_decided_against_ends(alice: Client, there: dict[str, int], workspace: Workspace) -> None:
    with workspace_tx(workspace):
        run = rows.running(Connection.objects.get(), status=RunStatus.DECIDING)
    alice.post(page(there, f"runs/{run.pk}/stop/"))
    with workspace_tx(workspace):
        run.refresh_from_db()
        assert run.outcome == Outcome.CANCELLED


def test_second_press_of_sync_now_says_so(alice: Client, there: dict[str, int], workspace: Workspace) -> None:
    first = alice.post(page(there, "sync/"), follow=True)
    assert "The sync has started" in first.text
    assert "A sync is running already" in alice.post(page(there, "sync/"), follow=True).text
    with workspace_tx(workspace):
        assert Run.objects.filter(kind=RunKind.MANUAL).count() == 1


def test_preview_shows_what_would_happen_on_both_sides(alice: Client, there: dict[str, int], workspace: Workspace) -> None:
    plan = {
        "counts": {"created": 3, "linked": 2, "pushed": 1},
        "first": {
            "create": [{"kind": "client", "id": "9", "name": "New Ltd"}],
            "update": [
                {"kind": "client", "id": "8", "name": "Old Ltd", "contact": "Old Ltd", "contact_id": 1, "push": True, "reason": {},
                 "changes": {"address": {"line1": "1 High Street", "city": "Leeds"}}}
            ],
        },
    }  # fmt: skip
    with workspace_tx(workspace):
        run = rows.run(Connection.objects.get(), kind=RunKind.PREVIEW, plan=plan)
    text = alice.get(page(there, f"runs/{run.pk}/")).text
    for words in ("What would happen", "New Ltd", "1 High Street, Leeds", "also sent", "never happens"):
        assert words in text, words
    assert "Undo this run" not in text


def test_runs_can_be_narrowed_to_trouble(alice: Client, there: dict[str, int], workspace: Workspace) -> None:
    with workspace_tx(workspace):
        failed = rows.run(Connection.objects.get(), outcome=Outcome.FAILED, reason={"code": "timeout", "params": {}})
    listed = alice.get(page(there, "runs/?show=trouble")).context["runs"]
    assert [run.pk for run in listed] == [failed.pk]
    assert "did not answer in time" in alice.get(page(there, f"runs/{failed.pk}/")).text


def test_log_is_narrowed_and_downloaded(alice: Client, there: dict[str, int], workspace: Workspace) -> None:
    with workspace_tx(workspace):
        run = Run.objects.get(pk=there["run"])
        rows.line(run, "=Bad()", level="error", action="fail", reason={"code": "no_name", "params": {"id": "7"}}, detail="their words")
    address = page(there, "runs/{run}/")
    assert [each["line"].name for each in alice.get(f"{address}?level=error").context["lines"]] == ["=Bad()"]
    assert [each["line"].name for each in alice.get(f"{address}?q=smith").context["lines"]] == ["Smith Joinery"]
    text = b"".join(alice.get(f"{address}log.csv?level=error").streaming_content).decode("utf-8-sig")  # type: ignore[union-attr]
    assert "'=Bad()" in text
    assert "Smith Joinery" not in text


def test_history_leads_to_the_run(alice: Client, charlie: Client, there: dict[str, int]) -> None:
    address = f"/w/hartwell/integrations/runs/{there['run']}/"
    assert alice.get(address)["Location"] == page(there, "runs/{run}/")
    assert charlie.get(address).status_code == 404


def test_paused_and_resumed(alice: Client, there: dict[str, int], workspace: Workspace) -> None:
    assert "Nothing is read or sent" in alice.post(page(there, "pause/"), follow=True).text
    assert "Resume" in alice.get(page(there, "")).text
    assert "This connection is not active" in alice.post(page(there, "sync/"), follow=True).text
    assert "It catches up now" in alice.post(page(there, "resume/"), follow=True).text
    with workspace_tx(workspace):
        assert Connection.objects.get().status == ConnectionStatus.ACTIVE


def test_disable_says_what_goes_and_what_stays(alice: Client, there: dict[str, int], workspace: Workspace) -> None:
    text = alice.get(page(there, "disable/")).text
    assert "1 link is put aside" in text
    assert "1 linked contact stays" in text
    after = alice.post(page(there, "disable/"), follow=True)
    assert "Your contacts are all still here" in after.text
    with workspace_tx(workspace):
        assert Connection.objects.get().status == ConnectionStatus.OFF


def test_fields_show_directions_rule_and_an_example(alice: Client, there: dict[str, int]) -> None:
    text = alice.get(page(there, "fields/")).text
    for words in ("billingAddress", "Both ways", "The value here wins", "Required there", "Ørsted Foods"):
        assert words in text, words


def test_settings_are_saved_and_written_down(alice: Client, there: dict[str, int], workspace: Workspace) -> None:
    wanted = {"suppliers": "import", "team": "", "deleted_here": "keep_away", "conflict": "ask"}
    assert alice.post(page(there, "settings/"), wanted).status_code == 302
    with workspace_tx(workspace):
        assert Connection.objects.get().settings | wanted == Connection.objects.get().settings
    assert "crm → ask" in alice.get(page(there, "log/?part=audit")).text


def test_senseless_settings_are_refused_beside_the_field(alice: Client, there: dict[str, int]) -> None:
    response = alice.post(page(there, "settings/"), {"suppliers": "sell", "team": "nobody", "deleted_here": "", "conflict": "crm"})
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"suppliers", "team", "deleted_here"}


@pytest.mark.parametrize("path", ["", "attention/", "attention/?state=WAITING", "runs/", "log/", "log/?part=audit", "runs/{run}/"])
def test_as_many_queries_for_one_row_as_for_three(alice: Client, there: dict[str, int], workspace: Workspace, path: str) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as seen:
            assert alice.get(page(there, path)).status_code == 200
        return len(seen)

    count()
    before = count()
    with workspace_tx(workspace):
        connection = Connection.objects.get()
        for number in range(2):
            contact = rows.organisation(workspace, f"More {number}")
            rows.held(connection, contact)
            rows.conflict(connection, contact)
            rows.stuck(connection, contact)
            rows.stuck(connection, contact, state=OutboxState.WAITING, reason={})
            rows.run(connection, requested_by=Membership.objects.get(workspace=workspace, role=Role.OWNER).user)
            rows.line(Run.objects.get(pk=there["run"]), contact_id=contact.pk)
            rows.exchange(connection)
            audit(connection, "connection.paused", user=None)
    assert count() == before


@pytest.mark.parametrize("cursor", ["x", "99999999999999999999", "W10", "-1"])
@pytest.mark.parametrize("path", ["attention/?after={}", "runs/?cursor={}", "log/?cursor={}", "runs/{{run}}/?cursor={}"])
def test_broken_addresses_show_the_first_page(alice: Client, there: dict[str, int], path: str, cursor: str) -> None:
    assert alice.get(page(there, path.format(cursor))).status_code == 200


def test_parts_for_htmx_are_parts(alice: Client, there: dict[str, int], make_htmx: Callable[[str], str]) -> None:
    for path in ("attention/?q=x", "runs/", "log/", "runs/{run}/?q=x", "attention/link:{link}/choose/?q=sm"):
        assert "<html" not in make_htmx(page(there, path)), path


@pytest.fixture
def make_htmx(alice: Client) -> Callable[[str], str]:
    return lambda address: alice.get(address, headers={"HX-Request": "true"}).text
