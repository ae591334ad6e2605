"""Save what a person chose on the compare page: the provider first, then the contact, then what both have agreed on.

Both sides are written only as they were shown. Where the contact was edited meanwhile, that field stays and the outbox settles the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.domain import audit
from accounts.models import Membership
from accounts.scoping import Origin, workspace_tx
from contacts.domain.edit import checked
from contacts.domain.faults import Invalid
from contacts.domain.store import update_contacts
from contacts.models import Contact
from crmsync.lib.text import clip
from integrations import registry
from integrations.domain.access import Access
from integrations.domain.asking import readable, remember_calls
from integrations.domain.comparing import Comparison, Row, is_mobile, ours_of, read_record
from integrations.domain.exchanges import store_exchanges
from integrations.domain.outbox import enqueue
from integrations.domain.parties import ADDRESS, MOBILE, local_of
from integrations.domain.settling import OPEN
from integrations.engine.compare import TRUE, Compares, same
from integrations.engine.errors import Conflict, ProviderError, Retry, SkipRecord
from integrations.engine.matching import name_key
from integrations.engine.provider import Provider
from integrations.engine.types import RawRecord
from integrations.enums import LinkState, OutboxState
from integrations.models import Connection, Link, Outbox, Staged

Side = Literal["ours", "theirs"]
ACTION = "contact.compared"


class ChangedMeanwhile(Exception):
    """Nothing was written: one side is not as it was shown. `side` says which."""

    def __init__(self, side: Literal["here", "there"]) -> None:
        super().__init__(side)
        self.side = side


class BadChoice(Exception):
    """Nothing was written: row key -> why its value cannot be."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {text}" for key, text in errors.items()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The rows whose value goes there, and those whose value comes here."""

    give: Mapping[str, str]
    take: Mapping[str, str]

    @property
    def nothing(self) -> bool:
        return not self.give and not self.take


@dataclass(frozen=True, slots=True)
class Saved:
    """Row keys by what became of them. `left` could not be written here since somebody edited the contact meanwhile."""

    given: Sequence[str] = ()
    taken: Sequence[str] = ()
    left: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Case:
    """One contact and its record, with who is at work on them."""

    connection: Connection
    contact: Contact
    link: Link
    membership: Membership
    origin: Origin


def wanted(shown: Comparison, choices: Mapping[str, str]) -> Wanted:
    """Sort the choices; those about rows that are the same are no choices. Raises BadChoice."""
    rows = {row.key: row for row in shown.rows}
    errors = {key: _("There is no such field.") for key in choices if key not in rows}
    chosen: dict[Side, dict[str, str]] = {"ours": {}, "theirs": {}}
    for key, side in choices.items():
        row = rows.get(key)
        if row is None or not row.differs or not side:
            continue
        if side not in chosen or (side == "ours" and not row.can_give):
            errors[key] = _("This value cannot go there.")
        else:
            chosen["ours" if side == "ours" else "theirs"][key] = (row.ours or "") if side == "ours" else row.theirs
    if errors:
        raise BadChoice(errors)
    return Wanted(chosen["ours"], chosen["theirs"])


def save(case: Case, shown: Comparison, choices: Mapping[str, str], access: Access) -> Saved:
    """Outside a transaction. Raises ChangedMeanwhile, BadChoice, CannotCompare and ProviderError: then nothing was written here."""
    chosen = wanted(shown, choices)
    if chosen.nothing:
        return Saved()
    with workspace_tx(case.connection.workspace, origin=case.origin):
        contact = Contact.objects.get(pk=case.contact.pk)
        contact.workspace = case.connection.workspace
        if contact.deleted_at is not None or ours_of(case.connection, contact) != shown.ours:
            raise ChangedMeanwhile("here")
        _clean(case, contact, shown, chosen.take)
    record = _write_there(case, shown, chosen, access)
    with workspace_tx(case.connection.workspace, origin=case.origin):
        saved = _write_here(case, shown, chosen, access, record)
        store_exchanges(case.connection, access.recorder.take())
    return saved


def _write_there(case: Case, shown: Comparison, chosen: Wanted, access: Access) -> RawRecord:
    provider = access.provider
    if not chosen.give or not isinstance(provider, Compares):
        record = read_record(access, case.connection, case.link)
        if record.version != shown.record.version:
            raise ChangedMeanwhile("there")
        return record
    try:
        with readable(case.connection, in_doubt=True):
            return provider.put_compared(shown.record, chosen.give)
    except Conflict:
        raise ChangedMeanwhile("there") from None
    except SkipRecord as error:
        known = {row.key for row in shown.rows}
        if error.fields and error.fields.keys() <= known:
            raise BadChoice(error.fields) from error
        raise
    except Retry as error:
        return _looked_again(provider, shown, chosen.give, error)
    finally:
        remember_calls(access, case.connection)


def _looked_again(provider: Provider, shown: Comparison, give: Mapping[str, str], error: Retry) -> RawRecord:
    """The answer did not come: the record itself tells whether it was written. Raises the fault when it was not, or cannot be asked."""
    try:
        fresh = provider.get(shown.record.ref)
    except ProviderError:
        in_doubt = error.in_doubt or error.reason.code != "rate_limited"
        raise Retry(error.reason, detail=error.detail, after=error.after, in_doubt=in_doubt) from error
    if fresh.version == shown.record.version:
        raise error
    theirs = provider.compared(fresh) if isinstance(provider, Compares) else {}
    kinds = {row.key: row.field.kind for row in shown.rows}
    if all(same(kinds[key], theirs.get(key, ""), value) for key, value in give.items()):
        return fresh
    raise ChangedMeanwhile("there")


def _write_here(case: Case, shown: Comparison, chosen: Wanted, access: Access, record: RawRecord) -> Saved:
    """Under a lock: what nobody touched since it was shown is written, and both sides' values become the agreement."""
    connection = case.connection
    contact = Contact.objects.select_for_update(of=("self",)).get(pk=case.contact.pk)
    contact.workspace = connection.workspace
    today = ours_of(connection, contact) if contact.deleted_at is None else {}
    take = {key: value for key, value in chosen.take.items() if today.get(key) == shown.ours.get(key)}
    was_waiting = _rows(case).filter(state=OutboxState.WAITING).exists()
    try:
        row = _clean(case, contact, shown, take)
    except BadChoice:
        take, row = {}, {}
    if row:
        update_contacts(connection.workspace, {contact.pk: row}, origin=case.origin)
        contact.refresh_from_db()
        contact.workspace = connection.workspace
    left = [key for key in chosen.take if key not in take]
    _agree(case, contact, access, record, chosen={*chosen.give, *take}, left=left)
    if left:
        enqueue(connection, [contact.pk], user=case.membership.user)
    elif not was_waiting:
        _rows(case).filter(state=OutboxState.WAITING).delete()  # queued by the write above: both sides are told already
    _remember(case, shown, chosen.give, take)
    return Saved(given=list(chosen.give), taken=list(take), left=left)


