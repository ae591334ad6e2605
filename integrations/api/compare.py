from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.problems import Problem, invalid
from accounts.scoping import workspace_tx
from contacts.domain.visibility import visible_or_404
from contacts.models import Contact
from integrations import registry
from integrations.api.connections import ConnectionView
from integrations.domain.access import Access, open_access
from integrations.domain.compare_save import BadChoice, Case, ChangedMeanwhile, save
from integrations.domain.comparing import CannotCompare, Comparison, comparison, link_of, read_record, seal, unseal
from integrations.domain.sentences import say
from integrations.engine.errors import ProviderError
from integrations.engine.types import Reason
from integrations.enums import ConnectionStatus
from integrations.models import Connection, Link
from integrations.tasks import ring_after_commit


class CompareRowSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField(source="field.label")  # type: ignore[assignment]  # the name of the JSON key
    kind = serializers.CharField(source="field.kind.value")
    ours = serializers.CharField(allow_null=True, help_text="Null: the workspace has no place for it.")
    theirs = serializers.CharField()
    differs = serializers.BooleanField()
    writable = serializers.BooleanField(source="can_give", help_text="Whether our value may be chosen.")


class CompareAnswer(serializers.Serializer[Any]):
    """Both sides of a contact, as they are now."""

    state = serializers.ChoiceField(choices=["same", "different"])
    different = serializers.IntegerField()
    at = serializers.DateTimeField()
    rows = CompareRowSerializer(many=True)
    shown = serializers.CharField(help_text="Bring it back with the choices: what has changed since then on either side is refused.")


class CompareInput(serializers.Serializer[Any]):
    """Row key -> `ours` or `theirs`; rows that are not named stay as they are."""

    choices = serializers.DictField(child=serializers.CharField(max_length=10), allow_empty=False)
    shown = serializers.CharField(required=False, max_length=500_000, help_text="Of GET. Without it the values of now are compared.")


class CompareSaved(serializers.Serializer[Any]):
    given = serializers.ListField(child=serializers.CharField(), help_text="Written at the other side.")
    taken = serializers.ListField(child=serializers.CharField(), help_text="Written here.")
    left = serializers.ListField(child=serializers.CharField(), help_text="Edited here meanwhile: settled by the next sync.")


class CompareView(ConnectionView):
    outside_transaction = True

    @extend_schema(responses=CompareAnswer)
    def get(self, request: Request, pk: int, connection: int) -> Response:
        """Ask the other side and put both beside each other."""
        found, contact, link = self._both(pk, connection)
        access = open_access(found)
        shown = self._compared(found, contact, link, access)
        state = "different" if shown.different else "same"
        answer = {"state": state, "different": len(shown.different), "at": shown.at, "rows": shown.rows, "shown": seal(found, pk, shown)}
        return Response(CompareAnswer(answer).data)

    @extend_schema(request=CompareInput, responses=CompareSaved)
    def post(self, request: Request, pk: int, connection: int) -> Response:
        """Write the chosen values on both sides, theirs first. 409 when a side has changed since it was shown."""
        found, contact, link = self._both(pk, connection)
        data = self.read(CompareInput)
        access = open_access(found)
        shown = unseal(access, found, pk, data["shown"]) if data.get("shown") else self._compared(found, contact, link, access)
        if shown is None:
            raise invalid([("shown", "invalid", _("This is not what was shown."))])
        case = Case(found, contact, link, self.membership, self.origin)
        try:
            saved = save(case, shown, data["choices"], access)
        except ChangedMeanwhile as changed:
            raise _changed(changed, found.provider) from changed
        except BadChoice as refused:
            raise invalid([(f"choices.{key}", "invalid", _(text)) for key, text in refused.errors.items()]) from refused
        except CannotCompare as refused:
            raise Problem(409, refused.reason.code, say(refused.reason, found.provider)) from refused
        except ProviderError as error:
            raise Problem(502, error.reason.code, say(error.reason, found.provider)) from error
        with workspace_tx(self.workspace):
            ring_after_commit(found)
        return Response(CompareSaved(saved).data)

    def _both(self, contact_id: int, connection_id: int) -> tuple[Connection, Contact, Link]:
        with workspace_tx(self.workspace):
            found = self.connection(connection_id)
            contact = visible_or_404(self.membership, contact_id)
            link = link_of(found, contact)
        if not registry.manifest(found.provider).compare:
            raise Http404
        if link is None:
            raise Problem(409, "not_linked", _("The contact is not there."))
        if found.status != ConnectionStatus.ACTIVE:
            raise Problem(409, "not_connected", say(Reason("not_connected"), found.provider))
        return found, contact, link

    def _compared(self, connection: Connection, contact: Contact, link: Link, access: Access) -> Comparison:
        try:
            record = read_record(access, connection, link)
            with workspace_tx(self.workspace):
                return comparison(access, connection, contact, record)
        except CannotCompare as refused:
            raise Problem(409, refused.reason.code, say(refused.reason, connection.provider)) from refused
        except ProviderError as error:
            raise Problem(502, error.reason.code, say(error.reason, connection.provider)) from error


def _changed(changed: ChangedMeanwhile, provider: str) -> Problem:
    if changed.side == "here":
        return Problem(409, "changed_here", _("The contact was changed here meanwhile. Compare again."))
    vendor = registry.manifest(provider).label
    return Problem(409, "changed_there", _("It was changed in %(vendor)s meanwhile. Compare again.") % {"vendor": vendor})
