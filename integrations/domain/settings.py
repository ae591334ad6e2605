"""Settings of a connection, checked against the provider's FieldSpecs: the form, the API and the command line come through here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import AuditEvent, Team, User, Workspace
from integrations import registry
from integrations.domain.answers import clean_answer, is_asked
from integrations.domain.wake import wake_at
from integrations.engine.provider import FieldType, Manifest
from integrations.models import Connection

NAME = "name"  # the setting that is the name of the integration, where a provider asks for one


class InvalidSettings(Exception):
    """`errors` maps field key -> sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {text}" if key else text for key, text in errors.items()))
        self.errors = dict(errors)


def clean_settings(
    manifest: Manifest, data: Mapping[str, Any], workspace: Workspace, *, known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Give every setting its value. What is not told stays as `known`, else it is the default. Raises InvalidSettings."""
    specs = {spec.key: spec for spec in manifest.settings}
    errors = {key: _("There is no such setting.") for key in data if key not in specs}
    cleaned: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for key, spec in specs.items():
        held = (known or {}).get(key, spec.default)
        if key not in data and known is not None and key in known:
            cleaned[key] = held
            continue
        try:
            cleaned[key] = clean_answer(spec, data.get(key, held), workspace)
        except ValueError as error:
            cleaned[key], refused[key] = held, str(error)
    # What is hidden in the form cannot be wrong there: it stays as it was.
    errors |= {key: text for key, text in refused.items() if is_asked(specs[key], cleaned)}
    errors |= {key: text for key, text in _directions(manifest, cleaned).items() if key not in errors}
    if errors:
        raise InvalidSettings(errors)
    return cleaned


def _directions(manifest: Manifest, cleaned: Mapping[str, Any]) -> dict[str, str]:
    """One way at least: an integration that neither reads nor sends is none."""
    ways = manifest.directions
    if ways is None or cleaned.get(ways.pull) or cleaned.get(ways.push):
        return {}
    return dict.fromkeys((ways.pull, ways.push), _("Mark at least one direction."))


def save_settings(connection: Connection, data: Mapping[str, Any], *, user: User | None) -> bool:
    """Check and store; what changed stands in the audit log. The next sync starts at once, since it may now decide differently.

    True when something was changed.
    """
    manifest = registry.manifest(connection.provider)
    row = Connection.objects.select_for_update(no_key=True, of=("self",)).get(pk=connection.pk)
    connection.settings, connection.status = row.settings, row.status  # somebody may have saved others since it was read
    cleaned = connection.settings | clean_settings(manifest, data, connection.workspace, known=connection.settings)
    changed = {key: [connection.settings.get(key), value] for key, value in cleaned.items() if connection.settings.get(key) != value}
    if not changed:
        return False
    connection.settings = cleaned
    connection.title = title_from(manifest, cleaned)
    connection.save(update_fields=["settings", "title"])
    if connection.is_live:
        wake_at(connection)
    audit(connection, "connection.settings", user=user, data={"changed": changed})
    return True


def title_from(manifest: Manifest, answers: Mapping[str, Any]) -> str:
    """What people call the integration; "" where nobody is asked, or it is called as the vendor is."""
    asked = any(spec.key == NAME and spec.type is FieldType.TEXT for spec in manifest.settings)
    given = str(answers.get(NAME) or "")[:80] if asked else ""
    return "" if given == manifest.label else given


def name_of(connection: Connection) -> str:
    """The integration's name for people."""
    return connection.title or registry.manifest(connection.provider).label


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
