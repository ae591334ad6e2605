from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.scoping import WorkspaceModel
from integrations.enums import ConnectionStatus


def _hook_key() -> str:
    return secrets.token_urlsafe(16)


class Connection(WorkspaceModel):
    """One workspace tied to one account at a provider. Off rows stay: they hold the links for the day the same account comes back."""

    provider = models.CharField(max_length=30)
    title = models.CharField(_("name"), max_length=80, blank=True)  # what people call it; empty = the provider's own name
    status = models.CharField(max_length=10, choices=ConnectionStatus.choices, default=ConnectionStatus.SETUP)
    settings = models.JSONField(_("settings"), default=dict)
    field_choices = models.JSONField(default=dict)  # canonical field -> {"flow", "mode"} where it differs from the manifest
    secrets = models.TextField(blank=True)  # encrypted JSON, see integrations.domain.vault
    account_id = models.CharField(max_length=100, blank=True)
    account_name = models.CharField(max_length=200, blank=True)
    hook_key = models.CharField(max_length=40, default=_hook_key)
    denied = models.JSONField(default=dict)  # ability -> reason {code, params}: calls the vendor refuses us
    notice = models.JSONField(default=dict)  # reason for RECONNECT or a standing remark
    token_expires_at = models.DateTimeField(null=True)
    can_refresh = models.BooleanField(default=True)
    connected_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    connected_at = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    next_due_at = models.DateTimeField(null=True)
    last_attempt_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    last_full_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)  # failed runs in a row
    alerted_at = models.DateTimeField(null=True)
    history = models.JSONField(default=dict)  # readings so far, see engine.incremental.History
    asked_out = models.CharField(max_length=64, blank=True)  # digest of the settings under which everybody was asked to go out
    restores_links = models.BooleanField(default=False)  # enabled again: the first sync proves whether it is the same account
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "provider"], condition=~Q(status="OFF"), name="connection_live_once")
        ]

    def __str__(self) -> str:
        return f"{self.provider} of {self.workspace_id}"

    @property
    def is_live(self) -> bool:
        return self.status in {ConnectionStatus.ACTIVE, ConnectionStatus.PAUSED, ConnectionStatus.RECONNECT}


class OAuthAttempt(WorkspaceModel):
    """A consent under way: the state is bound to the person and the browser session, works once, and expires."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    state_digest = models.CharField(max_length=64)
    session_digest = models.CharField(max_length=64)
    verifier = models.TextField()  # encrypted
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "state_digest"], name="oauth_state")
        ]

    def __str__(self) -> str:
        return f"consent for {self.connection_id}"


class Wake(models.Model):
    """When a connection wants to be looked at next. It tells nothing of a workspace, so the beat may read it across all of them."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, primary_key=True, related_name="+")
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"wake {self.connection_id} at {self.at}"


class HookDoor(models.Model):
    """Where a vendor's call belongs. It knows no workspace yet when it comes in, so this is read across all, by the key's digest."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, primary_key=True, related_name="+")
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    key_digest = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return f"door of {self.connection_id}"


class Hint(WorkspaceModel):
    """The inbox: a record that a vendor's webhook asks us to read again. Calls about one record coalesce; no value of a call is kept."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="hints", db_index=False)
    remote_kind = models.CharField(max_length=30)
    remote_id = models.CharField(max_length=100)
    was_id = models.CharField(max_length=100, blank=True)  # the id it had before, when the vendor says so
    at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "connection", "remote_kind", "remote_id"], name="hint_once")
        ]

    def __str__(self) -> str:
        return f"{self.remote_kind} {self.remote_id}"
