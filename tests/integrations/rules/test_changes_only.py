"""Reading only what has changed: from where, what it leaves alone, and what it falls back to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from integrations.domain import stream
from integrations.domain.readings import history_of, remark
from integrations.domain.runs import request_run
from integrations.engine.errors import Retry
from integrations.engine.types import Reason
from integrations.enums import LinkState, Outcome, RunKind
from integrations.models import Connection, Link
from tests.integrations.rules.places import BooksPlace, DeskPlace
from tests.integrations.sync.world import counted


def started(place: DeskPlace | BooksPlace) -> str:
    """What the newest run says about its reading."""
    return str(place.lines(place.last_run(), action="start")[0].reason.get("code"))


def kept(place: DeskPlace | BooksPlace) -> Mapping[str, Any]:
    return dict(place.refreshed().history)


def test_the_first_run_reads_everything_the_second_only_changes(desk: DeskPlace) -> None:
    for number in range(5):
        desk.company(f"10{number}", f"Company {number}")
    desk.connect()
    assert started(desk) == "reading_whole"
    before = kept(desk)["watermark"]
    assert before
    desk.change("102", observations="News")
    desk.forget_log()

    run = desk.sync()

    assert started(desk) == "reading_changes"
    assert run.counters["updated"] == 1
    assert desk.contact("Company 2").notes == "News"
    assert kept(desk)["watermark"] >= before
    assert len(desk.requests("GET", path="/persons")) <= 3


def test_no_news_costs_at_most_three_requests(desk: DeskPlace) -> None:
    for number in range(30):
        desk.company(f"10{number}", f"Company {number}")
        desk.person(f"3{number}", f"Person {number}", f"10{number}")
    desk.connect()
    desk.forget_log()

    run = desk.sync()

    assert run.outcome == Outcome.SUCCESS
    assert len(desk.requests("GET", path="/persons")) <= 3


def test_what_changes_do_not_show_is_not_gone(desk: DeskPlace) -> None:
    desk.company("100", "Aurora")
    desk.company("200", "Boreal")
    desk.connect()
    desk.control(delete_persons=["100", "200"])

    for _ in range(3):
        assert desk.sync().outcome == Outcome.SUCCESS

    assert {link.state for link in desk.links()} == {LinkState.LINKED}


def test_the_whole_is_compared_again_when_its_time_has_come(desk: DeskPlace) -> None:
    desk.company("100", "Aurora")
    desk.company("200", "Boreal")
    desk.connect()
    desk.control(delete_persons=["100"])
    for _ in range(2):
        age(desk, timedelta(days=3))
        desk.sync()
        assert started(desk) == "reading_whole"

    assert desk.link("100", kind="company").state == LinkState.GONE


def age(place: DeskPlace | BooksPlace, time: timedelta) -> None:
    with place.open():
        row = Connection.objects.get(pk=place.connection.pk)
        row.history = {**row.history, "whole_at": (timezone.now() - time).isoformat()}
        row.save(update_fields=["history"])


def test_other_settings_are_tried_on_everything(desk: DeskPlace) -> None:
    desk.company("100", "Aurora")
    desk.connect(pull_mode="existing")
    assert desk.contacts() == []
    desk.change_settings(pull_mode="create")

    desk.sync()

    assert started(desk) == "reading_whole"
    assert desk.contact("Aurora")


def test_asked_for_whole(desk: DeskPlace) -> None:
    desk.company("100", "Aurora")
    desk.connect()
    with desk.open():
        _run, is_new = request_run(desk.connection, kind=RunKind.MANUAL, whole=True)
    assert is_new
    desk.settle()

    assert started(desk) == "reading_whole"


def test_a_failed_run_keeps_the_old_mark(desk: DeskPlace) -> None:
    desk.company("100", "Aurora")
    desk.connect()
    before = kept(desk)
    desk.change("100", observations="News")
    desk.control(revoke=True)

    run = desk.sync()

    assert run.outcome == Outcome.NEEDS_RECONNECT
    assert kept(desk) == before


def test_a_crash_between_two_pages_costs_a_page(desk: DeskPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.company("100", "Aurora")
    desk.connect()
    before = kept(desk)["watermark"]
    monkeypatch.setitem(settings.ENVIRON, "MOVIDESK_PAGE_SIZE", "2")
    for number in range(6):
        desk.company(f"20{number}", f"New {number}")
    monkeypatch.setattr(stream, "FLUSH_AFTER", 0.0)
    keep, calls = stream._store, [0]

    def dying(*args: Any, **kwargs: Any) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt
        keep(*args, **kwargs)

    monkeypatch.setattr(stream, "_store", dying)
    desk.sync_soon()
    with pytest.raises(KeyboardInterrupt):
        desk.settle()
    assert kept(desk)["watermark"] == before

    run = desk.settle()

    assert run.counters["created"] == 6
    assert kept(desk)["watermark"] >= before


def test_a_wait_goes_on_where_it_was(desk: DeskPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.company("100", "Aurora")
    desk.connect()
    desk.company("200", "Boreal")
    page, calls = stream._page, [0]

    def patient(*args: Any) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            raise Retry(Reason("rate_limited"), after=30.0)
        return page(*args)

    monkeypatch.setattr(stream, "_page", patient)
    desk.sync()
    assert desk.last_run().status == "WAITING"
    assert desk.last_run().cursor["page"]
    desk.now_due()

    counted(desk.settle(), seen=1 + desk.last_run().counters["unchanged"], created=1, unchanged=desk.last_run().counters["unchanged"])


def test_a_refused_filter_reads_everything_in_the_same_run_and_says_so(desk: DeskPlace) -> None:
    desk.company("100", "Aurora")
    desk.connect()
    desk.control(switches={"changed_filter": False})
    desk.company("200", "Boreal")

    run = desk.sync()

    assert run.outcome == Outcome.SUCCESS
    assert desk.contact("Boreal")
    assert [line.reason["code"] for line in desk.lines(run, action="reading")] == ["filter_refused"]
    reason = remark(desk.refreshed())
    assert reason is not None
    assert reason.code == "filter_refused"

    desk.sync()
    assert started(desk) == "reading_whole", "small enough to be compared each time"


def test_too_much_by_day_is_read_at_night(desk: DeskPlace) -> None:
    desk.company("100", "Aurora")
    desk.connect()
    with desk.open():
        row = Connection.objects.get(pk=desk.connection.pk)
        row.history = {**row.history, "refused_at": timezone.now().isoformat(), "whole_calls": 10**6}
        row.save(update_fields=["history"])
    desk.forget_log()

    run = desk.sync()

    assert started(desk) == "reading_nothing"
    assert (run.outcome, run.counters["seen"]) == (Outcome.SUCCESS, 0)
    assert desk.requests("GET", path="/persons") == []


def test_with_pulling_off_nothing_is_read(desk: DeskPlace) -> None:
    desk.company("100", "Aurora")
    desk.connect(pull=False)

    run = desk.last_run()
    assert started(desk) == "pull_off"
    counted(run)
    assert run.outcome == Outcome.SUCCESS
    assert desk.requests("GET", path="%24filter") == []
    assert desk.contacts() == []


def test_organisations_of_changed_people_are_looked_up(desk: DeskPlace) -> None:
    desk.company("100", "Aurora")
    desk.company("200", "Asleep", isActive=False)
    desk.connect()
    desk.person("300", "Ana", "100")
    desk.person("301", "Bia", "200")
    desk.person("302", "Caio", "999")

    run = desk.sync()

    assert started(desk) == "reading_changes"
    assert desk.contact("Ana").organisation_id == desk.contact("Aurora").pk
    codes = {line.reason["code"] for line in desk.lines(run, action="skip")}
    assert codes >= {"organisation_inactive", "organisation_unknown"}


def test_a_contact_deleted_here_comes_back_though_nothing_changed_there(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    books.connect()
    books.delete(books.contact("Nordlys"))

    books.sync()

    assert started(books) == "reading_changes"
    assert books.contact("Nordlys")


def test_the_deleted_that_the_vendor_lists_are_gone(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    number = books.employee(1, "Åse Holm")
    books.connect()
    books.control(delete_contacts=[number])

    books.sync()

    assert started(books) == "reading_changes"
    link = books.link(number, kind="contact")
    assert (link.state, link.reason["code"]) == (LinkState.GONE, "gone_there")
    assert books.contact("Åse Holm")


def test_collections_without_changes_are_read_whole_each_time(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    books.connect()
    books.control(bill=[{"customer": 1, "net": 100.0}])

    run = books.sync()

    assert started(books) == "reading_changes"
    assert run.counters["invoices"] == 1


def test_the_mark_is_not_later_than_the_beginning(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    books.connect()
    history = history_of(books.refreshed())

    assert history.watermark <= timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert history.whole_calls >= 2


def test_a_mark_never_goes_back(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    books.connect()
    with books.open():
        row = Connection.objects.get(pk=books.connection.pk)
        row.history = {**row.history, "watermark": "2999-01-01T00:00:00Z"}
        row.save(update_fields=["history"])

    books.sync()

    assert kept(books)["watermark"] == "2999-01-01T00:00:00Z"


def test_a_held_record_that_was_decided_is_read_again(books: BooksPlace) -> None:
    one, _two = books.add("Nordlys"), books.add("Nordlys")
    books.customer(1, "Nordlys", email="hej@nordlys.example")
    books.connect()
    link = books.link(1, kind="customer")
    assert link.state == LinkState.HELD
    with books.open():
        Link.objects.filter(pk=link.pk).update(contact=one, state=LinkState.LINKED, version="", reason={}, candidates=[])

    books.sync()

    assert started(books) == "reading_changes"
    assert books.again(one).first_email == "hej@nordlys.example"
