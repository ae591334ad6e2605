"""Every combination of what decides who goes out, against the rules as they were told in words."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from contacts.enums import LifeCycle
from contacts.models import Contact
from integrations.domain.outgoing import OutRules, out_rules
from integrations.models import Connection

LIFE_CYCLES = [str(value) for value in LifeCycle.values]
WHERE = [None, "coming", "linked", "left"]
FIRM = 2

# (kind, life cycle, organisation's life cycle or None without one, whether that is in the trash, where it is there)
Case = tuple[str, str, str | None, bool, str | None]
CASES: list[Case] = [
    *(("organisation", stage, None, False, None) for stage in LIFE_CYCLES),
    *(("person", stage, None, False, None) for stage in LIFE_CYCLES),
    *(("person", stage, firm, trash, where) for stage, firm, trash, where in product(LIFE_CYCLES, LIFE_CYCLES, [False, True], WHERE)),
]


def rules(provider: str, *, brought_by: str = "", **settings: Any) -> OutRules:
    found = out_rules(Connection(pk=1, provider=provider, settings=settings))
    return replace(found, brought={1: brought_by} if brought_by else {})


def contact(case: Case) -> Contact:
    kind, life_cycle, firm, trash, _where = case
    found = Contact(pk=1, kind=kind, name="Ana", life_cycle=life_cycle)
    if firm is not None:
        found.organisation = Contact(
            pk=FIRM, kind="organisation", name="Zebra", life_cycle=firm, deleted_at=timezone.now() if trash else None
        )
    return found


def verdict(asked: OutRules, case: Case, *, by_hand: bool) -> str:
    found = asked.why_not_made(contact(case), there={FIRM: case[4]} if case[4] else {}, by_hand=by_hand)
    return "stays" if found.reason else "waits" if found.waits else "goes"


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("push", [False, True])
def test_clients_and_related_contacts_of_clients_go_to_the_helpdesk(push: bool, by_hand: bool) -> None:
    asked = rules("movidesk", push=push)
    for case in CASES:
        kind, stage, firm, trash, where = case
        belongs = kind == "person" and firm is not None and not trash
        of_client = belongs and firm == "client"
        flows = push and (stage == "client" or (stage == "related" and of_client))
        assert (asked.why_not(contact(case)) is None) is flows, case
        assert verdict(asked, case, by_hand=by_hand) == (
            _to_helpdesk(stage, where, of_client=of_client, belongs=belongs) if flows else "stays"
        )


def _to_helpdesk(stage: str, where: str | None, *, of_client: bool, belongs: bool) -> str:
    """Somebody whom the rule lets out."""
    if not belongs or where == "linked":
        return "goes"
    if where == "coming" or (where is None and of_client):
        return "waits"
    return "goes" if stage == "client" else "stays"


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("brought_by", ["", "Crunch"])
@pytest.mark.parametrize("create_when", ["created", "active", "manual"])
def test_new_customers_go_to_the_ledger_as_the_setting_says_and_people_with_theirs(
    create_when: str, brought_by: str, by_hand: bool
) -> None:
    asked = rules("economic", create_when=create_when, brought_by=brought_by)
    for case in CASES:
        kind, stage, firm, trash, where = case
        assert asked.why_not(contact(case)) is None, "who is there is always told"
        if kind == "organisation":
            goes = by_hand or (create_when == "created" and not brought_by) or (create_when == "active" and stage == "client")
            expected = "goes" if goes else "stays"
        elif firm is None or trash:
            expected = "goes" if by_hand else "stays"
        else:
            expected = {"linked": "goes", "coming": "waits"}.get(where or "", "stays")
        assert verdict(asked, case, by_hand=by_hand) == expected, case


def test_a_provider_without_rules_lets_everybody_out() -> None:
    asked = rules("crunch")
    for case in CASES:
        assert asked.why_not(contact(case)) is None
        assert verdict(asked, case, by_hand=False) == "goes"


@pytest.mark.parametrize(
    ("create_when", "case", "changed", "expected"),
    [
        ("created", ("organisation", "lead", None, False, None), {"kind", "name"}, True),  # made here now
        ("created", ("organisation", "lead", None, False, None), {"name"}, False),  # was here before
        ("created", ("organisation", "client", None, False, None), {"life_cycle"}, False),  # would have gone without it, too
        ("active", ("organisation", "client", None, False, None), {"life_cycle"}, True),
        ("active", ("organisation", "client", None, False, None), {"notes"}, False),
        ("manual", ("person", "", "client", False, "linked"), {"organisation"}, True),
        ("manual", ("person", "", "client", False, "linked"), {"name"}, True),  # the customer may have come there unseen
        ("manual", ("person", "", "client", True, "linked"), {"name"}, False),  # its organisation is in the trash
        ("manual", ("person", "", None, False, None), {"name"}, False),
    ],
)
def test_where_only_new_ones_go_the_edit_must_be_what_lets_them(create_when: str, case: Case, changed: set[str], expected: bool) -> None:
    assert rules("economic", create_when=create_when).became_eligible(contact(case), changed) is expected
