"""Which fields flow, which way, and who wins: the manifest's map with this connection's own choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.utils.translation import gettext as _

from accounts.models import User
from contacts.models import Contact
from integrations import registry
from integrations.domain.parties import party_of
from integrations.domain.settings import InvalidSettings, audit
from integrations.domain.wake import wake_at
from integrations.engine.provider import Direction, FieldMap, Manifest, Mode, Provider
from integrations.engine.types import Kind, Party, Ref
from integrations.models import Connection, Link

OFF = "off"


def fields_of(connection: Connection, manifest: Manifest, *, kind: str = "") -> tuple[FieldMap, ...]:
    """The map as this connection uses it, for records of a kind; fields that are switched off are not in it."""
    table = manifest.fields_of(kind) if kind else manifest.fields
    chosen = [_chosen(each, connection.field_choices.get(each.ours) or {}) for each in table]
    return tuple(each for each in chosen if each is not None)


def all_fields(manifest: Manifest) -> tuple[FieldMap, ...]:
    """Every canonical field that any kind of record has, each once."""
    tables = [manifest.fields, *(each.fields for each in manifest.resources)]
    return tuple({each.ours: each for table in reversed(tables) for each in table}.values())


def flows_of(each: FieldMap) -> list[str]:
    """What may be chosen for a field. One that the vendor demands stays as the manifest has it."""
    if each.required:
        return [each.direction.value]
    both = [Direction.BOTH.value, Direction.IN.value, Direction.OUT.value]
    return [*(both if each.direction is Direction.BOTH else [each.direction.value]), OFF]


def flow_of(connection: Connection, each: FieldMap) -> str:
    return str((connection.field_choices.get(each.ours) or {}).get("flow") or each.direction.value)


def mode_of(connection: Connection, each: FieldMap) -> str:
    return str((connection.field_choices.get(each.ours) or {}).get("mode") or each.mode.value)


def save_fields(connection: Connection, choices: Mapping[str, Mapping[str, str]], *, user: User | None) -> bool:
    """Store {field: {"flow", "mode"}}; every record is then looked at again. Raises InvalidSettings. False: nothing has changed."""
    manifest = registry.manifest(connection.provider)
    cleaned = _clean(manifest, choices)
    if cleaned == connection.field_choices:
        return False
    audit(connection, "connection.fields", user=user, data={"before": connection.field_choices, "after": cleaned})
    connection.field_choices = cleaned
    connection.save(update_fields=["field_choices"])
    Link.objects.filter(workspace_id=connection.workspace_id, connection=connection).update(version="")
    if connection.is_live:
        wake_at(connection)
    return True


def kind_there(contact: Contact, manifest: Manifest) -> Kind:
    """What a contact becomes there: its own kind where the vendor knows both, else an organisation."""
    return Kind(contact.kind) if manifest.kinds else Kind.ORGANISATION


def party_to_create(contact: Contact, connection: Connection, provider: Provider, *, parent: Ref | None = None) -> Party:
    """The contact as a new record: without the fields that do not go out, unless the vendor takes no record without them."""
    manifest = provider.manifest
    whole = party_of(contact, kind=kind_there(contact, manifest), parent=parent)
    remote_kind = manifest.remote_kind(whole.kind)
    outgoing = {each.ours for each in fields_of(connection, manifest, kind=remote_kind) if each.direction is not Direction.IN}
    silent = {each.ours for each in manifest.fields_of(remote_kind)} - outgoing
    cut = replace(whole, fields={name: value for name, value in whole.fields.items() if name not in silent})
    demanded = {one.field.partition(".")[0] for one in provider.missing(cut)}
    return replace(whole, fields={name: value for name, value in whole.fields.items() if name not in silent - demanded})


def _chosen(each: FieldMap, choice: Mapping[str, str]) -> FieldMap | None:
    flow = choice.get("flow") or each.direction.value
    if flow == OFF:
        return None
    return replace(each, direction=Direction(flow), mode=Mode(choice.get("mode") or each.mode.value))


def _clean(manifest: Manifest, choices: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    known = {each.ours: each for each in manifest.fields}
    errors = {name: _("There is no such field.") for name in choices if name not in known}
    modes = {mode.value for mode in Mode}
    for name, choice in choices.items():
        if name in known and choice.get("flow") and choice["flow"] not in flows_of(known[name]):
            errors[name] = _("This field cannot flow that way.")
        if choice.get("mode") and choice["mode"] not in modes:
            errors[name] = _("There is no such rule.")
    if errors:
        raise InvalidSettings(errors)
    return {name: kept for name, choice in choices.items() if (kept := _differing(known[name], choice))}


def _differing(each: FieldMap, choice: Mapping[str, str]) -> dict[str, str]:
    """Only what differs from the manifest, so that a better manifest reaches everybody who has chosen nothing."""
    own = {"flow": each.direction.value, "mode": each.mode.value}
    return {name: value for name in own if (value := choice.get(name) or own[name]) != own[name]}
