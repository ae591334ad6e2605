"""Keys that a person enters: what stands beside their fields, and what is shown of them afterwards."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from accounts.middleware import WorkspaceRequest
from accounts.scoping import workspace_tx
from crmsync.lib.crypto import SecretError, last4
from integrations import registry
from integrations.domain.matches import waits_for_start
from integrations.domain.settings import name_of
from integrations.domain.vault import read_secrets
from integrations.engine.errors import BadSettings, ProviderError, Reconnect
from integrations.engine.provider import Manifest
from integrations.engine.types import Reason
from integrations.models import Connection
from integrations.tasks import ring_after_commit
from integrations.views.pages import back_to
from integrations.views.words import hint, manifest_text, sentence


def mark_refused(form: forms.Form, error: ProviderError, manifest: Manifest) -> None:
    """Put what the vendor said beside the field that it speaks of."""
    reason = error.reason
    field = error.field if isinstance(error, BadSettings) else ""
    if isinstance(error, Reconnect) and reason.code == "unauthorised":
        reason, field = Reason("secret_refused"), next(iter(form.fields), "")
    words = sentence({"code": reason.code, "params": dict(reason.params)}, vendor=manifest.label)
    help = hint({"code": reason.code, "params": dict(reason.params)}, vendor=manifest.label)
    form.add_error(field if field in form.fields else None, f"{words} {help}".strip())


def secret_hints(manifest: Manifest) -> dict[str, str]:
    """On a sandbox: the key to try it with."""
    if not settings.SANDBOX:
        return {}
    found = {spec.key: settings.ENVIRON.get(f"{manifest.key.upper()}_SANDBOX_{spec.key.upper()}", "") for spec in manifest.secrets}
    return {key: _("Sandbox: enter %(key)s") % {"key": value} for key, value in found.items() if value}


def begun(request: WorkspaceRequest, connection: Connection) -> HttpResponse:
    """On to the first sync, or to matching, which comes before it where there is something to match."""
    ring_after_commit(connection)
    with workspace_tx(request.workspace):
        is_matching = waits_for_start(connection)
    if is_matching:
        words = _("Connected to %(name)s. Match its records before the first sync starts.") % {"name": name_of(connection)}
        messages.success(request, words)
        return back_to("integrations:matches", connection)
    messages.success(request, connected_words(connection))
    return back_to("integrations:detail", connection)


def connected_words(connection: Connection) -> str:
    """What to tell somebody who has just connected."""
    manifest, name = registry.manifest(connection.provider), name_of(connection)
    if manifest.one_time:
        return _("Connected to %(name)s. Everything is read now. Nothing is written before you have seen it.") % {"name": name}
    return _("Connected to %(name)s. The first sync has started.") % {"name": name}


def shown_secrets(connection: Connection) -> list[tuple[str, str]]:
    """Labels of the keys that are kept, and their last characters."""
    specs = registry.manifest(connection.provider).secrets
    try:
        kept = read_secrets(connection)
    except SecretError:
        kept = {}
    return [(manifest_text(spec.label), last4(str(kept[spec.key]))) for spec in specs if kept.get(spec.key)]