def _agree(case: Case, contact: Contact, access: Access, record: RawRecord, *, chosen: set[str], left: Sequence[str]) -> None:
    link = Link.objects.select_for_update(of=("self",)).filter(pk=case.link.pk).first()
    if link is None or link.contact_id != contact.pk or not isinstance(access.provider, Compares):
        return
    stored = access.provider.remote(record)
    ours, theirs = ours_of(case.connection, contact), access.provider.compared(record)
    manifest = registry.manifest(case.connection.provider)
    open_rows = {
        _canonical(row.ours)
        for row in manifest.compare
        if row.key in ours and row.key not in chosen and not same(row.kind, ours[row.key], theirs.get(row.key, ""))
    } | {_canonical(row.ours) for row in manifest.compare if row.key in left}
    compared = {_canonical(row.ours) for row in manifest.compare}
    settled = [each.ours for each in manifest.fields_of(link.remote_kind) if each.ours in compared - open_rows]
    values = local_of(contact).fields
    link.base_ours = {**link.base_ours, **{name: values.get(name, "") for name in settled}}
    link.base_theirs = {**link.base_theirs, **{name: stored.party.fields.get(name, "") for name in settled}}
    link.conflicts = [each for each in link.conflicts if each["field"] not in settled]
    if link.state in OPEN and not any(each["winner"] == "ask" for each in link.conflicts):
        link.state, link.reason, link.detail = LinkState.LINKED, {}, ""
    link.version = record.version if not left and (link.version or not open_rows) else ""
    link.remote_name, link.match_key = str(stored.party.fields.get("name") or "")[:300], clip(name_key(stored), 300)
    link.remote_url, link.tries, link.missed, link.synced_at = stored.url or link.remote_url, 0, 0, timezone.now()
    link.save()
    if not open_rows:
        _rows(case).filter(state=OutboxState.STUCK).delete()
    # A run under way may have read the record before it was written.
    staged = Staged.objects.filter(workspace_id=link.workspace_id, run__connection=case.connection)
    staged.filter(remote_kind=record.ref.kind, remote_id=record.ref.id).update(body=dict(record.body), version=record.version)


