"""Companies and people of the ERP become contacts: known by their ERP code, then by tax id, else new; what is ambiguous waits for a person.

Matching and differences are SQL over pages; contacts are written through contacts.domain.store like everywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils import timezone

from accounts.domain.bulk import insert_rows
from accounts.scoping import current_origin
from contacts.domain.store import insert_contacts, update_contacts
from contacts.models import Contact
from crmsync.lib.countries import country_code
from erp_history.domain import company_sql as sql
from erp_history.domain import news
from erp_history.domain.run_log import COUNTED
from erp_history.domain.steps import Step
from erp_history.enums import LinkKind, LinkState
from erp_history.models import ErpLink, ErpPhase

PAGE = 1000
# Companies first: people refer to them.
STAGES = (("new", LinkKind.COMPANY), ("changed", LinkKind.COMPANY), ("new", LinkKind.PERSON), ("changed", LinkKind.PERSON))


def step(step: Step) -> bool:
    """A page of the first stage that has one."""
    cursor = step.phase.cursor
    position, after = int(cursor.get("stage", 0)), int(cursor.get("after", 0))
    if not cursor:
        news.take(step.workspace)
        step.execute("DELETE FROM erp_history_erplink WHERE workspace_id = %(workspace)s AND state = 'held'")
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


def _values(step: Step, kind: str, **values: Any) -> dict[str, Any]:
    countries = _countries(step, values.get("ids")) if kind == LinkKind.COMPANY else {}
    return {"country": step.workspace.country, "countries": json.dumps(countries), "limit": PAGE, **values}


def _countries(step: Step, ids: Sequence[int] | None) -> dict[str, str]:
    """The few ways in which these companies, or all, write countries, as codes. People have none."""
    some = "" if ids is None else " AND id = ANY(%(ids)s)"
    statement = f"SELECT DISTINCT pais FROM erp_history_empresa WHERE workspace_id = %(workspace)s AND pais IS NOT NULL{some} LIMIT 500"
    return {name: country_code(name) for (name,) in step.fetch(statement, {"ids": ids})}


def _new_page(step: Step, kind: str, after: int) -> int | None:
    """Match and create what is not linked yet. Gives the last id of the page; None: there was nothing left."""
    text = sql.of_kind(kind)
    page = step.fetch(text.next_unlinked if after else text.unlinked, {"after": after, "limit": PAGE})
    ids = [row[0] for row in page]
    if not ids:
        return None
    step.plan("lookups")
    step.execute(text.match, {"ids": ids})
    fresh = step.fetch(text.creatable, _values(step, kind, ids=ids))
    if fresh:
        _create(step, kind, fresh)
        # Further codes of a tax id that has just become a contact.
        step.plan("lookups")
        step.execute(text.match, {"ids": ids})
    step.count(len(ids))
    return int(ids[-1])


def _create(step: Step, kind: str, fresh: Sequence[tuple[Any, ...]]) -> None:
    docs = [orjson.loads(doc) for _row_id, _request, doc in fresh]
    step.plan("default")
    contact_ids = insert_contacts(step.workspace, docs, origin=step.origin)
    now = timezone.now()
    empty = {"workspace_id": step.workspace.pk, "kind": kind, "state": LinkState.LINKED, "reason": "", "candidates": []}
    links = [
        {**empty, "row_id": row_id, "contact_id": contact_id, "base": doc, "request_id": request, "created_at": now}
        for (row_id, request, _doc), doc, contact_id in zip(fresh, docs, contact_ids, strict=True)
    ]
    insert_rows(ErpLink, links)
    step.count(0, created=len(links))


def _changed_page(step: Step, kind: str, after: int) -> int | None:
    """Bring what changed in the ERP to linked contacts. What was edited here stays until the ERP's own value changes."""
    if not after:
        [(first,)] = step.fetch(sql.of_kind(kind).first_changed)
        if first is None:
            return None
        step.plan("lookups")
        after = first - 1
    rows = step.fetch(sql.of_kind(kind).changed, _values(step, kind, after=after))
    if not rows:
        return None
    changes: dict[int, Mapping[str, Any]] = {}
    for _link, contact_id, changed in rows:
        if changed and contact_id:
            changes[contact_id] = {**changes.get(contact_id, {}), **orjson.loads(changed)}
    step.plan("default")
    written = update_contacts(step.workspace, changes, origin=step.origin) if changes else None
    step.count(len(rows), updated=len(written.updated) if written else 0)
    return int(rows[-1][0])


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
    text = sql.of_kind(link.kind)
    values: dict[str, Any] = {
        "workspace": link.workspace_id,
        "country": link.workspace.country,
        "countries": "{}",
        "ids": [link.row_id],
        "limit": 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(text.one, values)
        [(doc,)] = cursor.fetchall()
    [contact_id] = insert_contacts(link.workspace, [orjson.loads(doc)], origin=current_origin())
    return contact_id


def move_links(workspace_id: int, *, kept_id: int, gone_id: int) -> None:
    """Two contacts became one: the codes of both are the kept one's."""
    with connection.cursor() as cursor:
        cursor.execute(sql.MOVE, {"workspace": workspace_id, "kept": kept_id, "gone": gone_id})
        cursor.execute(sql.MOVE_FIGURES, {"workspace": workspace_id, "kept": kept_id, "gone": gone_id})


def move_links_back(workspace_id: int, *, kept_id: int, gone_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.MOVE_BACK, {"workspace": workspace_id, "kept": kept_id, "gone": gone_id})
        cursor.execute(sql.FOLLOW_LINKS, {"workspace": workspace_id, "kept": kept_id, "gone": gone_id})
