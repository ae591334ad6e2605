"""Crunch: accounting for small companies in the United Kingdom. Clients and suppliers come in, clients go out, invoices are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from integrations.engine.errors import SkipRecord
from integrations.engine.provider import (
    Capability,
    FieldSpec,
    FieldType,
    Manifest,
    Missing,
    OAuth2,
    Provider,
    Resource,
    ResourceKind,
    gettext_noop,
)
from integrations.engine.types import Account, Fields, Invoice, Page, Party, RawRecord, Reason, Ref, Remote
from integrations.kit.context import ProviderContext
from integrations.kit.paging import every_page
from integrations.kit.values import identity, text
from integrations.providers.crunch import mapping, rules
from integrations.providers.crunch.client import Client
from integrations.providers.crunch.records import CLIENT, INVOICE, SUPPLIER

MANIFEST = Manifest(
    key="crunch",
    label="Crunch",
    tagline=gettext_noop("Clients, suppliers and invoices of your Crunch books"),
    colour="crunch",
    letter="C",
    auth=OAuth2(env_prefix="CRUNCH", default_scopes="read:all create:all update:all"),
    api_url="https://public-api.crunch.co.uk/v1",
    settings=(
        FieldSpec(
            "suppliers",
            gettext_noop("Suppliers"),
            FieldType.CHOICE,
            default="ignore",
            choices=(
                ("ignore", gettext_noop("Leave them out")),
                ("import", gettext_noop("Bring them in as organisations tagged “Supplier”")),
            ),
        ),
        FieldSpec(
            "team",
            gettext_noop("Default team"),
            FieldType.TEAM,
            help=gettext_noop("Everything that comes from Crunch is given to this team. Without a team everyone in the workspace sees it."),
        ),
        FieldSpec(
            "deleted_here",
            gettext_noop("When a linked contact is deleted here"),
            FieldType.CHOICE,
            default="bring_back",
            choices=(
                ("bring_back", gettext_noop("Bring it back at the next sync")),
                ("keep_away", gettext_noop("Keep it away")),
            ),
            help=gettext_noop("Nothing is ever deleted in Crunch."),
        ),
        FieldSpec(
            "conflict",
            gettext_noop("When both sides changed the same field"),
            FieldType.CHOICE,
            default="crm",
            choices=(
                ("crm", gettext_noop("The value here wins")),
                ("remote", gettext_noop("The value in Crunch wins")),
                ("ask", gettext_noop("Ask me")),
            ),
        ),
        FieldSpec(
            "preview_first",
            gettext_noop("Show me first what will happen"),
            FieldType.BOOLEAN,
            default=False,
            help=gettext_noop("The first sync waits until somebody has looked at its preview."),
        ),
    ),
    resources=(
        Resource("clients", gettext_noop("Clients"), ResourceKind.CONTACTS, CLIENT),
        Resource("suppliers", gettext_noop("Suppliers"), ResourceKind.CONTACTS, SUPPLIER, when=("suppliers", "import"), read_only=True),
        Resource("invoices", gettext_noop("Invoices"), ResourceKind.INVOICES, INVOICE),
    ),
    fields=mapping.FIELDS,
    capabilities=frozenset({Capability.PULL_CONTACTS, Capability.PUSH_CONTACTS, Capability.EXPORT, Capability.PULL_INVOICES}),
    cadence=timedelta(hours=2),
    export_kind=CLIENT,
    docs="https://developer.crunch.co.uk/api-documentation",
)


class Crunch:
    """One connection to one company's books."""

    manifest = MANIFEST

    def __init__(self, context: ProviderContext) -> None:
        self._client = Client(context.http, context.env)
        self._token = context.token
        self._country = "name" if context.env.get("CRUNCH_COUNTRY", "").strip().lower() == "name" else "code"

    def check(self) -> Account:
        self._client.probe()
        return account(self._token) or account(self._client.account(), also=("id", "name")) or Account()

    def page(self, resource: str, cursor: Mapping[str, Any] | None) -> Page:
        return self._client.page(resource, cursor)

    def page_unless(self, resource: str, cursor: Mapping[str, Any] | None, *, digest: str) -> Page | None:
        return self._client.page_unless(resource, cursor, digest=digest)

    def remote(self, raw: RawRecord) -> Remote:
        return mapping.remote_supplier(raw) if raw.ref.kind == SUPPLIER else mapping.remote_client(raw)

    def invoice(self, raw: RawRecord) -> Invoice:
        return mapping.invoice(raw)

    def get(self, ref: Ref) -> RawRecord:
        return self._client.get(ref)

    def missing(self, party: Party) -> Sequence[Missing]:
        return rules.missing(self.payload(party))

    def payload(self, party: Party) -> Mapping[str, Any]:
        return mapping.payload(party, country=self._country)

    def create(self, party: Party, *, key: str) -> RawRecord:
        """`key` stays here: Crunch documents no idempotency keys."""
        lacking = self.missing(party)
        if lacking:
            words = {one.field: one.label for one in lacking}
            raise SkipRecord(Reason("missing_fields", {"fields": ", ".join(words.values())}), fields=words)
        return self._client.create(self.payload(party))

    def update(self, current: RawRecord, changes: Fields, party: Party) -> RawRecord:
        if current.ref.kind != CLIENT:
            raise SkipRecord(Reason("refused", {"message": gettext_noop("Suppliers are only read.")}))
        return self._client.update(current.ref, mapping.changed_body(current, changes, country=self._country))

    def find(self, party: Party) -> Sequence[RawRecord]:
        name = str(party.fields.get("name") or "")
        pages = every_page(lambda cursor: self._client.page("clients", cursor))
        return [record for page in pages for record in page.records if rules.same_name(text(record.body.get("name")), name)]


def account(told: Mapping[str, Any], *, also: tuple[str, ...] = ()) -> Account | None:
    """The company in a token reply or account answer, under the names that such answers use; None when it is not there."""
    ids, names = ("company_id", "companyId", "account_id", "accountId"), ("company_name", "companyName", "account_name", "accountName")
    id = next(filter(None, (identity(told.get(key)) for key in (*ids, *also[:1]))), "")
    name = next(filter(None, (text(told.get(key)) for key in (*names, *also[1:]))), "")
    return Account(id, name) if id else None


def connect(context: ProviderContext) -> Provider:
    return Crunch(context)