def _rows(case: Case) -> Any:
    return Outbox.objects.filter(workspace_id=case.connection.workspace_id, connection=case.connection, contact=case.contact)


def _remember(case: Case, shown: Comparison, give: Mapping[str, str], take: Mapping[str, str]) -> None:
    """The choices, for the history of the contact and the audit log."""
    rows = {row.key: row for row in shown.rows}
    changes = {rows[key].field.label: [rows[key].theirs, value] for key, value in give.items()}
    taken = {rows[key].field.label: [rows[key].ours, value] for key, value in take.items()}
    audit.record(
        case.connection.workspace,
        actor=case.membership.user,
        action=ACTION,
        target=f"contact:{case.contact.pk}",
        data={"provider": case.connection.provider, "contact": case.contact.name, "sent": list(changes), "taken": list(taken)}
        | {"changes": changes | taken},
    )


def _canonical(path: str) -> str:
    name = path.partition(".")[0]
    return {"emails": "email", "mobile": "", "custom": ""}.get(name, name)


def _clean(case: Case, contact: Contact, shown: Comparison, take: Mapping[str, str]) -> dict[str, Any]:
    """The rows as columns of the contact, checked as a form's values are. Raises BadChoice."""
    if not take:
        return {}
    rows = {row.key: row for row in shown.rows}
    data: dict[str, Any] = {}
    for key, value in take.items():
        _put(data, contact, rows[key], value)
    try:
        return checked(case.membership, data, current=contact)
    except Invalid as refused:
        raise BadChoice(_by_row(refused, {key: rows[key] for key in take})) from refused


def _put(data: dict[str, Any], contact: Contact, row: Row, value: str) -> None:
    name, _dot, part = row.field.ours.partition(".")
    if name == "custom":
        data.setdefault("custom_fields", {})[part] = value == TRUE if value in (TRUE, "") and row.field.kind == "boolean" else value
    elif name == "address":
        addresses = data.setdefault("addresses", [dict(each) for each in contact.addresses] or [{"label": ""}])
        addresses[0][part if part in ADDRESS else "line1"] = value
    elif name == "emails":
        known = {each["email"].lower(): each for each in contact.emails}
        data["emails"] = [known.get(email.lower(), {"label": "", "email": email}) for email in value.split()]
    elif name == "mobile":
        data["phones"] = _with_mobile(data.get("phones", contact.phones), value)
    elif name == "phone":
        phones = [dict(each) for each in data.get("phones", contact.phones)] or [{"label": ""}]
        data["phones"] = [{**phones[0], "number": value}, *phones[1:]] if value else phones[1:]
    elif name == "email":
        rest = contact.emails[1:]
        data["emails"] = [{"label": contact.emails[0].get("label", "") if contact.emails else "", "email": value}, *rest] if value else rest
    else:
        data[name] = value


def _with_mobile(phones: Sequence[Mapping[str, str]], value: str) -> list[dict[str, str]]:
    kept = [dict(each) for each in phones]
    at = next((place for place, each in enumerate(kept) if is_mobile(each.get("label", ""))), None)
    if at is None:
        return [*kept, {"label": MOBILE, "number": value}] if value else kept
    if value:
        kept[at]["number"] = value
    else:
        del kept[at]
    return kept


def _by_row(refused: Invalid, rows: Mapping[str, Row]) -> dict[str, str]:
    """A fault stands at the row that it speaks of; one that fits none, at the first."""
    found: dict[str, str] = {}
    for error in refused.errors:
        told = error.field.replace("custom_fields.", "custom.").replace("[", ".").replace("]", "")
        first, last = told.partition(".")[0], told.rpartition(".")[2]
        places = {"emails": {"emails", "email"}, "phones": {"mobile", "phone"}, "addresses": {f"address.{last}"}}.get(first, {told})
        key = next((key for key, row in rows.items() if row.field.ours in places), next(iter(rows)))
        found[key] = error.message
    return found
