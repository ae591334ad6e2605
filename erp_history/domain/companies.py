"""Companies and people of the ERP become contacts: known by their ERP code, then by tax id, else new; what is ambiguous waits for a person.

Matching, values, contacts and their differences are SQL over pages (contacts.domain.sets); no row of them comes here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import orjson
from django.db import connection, transaction

from accounts.scoping import current_origin
from contacts.domain.sets import change_from, insert_from
from contacts.domain.store import insert_contacts
from contacts.models import Contact
from crmsync.lib.countries import country_code
from erp_history.domain import company_sql as sql
from erp_history.domain import news
from erp_history.domain.run_log import COUNTED
from erp_history.domain.steps import Step
from erp_history.enums import LinkKind, LinkState
from erp_history.models import ErpLink, ErpPhase

PAGE = 10_000
# Companies first: people refer to them.
STAGES = (("new", LinkKind.COMPANY), ("changed", LinkKind.COMPANY), ("new", LinkKind.PERSON), ("changed", LinkKind.PERSON))


def step(step: Step) -> bool:
    """A page of the first stage that has one."""
    cursor = step.phase.cursor
    position, after = int(cursor.get("stage", 0)), int(cursor.get("after", 0))
    if not cursor:
        news.take(step.workspace)
        step.execute("DELETE FROM erp_history_erplink WHERE workspace_id = %(workspace)s AND state = 'held'")
    step.execute(sql.TEMPORARY)
    while position < len(STAGES):
        stage, kind = STAGES[position]
        # Whether there is anything to do is asked of all rows at once; pages are look-ups, whatever the planner believes of fresh tables.
        step.plan("lookups" if after else "sets")
        last = (_new_page if stage == "new" else _changed_page)(step, kind, after)
        if last is not None:
            step.phase.cursor = {**cursor, "stage": position, "after": last}
            return False
        position, after = position + 1, 0
    step.phase.cursor = {**cursor, "stage": position, "after": 0}
    held = ErpLink.objects.filter(workspace=step.workspace, state=LinkState.HELD).count()
    step.phase.counters["held"] = held
    step.say(COUNTED, **step.phase.counters)
    return True


def refresh_statistics(phase: ErpPhase) -> bool:
    """After the first contacts that a night creates, and whenever they have become four times as many, plans need to know.

    In a transaction of its own: its lock would keep other nights waiting. Tells whether it was done.
    """
    created = int(phase.counters.get("created", 0))
    told = int(phase.cursor.get("analysed", 0))
    if created == 0 or created < told * 4:
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT erp_history_analyse()")
    return True


def _values(step: Step, kind: str, rows: str) -> dict[str, Any]:
    """What the values of contacts are made with besides the row: the few ways in which these companies write countries, as codes."""
    countries: dict[str, str] = {}
    if kind == LinkKind.COMPANY:
        countries = _codes(step.fetch(sql.COUNTRIES.format(rows=rows)))
    return {"country": step.workspace.country, "countries": json.dumps(countries)}


def _new_page(step: Step, kind: str, after: int) -> int | None:
    """Match and create what is not linked yet. Gives the last id of the page; None: there was nothing left."""
    text = sql.of_kind(kind)
    taken = step.execute(text.next_unlinked if after else text.unlinked, {"after": after, "limit": PAGE})
    if not taken:
        return None
    step.plan("lookups")
    last = _last(step)
    matched = step.execute(text.match)
    fresh = step.execute(text.take_fresh, _values(step, kind, sql.IN_PAGE))
    if fresh:
        step.plan("default")
        insert_from(step.workspace, text.fresh, {}, columns=text.columns, origin=step.origin)
        step.execute(text.link_fresh)
        step.count(0, created=fresh)
    if 0 < fresh < taken - matched:
        # Further codes of a tax id that has just become a contact.
        step.plan("lookups")
        step.execute(sql.LEAVE_PAGE)
        step.execute(text.match)
    step.count(taken)
    return last


def _changed_page(step: Step, kind: str, after: int) -> int | None:
    """Bring what changed in the ERP to linked contacts. What was edited here stays until the ERP's own value changes."""
    text = sql.of_kind(kind)
    if not after:
        [(first,)] = step.fetch(text.first_changed)
        if first is None:
            return None
        step.plan("lookups")
        after = first - 1
    taken = step.execute(text.take_changed, {"after": after, "limit": PAGE})
    if not taken:
        return None
    step.execute(sql.LOCK)
    updated: list[int] = []
    if step.execute(text.change, _values(step, kind, sql.LINKED_IN_PAGE)):
        step.plan("default")
        updated = change_from(step.workspace, sql.CHANGED, {}, origin=step.origin)
    step.count(taken, updated=len(updated))
    return _last(step)


def _last(step: Step) -> int:
    [(last,)] = step.fetch("SELECT max(id) FROM pg_temp.erp_page")
    return int(last)


def decide(link: ErpLink, *, contact: Contact | None) -> None:
    """A person says which contact a held company is; None: none of them, make a new one. Inside workspace_tx."""
    link.contact, link.state, link.reason, link.candidates = contact, LinkState.LINKED, "", []
    if contact is None:
        link.contact_id = _create_for(link)
    link.base, link.request_id = {}, 0
    link.save(update_fields=["contact", "state", "reason", "candidates", "base", "request_id"])


def ignore(link: ErpLink) -> None:
    """A person says that this company is not wanted here."""
    link.contact, link.state = None, LinkState.IGNORED
    link.save(update_fields=["contact", "state"])


def _create_for(link: ErpLink) -> int:
    values: dict[str, Any] = {"workspace": link.workspace_id, "country": link.workspace.country, "row": link.row_id}
    with connection.cursor() as cursor:
        countries: dict[str, str] = {}
        if link.kind == LinkKind.COMPANY:
            cursor.execute(sql.COUNTRIES.format(rows="SELECT %(row)s"), values)
            countries = _codes(cursor.fetchall())
        cursor.execute(sql.of_kind(link.kind).one, {**values, "countries": json.dumps(countries)})
        [(doc,)] = cursor.fetchall()
    [contact_id] = insert_contacts(link.workspace, [orjson.loads(doc)], origin=current_origin())
    return contact_id


def _codes(found: Iterable[tuple[str]]) -> dict[str, str]:
    return {name: country_code(name) for (name,) in found}


def move_links(workspace_id: int, *, kept_id: int, gone_id: int) -> None:
    """Two contacts became one: the codes of both are the kept one's."""
    with connection.cursor() as cursor:
        cursor.execute(sql.MOVE, {"workspace": workspace_id, "kept": kept_id, "gone": gone_id})
        cursor.execute(sql.MOVE_FIGURES, {"workspace": workspace_id, "kept": kept_id, "gone": gone_id})


def move_links_back(workspace_id: int, *, kept_id: int, gone_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.MOVE_BACK, {"workspace": workspace_id, "kept": kept_id, "gone": gone_id})
        cursor.execute(sql.FOLLOW_LINKS, {"workspace": workspace_id, "kept": kept_id, "gone": gone_id})
