"""e-conomic: accounting for Danish companies. Customers and their people flow both ways, invoices and quotes are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.engine.capabilities import Choice, Total
from integrations.engine.errors import BadSettings, Conflict, Denied, Gone, SkipRecord
from integrations.engine.hooks import HookAddress, Subscription
from integrations.engine.provider import Missing, Provider, gettext_noop
from integrations.engine.types import Account, Fields, Invoice, Kind, Local, Page, Party, RawRecord, Reason, Ref, Remote
from integrations.kit.context import ProviderContext
from integrations.kit.fingerprint import fingerprint
from integrations.kit.grant import must_be_configured
from integrations.kit.values import identity, table, text
from integrations.providers.economic import choices, compare, hooks, invoices, mapping, rules
from integrations.providers.economic.client import Client
from integrations.providers.economic.faults import understood
from integrations.providers.economic.manifest import MANIFEST
from integrations.providers.economic.openapi import OpenApi
from integrations.providers.economic.records import CONTACT, CUSTOMER, is_deleted, last_updated, parent_of

__all__ = ["MANIFEST", "Economic", "connect"]

OVERLAP = timedelta(minutes=5)
_APP = "https://secure.e-conomic.com/"


class Economic:
    """One connection to one agreement."""

    manifest = MANIFEST

    def __init__(self, context: ProviderContext) -> None:
        self._client = Client(context.http, context.env)
        self._openapi = OpenApi(context.services["openapi"])
        self._settings = context.settings
        self._env = context.env
        self._page_of = context.env.get("ECONOMIC_CUSTOMER_URL", "").strip() or _APP

    def check(self) -> Account:
        """Whose agreement the token opens."""
        if MANIFEST.grant:
            must_be_configured(MANIFEST.grant, self._env)
        told = self._client.agreement()
        company = table(told.get("company"))
        return Account(identity(told.get("agreementNumber")), text(company.get("name")) or text(told.get("userName")))

    # Reading

    def page(self, resource: str, cursor: Mapping[str, Any] | None) -> Page:
        if resource == "customers":
            return self._client.customers(cursor)
        if resource == "contacts":
            return self._openapi.contacts(cursor)
        return self._client.quotes(cursor) if resource == "quotes" else self._client.invoices(resource, cursor)

    def changes(self, since: str, cursor: Mapping[str, Any] | None) -> Page:
        """Customers, then their people, changed since then by e-conomic's clock, five minutes more to be sure."""
        moment = _before(since)
        if cursor is None or cursor.get("list") == "customers":
            page = self._client.customers(cursor if cursor and "after" in cursor else None, since=moment)
            following = {**page.next, "list": "customers"} if page.next else {"list": "contacts", "first": page.number + 1}
            return _numbered(page, page.number, following)
        first = int(cursor["first"])
        try:
            page = self._openapi.contacts(cursor if "cursor" in cursor else None, since=moment)
        except Denied:
            # The grant does not reach that far; reading the whole collection says so.
            return Page([], None, first)
        return _numbered(page, first + page.number, {**page.next, "list": "contacts", "first": first} if page.next else None)

    def get(self, ref: Ref) -> RawRecord:
        return self._openapi.contact(ref) if ref.kind == CONTACT else self._client.get(ref)

    def children(self, ref: Ref) -> Sequence[RawRecord]:
        """The people of a customer; deleted ones are left out."""
        return [record for record in self._client.contacts_of(ref) if not is_deleted(record)] if ref.kind == CUSTOMER else []

    def remote(self, raw: RawRecord) -> Remote:
        if raw.ref.kind == CONTACT:
            if is_deleted(raw):
                raise SkipRecord(Reason("inactive_there", {"name": text(raw.body.get("name"))}))
            return mapping.remote_contact(raw, url=self._url(parent_of(raw)))
        return mapping.remote_customer(raw, url=self._url(raw.ref))

    def invoice(self, raw: RawRecord) -> Invoice:
        return invoices.invoice(raw)

    def totals(self, ref: Ref) -> tuple[str, Sequence[Total]]:
        return invoices.totals(self._client, ref)

    def is_another(self, raw: RawRecord, known: Fields) -> bool:
        return raw.ref.kind == CUSTOMER and rules.is_another(known, mapping.remote_customer(raw).party.fields)

    def _url(self, customer: Ref | None) -> str:
        return self._page_of.replace("{number}", customer.id if customer else "")

    # Who flows

    def why_not_in(self, raw: RawRecord, *, parents: Mapping[Ref, Reason | None]) -> Reason | None:
        return Reason("inactive_there", {"name": text(raw.body.get("name"))}) if is_deleted(raw) else None

    def why_not_out(self, local: Local, *, organisation: Local | None) -> Reason | None:
        return rules.why_not_out(str(self._settings.get("create_when") or "manual"), local, organisation=organisation)

    def parents_of(self, raw: RawRecord) -> Collection[Ref]:
        parent = parent_of(raw) if raw.ref.kind == CONTACT else None
        return [parent] if parent else []

    # Writing

    def missing(self, party: Party) -> Sequence[Missing]:
        return rules.missing(party)

    def payload(self, party: Party) -> Mapping[str, Any]:
        customer = _customer_of(party)
        return mapping.new_contact(party, customer) if customer else mapping.new_customer(party, rules.defaults(self._settings))

    def create(self, party: Party, *, key: str) -> RawRecord:
        """A person of an organisation that is a customer becomes its contact, all else a customer."""
        name = str(party.fields.get("name") or "")
        lacking = self.missing(party)
        if lacking:
            words = {one.field: one.label for one in lacking}
            raise SkipRecord(Reason("missing_fields", {"fields": ", ".join(words.values())}), fields=words)
        body = self.payload(party)
        unique = fingerprint([key, body])
        if _customer_of(party):
            try:
                return understood(lambda: self._openapi.create_contact(body, key=unique), name=name)
            except Gone as error:
                raise SkipRecord(Reason("parent_not_there", {"name": name}), detail=error.detail) from None
        unanswered = rules.unanswered(self._settings)
        if unanswered:
            labels = ", ".join(label for _, label in unanswered)
            raise BadSettings(Reason("setting_missing", {"setting": labels}), field=unanswered[0][0])
        return understood(lambda: self._client.create(body, key=unique), name=name, settings_are_ours=True)

    def update(self, current: RawRecord, changes: Fields, party: Party) -> RawRecord:
        """Replace the record by itself with our changes in it. Raises Conflict when it is not the one that was read any more."""
        name = str(party.fields.get("name") or "")
        if current.ref.kind == CONTACT:
            fresh = self._unchanged(current)
            body = mapping.changed_contact(fresh, changes)
            return understood(lambda: self._openapi.replace_contact(current.ref, body, key=_key(fresh, body)), name=name)
        if current.ref.kind != CUSTOMER:
            raise SkipRecord(Reason("refused", {"message": gettext_noop("Invoices and quotes are only read.")}))
        return self._replace(current, lambda fresh: mapping.changed_customer(fresh, changes), name=name)

    def find(self, party: Party) -> Sequence[RawRecord]:
        name = str(party.fields.get("name") or "")
        customer = _customer_of(party)
        if not customer and not name.strip():
            return []
        found = self.children(customer) if customer else self._client.find_by_name(name.strip())
        return [record for record in found if rules.same_name(text(record.body.get("name")), name)]

    def compared(self, raw: RawRecord) -> Mapping[str, str]:
        return compare.compared(raw)

    def put_compared(self, current: RawRecord, values: Mapping[str, str]) -> RawRecord:
        return self._replace(current, lambda fresh: compare.body_with(fresh, values), name=text(current.body.get("name")))

    def _replace(self, current: RawRecord, change: Any, *, name: str) -> RawRecord:
        fresh = self._unchanged(current)
        body = change(fresh)
        return understood(lambda: self._client.replace(current.ref, body, key=_key(fresh, body)), name=name)

    def _unchanged(self, current: RawRecord) -> RawRecord:
        """The record as it is now: a PUT replaces all of it and would make one anew that was deleted. Raises Conflict, Gone."""
        fresh = self.get(current.ref)
        if fresh.version != current.version:
            raise Conflict(Reason("changed_there"), detail=f"{current.ref.kind} {current.ref.id} is not as it was read")
        return fresh

    # Settings

    def choices(self, setting: str) -> Sequence[Choice]:
        return choices.choices(self._client, setting)

    def suggested(self) -> Mapping[str, str]:
        return choices.suggested(self._client, self._openapi)

    # Webhooks

    def hook_addresses(self, root: str) -> Sequence[HookAddress]:
        return hooks.addresses(root)

    def subscriptions(self) -> Sequence[Subscription]:
        return [hooks.subscription(body) for body in self._openapi.webhooks() if text(body.get("eventType")) in hooks.EVENTS]

    def subscribe(self, root: str) -> Sequence[Subscription]:
        """One webhook per event and agreement: ours is made, or led here when it leads elsewhere."""
        hooks.must_be_reachable(root)
        known = {text(body.get("eventType")): body for body in self._openapi.webhooks()}
        for event, merge_fields in self._openapi.event_types().items():
            if event not in hooks.EVENTS:
                continue
            if event not in known:
                body = hooks.new_webhook(event, root, merge_fields)
                self._openapi.make_webhook(body, key=fingerprint([body]))
            elif hooks.subscription(known[event], root).broken:
                self._change_hook(known[event], root, disabled=False)
        return [hooks.subscription(body, root) for body in self._openapi.webhooks() if text(body.get("eventType")) in hooks.EVENTS]

    def unsubscribe(self) -> None:
        for body in self._openapi.webhooks():
            if text(body.get("eventType")) in hooks.EVENTS and body.get("isDisabled") is not True:
                self._change_hook(body, "", disabled=True)

    def _change_hook(self, body: Mapping[str, Any], root: str, *, disabled: bool) -> None:
        after = hooks.mended(body, root, disabled=disabled)
        try:
            self._openapi.change_webhook(after, key=fingerprint([after]))
        except Gone:
            return


def _customer_of(party: Party) -> Ref | None:
    return party.parent if party.kind is Kind.PERSON and party.parent and party.parent.kind == CUSTOMER else None


def _key(fresh: RawRecord, body: Mapping[str, Any]) -> str:
    """Names one attempt: the same change of the same version. What was changed back in the meantime has another time of change."""
    state = identity(fresh.body.get("objectVersion")) or last_updated(fresh)
    return fingerprint([fresh.ref.kind, fresh.ref.id, fresh.version, state, body])


def _before(since: str) -> str:
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        return ""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware.astimezone(UTC) - OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")


def _numbered(page: Page, number: int, following: Mapping[str, Any] | None) -> Page:
    return Page(page.records, following, number, total=None, bad=page.bad, watermark=page.watermark, clock=page.clock, gone=page.gone)


def connect(context: ProviderContext) -> Provider:
    return Economic(context)
