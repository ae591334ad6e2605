"""What is Movidesk's own: codes, changes, rules, tickets, links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.engine import capabilities
from integrations.engine.errors import FilterRefused, Gone, Retry
from integrations.engine.incremental import Marks, noted
from integrations.engine.reasons import RULES
from integrations.engine.types import Kind, Local, RawRecord, Reason, Ref, TicketState
from integrations.kit.vendor import Reply, as_json
from integrations.providers.movidesk.provider import MANIFEST, Movidesk
from integrations.providers.movidesk.records import COMPANY, PERSON
from integrations.providers.movidesk.sandbox_desk import as_text
from tests.kit.servers import serving
from tests.providers.movidesk.desks import connected, desk, everything, movidesk, scripted
from tests.providers.movidesk.samples import payload
from tests.sandboxes import Sandbox

__all__ = ["desk", "movidesk"]

SHOWN = Ref(COMPANY, "200000001")


def test_capabilities_are_found_by_their_calls(movidesk: Movidesk) -> None:
    for protocol in (
        capabilities.ReadsChanges,
        capabilities.ReadsMany,
        capabilities.Eligibility,
        capabilities.UpdatesAgreed,
        capabilities.LinksBack,
        capabilities.ShowsTickets,
    ):
        assert isinstance(movidesk, protocol)
    assert not isinstance(movidesk, capabilities.KnowsCustomFields)


def test_check_is_one_small_read(desk: Sandbox, movidesk: Movidesk) -> None:
    assert movidesk.check().name == "acme"
    assert [entry["query"] for entry in desk.log()] == [{"token": "sandbox-movidesk", "$select": "id", "$top": "1"}]


# Reading several


def test_many_in_one_call(desk: Sandbox, movidesk: Movidesk) -> None:
    listed = everything(movidesk, "organisations")[:10]
    refs = [raw.ref for raw in listed]
    desk.control(clear_log=True)

    found = movidesk.get_many([*refs, Ref(COMPANY, "O'Nobody")])

    assert {ref: raw.version for ref, raw in found.items()} == {raw.ref: raw.version for raw in listed}
    assert len(desk.log()) == 1
    assert movidesk.get_many([]) == {}


@pytest.mark.parametrize("answer", [Reply(204), as_json([]), as_json(None)])
def test_record_that_is_not_there(answer: Reply) -> None:
    with serving(answer) as (_, url), pytest.raises(Gone):
        scripted(url).get(SHOWN)


def test_single_record_in_a_list_is_understood() -> None:
    with serving(as_json([payload("company")])) as (_, url):
        assert scripted(url).get(Ref(COMPANY, "EMP0042")).body["id"] == "EMP0042"


# Changes


def test_changes_are_both_kinds_since_the_watermark(desk: Sandbox, movidesk: Movidesk) -> None:
    marks = Marks()
    for resource in ("organisations", "people"):
        marks = noted(marks, movidesk.page(resource, None))
    desk.control(put_persons=[{"id": "200000002", "observations": "x"}, {"id": "300000003", "observations": "x"}, {"id": "400000001"}])
    since = max(marks.watermark, stamp_of(timedelta(minutes=-5)))

    page = movidesk.changes(since, None)

    assert {raw.ref for raw in page.records} == {Ref(COMPANY, "200000002"), Ref(PERSON, "300000003")}
    assert page.watermark > since
    assert page.clock
    last = movidesk.changes(since, page.next)
    assert (list(last.records), last.next) == ([], None)


def stamp_of(ago: timedelta) -> str:
    return as_text(datetime.now(UTC) + ago) + "Z"


def test_changes_reach_a_little_behind_the_watermark(desk: Sandbox, movidesk: Movidesk) -> None:
    desk.control(put_persons=[{"id": "200000002"}])

    assert [raw.ref.id for raw in movidesk.changes(stamp_of(timedelta(minutes=14)), None).records] == ["200000002"]
    assert list(movidesk.changes(stamp_of(timedelta(minutes=16)), None).records) == []


def test_new_record_that_was_never_changed_is_a_change(desk: Sandbox, movidesk: Movidesk) -> None:
    vendor: Any = desk.vendor
    now = as_text(datetime.now(UTC))
    vendor.desk.persons["fresh"] = {**payload("company"), "id": "fresh", "changedDate": None, "createdDate": now}

    assert [raw.ref.id for raw in movidesk.changes(now, None).records] == ["fresh"]


def test_quiet_cycle_costs_at_most_three_calls(desk: Sandbox, movidesk: Movidesk) -> None:
    desk.control(put_persons=[{"id": "200000002"}], clear_log=True)
    cursor: Any = None
    while (page := movidesk.changes(stamp_of(timedelta()), cursor)).next is not None:
        cursor = page.next

    assert len(desk.log()) <= 3


def test_account_that_refuses_the_filter_is_told_apart(desk: Sandbox, movidesk: Movidesk) -> None:
    desk.control(switches={"changed_filter": False})

    with pytest.raises(FilterRefused) as caught:
        movidesk.changes(stamp_of(timedelta()), None)
    assert caught.value.reason.code == "filter_refused"
    assert movidesk.page("organisations", None).records


@pytest.mark.parametrize("since", ["", "soon"])
def test_without_watermark_everything_has_to_be_read(movidesk: Movidesk, since: str) -> None:
    with pytest.raises(FilterRefused):
        movidesk.changes(since, None)


def test_fault_while_reading_changes_is_no_refusal(desk: Sandbox, movidesk: Movidesk) -> None:
    desk.fail("500")

    with pytest.raises(Retry):
        movidesk.changes(stamp_of(timedelta()), None)


def test_block_without_an_end_lasts_a_minute() -> None:
    with serving(as_json({"message": "Too many requests"}, 429)) as (_, url), pytest.raises(Retry) as caught:
        scripted(url).page("people", None)
    assert caught.value.after == 60


def test_lists_do_not_need_to_be_full_to_go_on() -> None:
    """They may give fewer than we ask for: the end is an empty page."""
    rows = [{"id": f"E{number}", "personType": 2, "businessName": "x"} for number in range(3)]
    with serving(as_json(rows[:2]), as_json(rows[2:]), as_json([])) as (vendor, url):
        found = everything(scripted(url), "organisations")

    assert [raw.ref.id for raw in found] == ["E0", "E1", "E2"]
    assert [request.query["$skip"] for request in vendor.seen] == ["0", "2", "3"]


# Rules


def verdicts(provider: Movidesk, records: list[RawRecord]) -> dict[Ref, Reason | None]:
    return {raw.ref: provider.why_not_in(raw, parents={}) for raw in records}


def test_what_comes_in(movidesk: Movidesk) -> None:
    companies = verdicts(movidesk, everything(movidesk, "organisations"))
    reasons = {ref.id: reason.code if reason else "" for ref, reason in companies.items()}
    assert reasons["200000001"] == ""
    assert reasons["Nectar511"] == "marked_ours"
    assert set(reasons.values()) == {"", "marked_ours"}

    people = everything(movidesk, "people")
    told = {raw.ref.id: movidesk.why_not_in(raw, parents={ref: companies[ref] for ref in movidesk.parents_of(raw)}) for raw in people}
    assert told["300000001"] is None
    assert {reason.code for reason in told.values() if reason} <= RULES
    assert (told["1"] or Reason("")).code == "no_organisation"  # an agent


def test_inactive_organisation_keeps_its_people_out(desk: Sandbox, movidesk: Movidesk) -> None:
    desk.control(put_persons=[{"id": "200000001", "isActive": False}])
    company, person = movidesk.get(SHOWN), movidesk.get(Ref(PERSON, "300000001"))

    why = movidesk.why_not_in(company, parents={})
    told = movidesk.why_not_in(person, parents={SHOWN: why})

    assert why is not None
    assert told is not None
    assert (why.code, told.code) == ("inactive_there", "organisation_inactive")


def local(kind: Kind = Kind.PERSON, *, deleted: bool = False, **fields: Any) -> Local:
    return Local(1, kind, {"name": "Ana", **fields}, 1, deleted=deleted)


def test_what_goes_out(movidesk: Movidesk) -> None:
    client = local(Kind.ORGANISATION, life_cycle="client")
    related = local(life_cycle="related")

    assert movidesk.why_not_out(client, organisation=None) is None
    assert movidesk.why_not_out(related, organisation=client) is None
    for reason in (
        movidesk.why_not_out(related, organisation=local(Kind.ORGANISATION, life_cycle="client", deleted=True)),
        movidesk.why_not_out(related, organisation=local(Kind.ORGANISATION, life_cycle="lead")),
        movidesk.why_not_out(local(), organisation=client),
    ):
        assert reason is not None
        assert reason.code in RULES


def test_directions_can_be_off(desk: Sandbox) -> None:
    neither = connected(desk, pull=False, push=False)
    raw = neither.get(SHOWN)

    assert neither.why_not_in(raw, parents={}) == Reason("pull_off")
    assert neither.why_not_out(local(life_cycle="client"), organisation=None) == Reason("push_off")


def test_only_contacts_that_could_be_let_out_have_these_life_cycles(movidesk: Movidesk) -> None:
    client = local(Kind.ORGANISATION, life_cycle="client")
    for life_cycle in ("", "suspect", "prospect", "lead", "client", "related", "former"):
        let_out = movidesk.why_not_out(local(life_cycle=life_cycle), organisation=client) is None
        assert let_out is (life_cycle in MANIFEST.life_cycles_out)


# Tickets and links


def test_tickets_of_a_person_newest_first(movidesk: Movidesk) -> None:
    found = movidesk.tickets(Ref(PERSON, "300000001"))

    days = [one.created_at for one in found if one.created_at]
    assert len(found) >= 3
    assert days == sorted(days, reverse=True)
    assert found[0].url == f"https://acme.movidesk.com/Ticket/Edit/{found[0].id}"
    assert all(one.subject and one.owner and one.state is not TicketState.UNKNOWN for one in found)


def test_tickets_of_an_organisation_are_those_of_its_people(movidesk: Movidesk) -> None:
    mine = {one.id for number in (1, 2) for one in movidesk.tickets(Ref(PERSON, f"30000000{number}"))}

    assert mine <= {one.id for one in movidesk.tickets(SHOWN)}


def test_old_tickets_are_asked_for_only_when_there_is_room(desk: Sandbox, movidesk: Movidesk) -> None:
    desk.control(clear_log=True)
    movidesk.tickets(SHOWN, limit=1)
    assert len(desk.log()) == 1
    desk.control(switches={"past_tickets": False})
    assert movidesk.tickets(SHOWN)


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("https://{tenant}.movidesk.com/Ticket?client={person_id}", "https://acme.movidesk.com/Ticket?client=EMP%2F1%26x"),
        ("", ""),
    ],
)
def test_link_back(desk: Sandbox, template: str, url: str) -> None:
    assert connected(desk, tenant="https://acme.movidesk.com", ticket_link=template).link_back(Ref(PERSON, "EMP/1&x")) == url
