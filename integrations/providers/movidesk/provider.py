"""Movidesk: a Brazilian helpdesk. Organisations and people flow both ways by NectarCRM's rules; tickets are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from integrations.engine.budget import QUIET_HOURS
from integrations.engine.capabilities import Budget, Directions, Incremental, MatchBy, Place, SecretIn
from integrations.engine.errors import SkipRecord
from integrations.engine.provider import (
    Capability,
    FieldSpec,
    FieldType,
    Manifest,
    Missing,
    Provider,
    Resource,
    ResourceKind,
    gettext_noop,
)
from integrations.engine.types import Account, Base, Fields, Invoice, Kind, Local, Page, Party, RawRecord, Reason, Ref, Remote, Ticket
from integrations.kit.context import ProviderContext
from integrations.providers.movidesk import mapping, records, rules
from integrations.providers.movidesk.client import MANY, OVERLAP, Client
from integrations.providers.movidesk.records import COMPANY, PERSON

_PEOPLE, _LIMITS = gettext_noop("People"), gettext_noop("Limits")
TENANT = r"(?:[Hh][Tt][Tt][Pp][Ss]?://)?[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[Mm]ovidesk\.[Cc]om(?:/.*)?)?"

MANIFEST = Manifest(
    key="movidesk",
    label="Movidesk",
    tagline=gettext_noop("The people and organisations of your Movidesk helpdesk, and their tickets"),
    colour="movidesk",
    letter="M",
    auth=None,
    api_url="https://api.movidesk.com/public/v1",
    secrets=(
        FieldSpec(
            "token",
            gettext_noop("Token"),
            FieldType.SECRET,
            required=True,
            help=gettext_noop("In Movidesk: Settings, Account, Parameters, Environment. A new token there makes the old one worthless."),
        ),
    ),
    credentials=(SecretIn(Place.QUERY, "token", "token"),),
    settings=(
        FieldSpec("name", gettext_noop("Name of the integration"), FieldType.TEXT, default="Movidesk", required=True),
        FieldSpec(
            "tenant",
            gettext_noop("Host name in Movidesk"),
            FieldType.TEXT,
            default="",
            pattern=TENANT,
            help=gettext_noop("“acme” if your Movidesk is acme.movidesk.com. Links to tickets need it."),
        ),
        FieldSpec(
            "pull",
            gettext_noop("From Movidesk to here"),
            FieldType.BOOLEAN,
            default=True,
            section=_PEOPLE,
            help=gettext_noop("Active organisations and their active people. What was made from here is left out."),
        ),
        FieldSpec(
            "pull_mode",
            gettext_noop("What comes in"),
            FieldType.CHOICE,
            default="create",
            choices=(
                ("create", gettext_noop("Keep in sync and create those missing")),
                ("existing", gettext_noop("Only keep in sync those that exist")),
            ),
            section=_PEOPLE,
            when=("pull", True),
        ),
        FieldSpec(
            "push",
            gettext_noop("From here to Movidesk"),
            FieldType.BOOLEAN,
            default=True,
            section=_PEOPLE,
            help=gettext_noop("Contacts whose life cycle is “Client”, and related contacts whose organisation is a client."),
        ),
        FieldSpec(
            "ticket_link_field",
            gettext_noop("Give contacts a link to their tickets"),
            FieldType.URL_FIELD,
            default="",
            section=_PEOPLE,
            when=("push", True),
            help=gettext_noop("The custom field that gets the link. None: no link is written."),
        ),
        FieldSpec(
            "ticket_link",
            gettext_noop("Address of a person's tickets"),
            FieldType.TEXT,
            default="",
            section=_PEOPLE,
            pattern=r"https://\S+",
            when=("push", True),
            help=gettext_noop("With {tenant} and {person_id} in it. Empty: the link leads to the tickets on the page of the contact here."),
        ),
        FieldSpec(
            "requests_per_minute",
            gettext_noop("Requests a minute"),
            FieldType.INTEGER,
            default=10,
            section=_LIMITS,
            minimum=1,
            maximum=600,
            help=gettext_noop("Movidesk allows 10 unless it agreed to more. We use four fifths of them."),
        ),
        FieldSpec(
            "quiet_hours",
            gettext_noop("Quiet hours"),
            FieldType.TEXT,
            default="",
            section=_LIMITS,
            pattern=QUIET_HOURS,
            help=gettext_noop("Local hours without any request, such as 08:00-12:00. Empty: none."),
        ),
    ),
    resources=(
        Resource("organisations", gettext_noop("Organisations"), ResourceKind.CONTACTS, COMPANY),
        Resource("people", gettext_noop("People"), ResourceKind.CONTACTS, PERSON, fields=mapping.PERSON_FIELDS),
    ),
    fields=mapping.FIELDS,
    capabilities=frozenset(
        {
            Capability.PULL_CONTACTS,
            Capability.PUSH_CONTACTS,
            Capability.EXPORT,
            Capability.CREATE_ELIGIBLE,
            Capability.TICKETS,
        }
    ),
    cadence=timedelta(minutes=30),
    export_kind=COMPANY,
    exclusive_group="helpdesk",
    docs="https://atendimento.movidesk.com/kb/en/article/189/movidesk-api-people",
    budget=Budget(
        10,
        per=60.0,
        share=0.8,  # others may share the token
        setting="requests_per_minute",
        quiet_setting="quiet_hours",
        failures=3,
        blocks=(60.0, 120.0, 300.0),
        attempts=1,
    ),
    incremental=Incremental(overlap=OVERLAP),
    directions=Directions(pull="pull", push="push", create=("pull_mode", "create")),
    kinds=((Kind.ORGANISATION, COMPANY), (Kind.PERSON, PERSON)),
    match_by=(
        MatchBy(COMPANY, "tax_id"),
        MatchBy(COMPANY, "name"),
        MatchBy(PERSON, "tax_id"),
        MatchBy(PERSON, "email", within_parent=True),
        MatchBy(PERSON, "name", within_parent=True),
    ),
    match_screen="organisations",
    link_back="ticket_link_field",
    life_cycles_out=frozenset({rules.CLIENT, rules.RELATED}),
)


class Movidesk:
    """One connection to one helpdesk."""

    manifest = MANIFEST
    many = MANY

    def __init__(self, context: ProviderContext) -> None:
        self._client = Client(context.http, context.env)
        self._settings = context.settings
        self._tenant = rules.tenant_of(str(context.settings.get("tenant") or ""))

    def check(self) -> Account:
        """The token does not tell whose it is; the host name is what a person said."""
        self._client.probe()
        return Account(name=self._tenant)

    def page(self, resource: str, cursor: Mapping[str, Any] | None) -> Page:
        return self._client.page(resource, cursor)

    def changes(self, since: str, cursor: Mapping[str, Any] | None) -> Page:
        return self._client.changes(since, cursor)

    def remote(self, raw: RawRecord) -> Remote:
        return mapping.remote(raw)

    def invoice(self, raw: RawRecord) -> Invoice:
        raise SkipRecord(Reason("bad_record", {"problem": gettext_noop("it is no invoice")}))

    def get(self, ref: Ref) -> RawRecord:
        return self._client.get(ref)

    def get_many(self, refs: Sequence[Ref]) -> Mapping[Ref, RawRecord]:
        return self._client.get_many(refs)

    def missing(self, party: Party) -> Sequence[Missing]:
        return [] if str(party.fields.get("name") or "").strip() else [Missing("name", gettext_noop("Name"))]

    def payload(self, party: Party) -> Mapping[str, Any]:
        return mapping.payload(party, code=rules.code_for(party.contact_id) if party.contact_id else "")

    def create(self, party: Party, *, key: str) -> RawRecord:
        """Safe to repeat: the code is the contact's, and a record that has it already is ours if it is the same party."""
        lacking = self.missing(party)
        if lacking:
            words = {one.field: one.label for one in lacking}
            raise SkipRecord(Reason("missing_fields", {"fields": ", ".join(words.values())}), fields=words)
        code, kind = rules.code_for(party.contact_id or key), MANIFEST.remote_kind(party.kind)
        body = mapping.payload(party, code=code)
        try:
            return self._client.create(body, kind=kind)
        except SkipRecord as error:
            if not mapping.exists_already(error):
                raise mapping.refused(error, name=str(party.fields["name"])) from None
        return self._adopted(party, code=code, kind=kind)

    def update(self, current: RawRecord, changes: Fields, party: Party) -> RawRecord:
        return self.update_agreed(current, changes, party, agreed=Base(ours={}, theirs={}))

    def update_agreed(self, current: RawRecord, changes: Fields, party: Party, *, agreed: Base) -> RawRecord:
        body = mapping.changed_body(current, changes, party, agreed=agreed)
        if not body:
            return current
        try:
            return self._client.update(current, body)
        except SkipRecord as error:
            raise mapping.refused(error, name=str(party.fields.get("name") or current.ref.id)) from None

    def find(self, party: Party) -> Sequence[RawRecord]:
        kind = MANIFEST.remote_kind(party.kind)
        if party.contact_id is None:
            return self._client.named(str(party.fields.get("trade_name") or party.fields.get("name") or ""), kind=kind)
        found = self._client.look_up(rules.code_for(party.contact_id), kind=kind)
        return [found] if found is not None and self._is_ours(found, party) else []

    def why_not_in(self, raw: RawRecord, *, parents: Mapping[Ref, Reason | None]) -> Reason | None:
        if not self._settings.get("pull", True):
            return Reason("pull_off")
        standing = mapping.standing(raw)
        if standing.kind != PERSON:
            return rules.why_organisation_stays_out(standing)
        return rules.why_person_stays_out(standing, {ref.id: reason for ref, reason in parents.items() if ref.kind == COMPANY})

    def why_not_out(self, local: Local, *, organisation: Local | None) -> Reason | None:
        if not self._settings.get("push", True):
            return Reason("push_off")
        belongs = organisation if organisation is not None and not organisation.deleted else None
        client = rules.Client(
            name=str(local.fields.get("name") or ""),
            life_cycle=str(local.fields.get("life_cycle") or ""),
            organisation=str(belongs.fields.get("name") or "") if belongs else None,
            organisation_life_cycle=str(belongs.fields.get("life_cycle") or "") if belongs else "",
        )
        return rules.why_contact_stays_here(client)

    def parents_of(self, raw: RawRecord) -> Collection[Ref]:
        return [Ref(COMPANY, id) for id in records.organisations_of(raw.body)] if raw.ref.kind == PERSON else []

    def link_back(self, ref: Ref) -> str:
        template = str(self._settings.get("ticket_link") or "")
        return template.replace("{tenant}", self._tenant).replace("{person_id}", quote(ref.id, safe=""))

    def tickets(self, ref: Ref, *, limit: int = 20) -> Sequence[Ticket]:
        url = f"https://{self._tenant}.movidesk.com/Ticket/Edit/{{id}}" if self._tenant else ""
        found = [records.ticket(entry, url=url) for entry in self._client.tickets(ref, limit=limit)]
        known = {one.id: one for one in found if one is not None}
        return sorted(known.values(), key=lambda one: records.stamp(one.created_at), reverse=True)[:limit]

    def _adopted(self, party: Party, *, code: str, kind: str) -> RawRecord:
        """The record that an earlier attempt made, brought up to date."""
        found = self._client.look_up(code, kind=kind)
        if found is None or not self._is_ours(found, party):
            raise SkipRecord(Reason("code_taken", {"name": str(party.fields["name"]), "id": code}))
        theirs = mapping.remote(found).party.fields
        wanted = {each.ours: party.fields.get(each.ours) for each in mapping.FIELDS if party.fields.get(each.ours)}
        return self.update(found, {name: value for name, value in wanted.items() if value != theirs.get(name)}, party)

    def _is_ours(self, found: RawRecord, party: Party) -> bool:
        if records.kind_of(found.body) != found.ref.kind:
            return False
        try:
            theirs = mapping.remote(found).party.fields
        except SkipRecord:
            return False
        return rules.is_same_party(ours=party.fields, theirs=theirs)


def connect(context: ProviderContext) -> Provider:
    return Movidesk(context)
