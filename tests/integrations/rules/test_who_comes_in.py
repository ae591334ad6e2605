"""Who flows in from a helpdesk: every combination of the rules, and what becomes of those who fall out of them."""

from __future__ import annotations

import itertools

import pytest

from integrations.enums import LinkState
from tests.integrations.rules.places import DeskPlace
from tests.integrations.sync.world import counted

ORGANISATIONS = [
    (active, marked, "create" if active and not marked else "marked_ours" if marked else "inactive_there")
    for active, marked in itertools.product((True, False), repeat=2)
]


@pytest.mark.parametrize(("active", "marked", "expected"), ORGANISATIONS)
def test_organisations(desk: DeskPlace, *, active: bool, marked: bool, expected: str) -> None:
    desk.company("xNECTARx9" if marked else "100", "Aurora", isActive=active)
    desk.connect()

    run = desk.last_run()
    if expected == "create":
        counted(run, seen=1, created=1)
        assert desk.contact("Aurora").life_cycle == "suspect"
    else:
        counted(run, seen=1, skipped=1)
        assert [line.reason["code"] for line in desk.lines(run, action="skip")] == [expected]
        assert desk.lines(run, action="skip")[0].reason["params"]["name"] == "Aurora"


def expected_of_person(*, active: bool, homes: tuple[str, ...]) -> str:
    if not active:
        return "inactive_there"
    if not homes:
        return "no_organisation"
    if "marked" in homes:
        return "organisation_marked_ours"
    if "good" in homes:
        return ""
    return "organisation_inactive" if "inactive" in homes else "organisation_unknown"


HOMES = [homes for size in range(3) for homes in itertools.combinations(("good", "inactive", "marked", "nowhere"), size)]
IDS = {"good": "100", "inactive": "200", "marked": "Nectar300", "nowhere": "999"}


def test_people_in_every_combination(desk: DeskPlace) -> None:
    desk.company("100", "Good")
    desk.company("200", "Asleep", isActive=False)
    desk.company("Nectar300", "Ours")
    expected: dict[str, str] = {}
    for number, (active, homes) in enumerate(itertools.product((True, False), HOMES)):
        name = f"P{number} {active} {' '.join(homes)}".strip()
        desk.person(str(5000 + number), name, *(IDS[home] for home in homes), isActive=active)
        expected[name] = expected_of_person(active=active, homes=homes)
    desk.connect()

    skipped = {line.name or line.reason["params"]["name"]: line.reason["code"] for line in desk.lines(desk.last_run(), action="skip")}
    came = {contact.name for contact in desk.contacts(kind="person")}
    assert came == {name for name, reason in expected.items() if not reason}
    assert {name: code for name, code in skipped.items() if name in expected} == {name: r for name, r in expected.items() if r}
    assert all(contact.organisation_id == desk.contact("Good").pk for contact in desk.contacts(kind="person"))


def test_what_falls_out_of_the_rules_stays_linked_and_nothing_comes_in(desk: DeskPlace) -> None:
    desk.company("100", "Aurora")
    desk.connect()
    desk.change("100", isActive=False, observations="Never to be seen")

    run = desk.sync()

    counted(run, seen=1, skipped=1)
    link = desk.link("100", kind="company")
    assert (link.state, link.reason["code"]) == (LinkState.LINKED, "inactive_there")
    assert desk.contact("Aurora").notes == ""

    desk.change("100", isActive=True)
    assert desk.sync().counters["updated"] == 1
    assert desk.contact("Aurora").notes == "Never to be seen"


def test_only_those_that_exist(desk: DeskPlace) -> None:
    desk.company("100", "Aurora")
    desk.company("200", "Boreal")
    desk.add("Boreal", life_cycle="client")
    desk.connect(pull_mode="existing")

    counted(desk.last_run(), seen=2, linked=1, skipped=1, pushed=desk.last_run().counters["pushed"])
    assert [contact.name for contact in desk.contacts()] == ["Boreal"]


def test_a_new_contact_gets_what_is_given_once(desk: DeskPlace) -> None:
    mails = [{"emailType": "P", "email": mail, "isDefault": mail.startswith("one")} for mail in ("one@a.example", "two@a.example")]
    desk.company("100", "Aurora", emails=mails)
    desk.connect()
    aurora = desk.contact("Aurora")
    assert [entry["email"] for entry in aurora.emails] == ["one@a.example", "two@a.example"]
    desk.edit(aurora, life_cycle="client")
    desk.change("100", observations="News")

    desk.sync()

    assert (desk.contact("Aurora").life_cycle, desk.contact("Aurora").notes) == ("client", "News")


def test_of_a_contact_that_does_not_go_out_nothing_is_queued(desk: DeskPlace) -> None:
    desk.company("100", "Aurora", observations="Theirs")
    desk.add("Aurora", life_cycle="prospect", notes="Ours", legal_name="Aurora Ltda")
    desk.connect()

    assert desk.last_run().counters["linked"] == 1
    assert desk.outbox() == []
    assert desk.contact("Aurora").notes == "Ours"


def test_a_namesake_that_is_left_out_is_no_rival(desk: DeskPlace) -> None:
    desk.company("100", "Aurora", isActive=False)
    desk.company("200", "Aurora")
    desk.add("Aurora", life_cycle="client")
    desk.connect()

    assert desk.link("200", kind="company").contact_id == desk.contact("Aurora").pk
