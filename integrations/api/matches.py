from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.paging import cursor_of, limit_of, page_response
from accounts.api.problems import Problem, invalid
from accounts.api.schema import PAGE_PARAMETERS, answer, page_of
from contacts.domain.visibility import visible_to
from crmsync.lib.text import row_number
from integrations.api.connections import ConnectionView
from integrations.api.serializers import MatchInput, MatchSerializer
from integrations.domain import attention, matches
from integrations.domain.attention import AttentionRow, CannotDo
from integrations.domain.matches import CannotMatch, MatchRow
from integrations.enums import LinkState
from integrations.models import Connection
from integrations.tasks import ring_after_commit

PAIRING = "pairing:"
PAIRINGS = "p:"  # how a cursor among the pairings begins; those of held records are their ids
HELD = "link:0"  # before the first of these


class MatchesView(ConnectionView):
    admin_only = True

    @extend_schema(responses=page_of(MatchSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, pk: int) -> Response:
        """Records without a contact, with the contacts that they may be: those of the matching screen, then those that a sync held."""
        connection = self.connection(pk)
        cursor, limit = cursor_of(request) or "", limit_of(request)
        if not cursor or cursor.startswith(PAIRINGS):
            page = matches.match_page(connection, cursor=cursor.removeprefix(PAIRINGS) or None, limit=limit)
            if page.rows:
                following = f"{PAIRINGS}{page.next_cursor}" if page.next_cursor else HELD
                return page_response(request, [MatchSerializer(_as_row(row)).data for row in page.rows], next_cursor=following)
            cursor = HELD
        if not attention.is_row_id(cursor):
            raise invalid([("cursor", "invalid", _("This cursor is not valid."))])
        rows = attention.failing(connection, states=(LinkState.HELD,), after=cursor, limit=limit)
        unmatched = [MatchSerializer(row).data for row in rows.rows if "choose" in row.actions]
        return page_response(request, unmatched, next_cursor=rows.next)

    @extend_schema(request=MatchInput, responses={204: answer("Linked.")})
    def post(self, request: Request, pk: int) -> Response:
        """Say which contact a record is."""
        connection = self.connection(pk)
        data = self.read(MatchInput)
        if data["contact"] is not None and not visible_to(self.membership).filter(pk=data["contact"]).exists():
            raise invalid([("contact", "unknown", _("There is no such contact."))])
        try:
            self._save(connection, data["row"], data["contact"])
        except (CannotDo, CannotMatch) as refused:
            raise _cannot(str(refused)) from refused
        ring_after_commit(connection)
        return Response(status=204)

    def _save(self, connection: Connection, row: str, contact_id: int | None) -> None:
        if not row.startswith(PAIRING):
            attention.choose(connection, row, contact_id=contact_id, user=self.membership.user)
            return
        if contact_id is None:
            raise invalid([("contact", "required", _("Say which contact it is; what stays open follows the settings."))])
        number = row_number(row.removeprefix(PAIRING))
        if number is None:
            raise CannotMatch("row")
        matches.save(connection, number, contact_id=contact_id, user=self.membership.user)


def _as_row(row: MatchRow) -> AttentionRow:
    best = row.suggested[0] if row.suggested else None
    return AttentionRow(
        id=f"{PAIRING}{row.pairing.pk}",
        name=row.pairing.name,
        contact=None,
        remote_kind=row.pairing.remote_kind,
        remote_id=row.pairing.remote_id,
        remote_url="",
        code=best.why if best else "none",
        sentence=f"{best.why_label} ({best.score} %)" if best else "",
        hint="",
        detail="",
        actions=("choose",),
        tries=0,
        next_try_at=None,
        candidates=[each.contact for each in row.suggested],
    )


def _cannot(code: str) -> Problem:
    if code == "taken":
        return Problem(409, "taken", _("That contact is linked to another record already."))
    return invalid([("row", "unknown", _("This row is not open any more."))])
