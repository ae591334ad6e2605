"""NectarCRM: a Brazilian CRM. Its contacts are brought over once, so that its users can move in; nothing is ever sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, NoReturn

from integrations.engine.capabilities import Budget, MatchBy, Place, SecretIn
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
from integrations.engine.types import Account, CustomField, Fields, Invoice, Local, Page, Party, RawRecord, Reason, Ref, Remote
from integrations.kit.context import ProviderContext
from integrations.kit.values import rows
from integrations.providers.nectar import mapping, rules
from integrations.providers.nectar.client import Client
from integrations.providers.nectar.records import COMPANY, PERSON

_BRING, _LEAVE = ("import", gettext_noop("Bring them in, tagged")), ("leave_out", gettext_noop("Leave them out"))

MANIFEST = Manifest(
    key="nectar",
    label="NectarCRM",
    tagline=gettext_noop("Bring your contacts over from NectarCRM, once"),
    colour="nectar",
    letter="N",
    auth=None,
    api_url="https://app.nectarcrm.com.br/crm/api/1",
    secrets=(
        FieldSpec(
            "token",
            gettext_noop("Token"),
            FieldType.SECRET,
            required=True,
            help=gettext_noop("In NectarCRM: Settings, Integrations. It is forgotten when everything has been brought over."),
        ),
    ),
    credentials=(SecretIn(Place.HEADER, "Access-Token", "token"),),
    settings=(
        FieldSpec("discarded", gettext_noop("Discarded contacts"), FieldType.CHOICE, default="import", choices=(_BRING, _LEAVE)),
        FieldSpec("inactive", gettext_noop("Inactive contacts"), FieldType.CHOICE, default="leave_out", choices=(_BRING, _LEAVE)),
        FieldSpec(
            "confidential",
            gettext_noop("Confidential contacts"),
            FieldType.CHOICE,
            default="leave_out",
            choices=(_BRING, _LEAVE),
            help=gettext_noop("In NectarCRM only their owners and administrators see them. Here everybody would who may see contacts."),
        ),
        FieldSpec("team", gettext_noop("Default team"), FieldType.TEAM),
    ),
    resources=(
        Resource("organisations", gettext_noop("Organisations"), ResourceKind.CONTACTS, COMPANY, read_only=True),
        Resource("people", gettext_noop("People"), ResourceKind.CONTACTS, PERSON, read_only=True),
    ),
    fields=mapping.FIELDS,
    capabilities=frozenset({Capability.PULL_CONTACTS}),
    cadence=timedelta(days=1),
    docs="https://github.com/ColmeiaSolucoes/nectarcrm-api",
    budget=Budget(60, per=60.0, share=1.0),
    match_by=(
        MatchBy(COMPANY, "tax_id"),
        MatchBy(COMPANY, "name"),
        MatchBy(PERSON, "tax_id"),
        MatchBy(PERSON, "email"),
        MatchBy(PERSON, "name", within_parent=True),
    ),
    one_time=True,
    expires=rules.expires_at,
)


class Nectar:
    """One account, read once."""

    manifest = MANIFEST

    def __init__(self, context: ProviderContext) -> None:
        self._client = Client(context.http, context.env)
        self._settings = context.settings

    def check(self) -> Account:
        """NectarCRM does not tell whose token it is."""
        self._client.probe()
        return Account()

    def page(self, resource: str, cursor: Mapping[str, Any] | None) -> Page:
        return self._client.page(resource, cursor)

    def remote(self, raw: RawRecord) -> Remote:
        return mapping.remote(raw)

    def invoice(self, raw: RawRecord) -> Invoice:
        raise SkipRecord(Reason("bad_record", {"problem": gettext_noop("it is no invoice")}))

    def get(self, ref: Ref) -> RawRecord:
        return self._client.get(ref)

    def missing(self, party: Party) -> Sequence[Missing]:
        return []

    def payload(self, party: Party) -> Mapping[str, Any]:
        return {}

    def create(self, party: Party, *, key: str) -> RawRecord:
        _only_read()

    def update(self, current: RawRecord, changes: Fields, party: Party) -> RawRecord:
        _only_read()

    def find(self, party: Party) -> Sequence[RawRecord]:
        return []

    def why_not_in(self, raw: RawRecord, *, parents: Mapping[Ref, Reason | None]) -> Reason | None:
        return rules.why_left_out(raw.body, name=mapping.name_of(raw) or raw.ref.id, settings=self._settings)

    def why_not_out(self, local: Local, *, organisation: Local | None) -> Reason | None:
        return Reason("not_supported")

    def parents_of(self, raw: RawRecord) -> Collection[Ref]:
        return ()

    def custom_fields(self) -> Sequence[CustomField]:
        """The first one of each key: two labels may differ in an accent only."""
        found = filter(None, (rules.custom_field(entry) for entry in rows(list(self._client.custom_fields()))))
        return list({field.key: field for field in reversed(list(found))}.values())[::-1]

    def custom_value(self, field: CustomField, value: Any) -> Any:
        return rules.custom_value(field, value)


def _only_read() -> NoReturn:
    raise SkipRecord(Reason("not_supported"))


def connect(context: ProviderContext) -> Provider:
    return Nectar(context)
