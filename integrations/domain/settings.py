"""Settings of a connection, checked against the provider's FieldSpecs: the form, the API and the command line come through here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import AuditEvent, Team, User, Workspace
from integrations import registry
from integrations.domain.wake import wake_at
from integrations.engine.provider import FieldSpec, FieldType, Manifest
from integrations.models import Connection

TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off", ""})


class InvalidSettings(Exception):
    """`errors` maps field key -> sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {text}" for key, text in errors.items()))
        self.errors = dict(errors)


def clean_settings(manifest: Manifest, data: Mapping[str, Any], workspace: Workspace, *, partial: bool = False) -> dict[str, Any]:
    """Give every setting its value or default. Raises InvalidSettings naming each wrong or unknown field."""
    specs = {spec.key: spec for spec in manifest.settings}
    errors = {key: _("There is no such setting.") for key in data if key not in specs}
    cleaned: dict[str, Any] = {}
    for key, spec in specs.items():
        if partial and key not in data:
            continue
        try:
            cleaned[key] = _clean(spec, data.get(key, spec.default), workspace)
        except ValueError as error:
            errors[key] = str(error)
    if errors:
        raise InvalidSettings(errors)
    return cleaned


def save_settings(connection: Connection, data: Mapping[str, Any], *, user: User | None) -> None:
    """Check and store; what changed stands in the audit log. The next sync starts at once, since it may now decide differently."""
    manifest = registry.manifest(connection.provider)
    cleaned = connection.settings | clean_settings(manifest, data, connection.workspace, partial=True)
    changed = {key: [connection.settings.get(key), value] for key, value in cleaned.items() if connection.settings.get(key) != value}
    if not changed:
        return
    connection.settings = cleaned
    connection.save(update_fields=["settings"])
    if connection.is_live:
        wake_at(connection)
    audit(connection, "connection.settings", user=user, data={"changed": changed})


def audit(connection: Connection, action: str, *, user: User | None, data: Mapping[str, Any] | None = None) -> None:
    AuditEvent.objects.create(
        workspace_id=connection.workspace_id,
        actor=user,
        action=action,
        target=f"connection:{connection.pk}",
        data={"provider": connection.provider, **(data or {})},
    )


def team_id_of(connection: Connection) -> int | None:
    """The team that everything from this connection is given to."""
    slug = connection.settings.get("team")
    return Team.objects.filter(workspace_id=connection.workspace_id, slug=slug).values_list("pk", flat=True).first() if slug else None


def _clean(spec: FieldSpec, value: Any, workspace: Workspace) -> Any:
    if spec.required and value in (None, ""):
        raise ValueError(_("This is needed."))
    if spec.type is FieldType.CHOICE:
        return _choice(spec, value)
    if spec.type is FieldType.BOOLEAN:
        return _boolean(value)
    if spec.type is FieldType.TEAM:
        return _team(value, workspace)
    if spec.type is FieldType.INTEGER:
        return _integer(value)
    text = str(value or "").strip()
    if len(text) > 300:
        raise ValueError(_("At most 300 characters."))
    return text


def _choice(spec: FieldSpec, value: Any) -> str:
    known = [key for key, _label in spec.choices]
    if value not in known:
        raise ValueError(_("Choose one of: %(choices)s.") % {"choices": ", ".join(known)})
    return str(value)


def _boolean(value: Any) -> bool:
    text = str(value if value is not None else "").strip().lower()
    if text not in TRUE | FALSE | {"none"}:
        raise ValueError(_("Answer true or false."))
    return text in TRUE


def _integer(value: Any) -> int | None:
    if value in (None, ""):
        return None
    try:
        return int(str(value))
    except ValueError:
        raise ValueError(_("Enter a whole number.")) from None


def _team(value: Any, workspace: Workspace) -> str:
    slug = str(value or "").strip()
    if slug and not Team.objects.filter(workspace=workspace, slug=slug).exists():
        raise ValueError(_("There is no team “%(team)s” in this workspace.") % {"team": slug})
    return slug
