"""The other lists of a connection: one row by its id, what waits to be sent, what a person left alone and takes back."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from crmsync.lib.text import row_number
from integrations.domain.attention import AttentionPage, AttentionRow, CannotDo, failing
from integrations.domain.runs import request_run
from integrations.domain.sentences import sentence
from integrations.domain.settings import audit
from integrations.enums import LinkState, OutboxState, RunKind
from integrations.models import Connection, Link, Outbox

PAGE = 50


def link_row(connection: Connection, row_id: str) -> AttentionRow:
    """The row of a link by its id. Raises CannotDo when it is not in the list any more."""
    number = _number(row_id)
    rows = [row for row in failing(connection, states=LinkState.values, after=f"link:{number - 1}", limit=1).rows if row.id == row_id]
    if not rows:
        raise CannotDo("row")
    return rows[0]


def waiting(connection: Connection, *, q: str = "", after: str = "", limit: int = PAGE) -> AttentionPage:
    """Contacts that the provider has still to be told of, in the order in which they are sent. Raises CannotDo (`after`)."""
    last = _number(after, kind="outbox") if after else 0
    found = Outbox.objects.filter(
        workspace_id=connection.workspace_id, connection=connection, state__in=[OutboxState.WAITING, OutboxState.SENDING], pk__gt=last
    )
    if q:
        found = found.filter(contact__name__icontains=q)
    rows = list(found.select_related("contact").order_by("pk")[: limit + 1])
    shown = [_waiting_row(row, connection.provider) for row in rows[:limit]]
    return AttentionPage(rows=shown, next=shown[-1].id if len(rows) > limit else None)


def take_back(connection: Connection, row_id: str, *, user: User | None) -> None:
    """What was left alone is looked at again, with the run that starts. Raises CannotDo."""
    links = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, state=LinkState.IGNORED)
    link = links.filter(pk=_number(row_id)).first()
    if link is None:
        raise CannotDo("row")
    link.state, link.version, link.next_try_at = LinkState.HELD, "", timezone.now()
    link.reason = {"code": "still_held", "params": {"name": link.remote_name, "id": link.remote_id}}
    link.save(update_fields=["state", "version", "next_try_at", "reason"])
    request_run(connection, kind=RunKind.MANUAL, user=user)
    audit(connection, "attention.take_back", user=user, data={"row": row_id})


def _number(row_id: str, *, kind: str = "link") -> int:
    found, _colon, text = row_id.partition(":")
    number = row_number(text) if found == kind else None
    if number is None:
        raise CannotDo("row")
    return number


def _waiting_row(row: Outbox, provider: str) -> AttentionRow:
    return AttentionRow(
        id=f"outbox:{row.pk}",
        name=row.contact.name,
        contact=row.contact,
        remote_kind="",
        remote_id="",
        remote_url="",
        code=str(row.reason.get("code", "")),
        sentence=sentence(row.reason, provider),
        hint="",
        detail=row.detail,
        actions=(),
        tries=row.tries,
        next_try_at=row.not_before,
    )
