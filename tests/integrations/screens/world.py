"""A workspace beside a sandbox vendor, for the screens that show both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.domain import shared
from accounts.models import User, Workspace
from accounts.scoping import Origin, workspace_tx
from contacts.domain.store import create_contacts, update_contacts
from contacts.models import Contact
from integrations.domain.attend import attend
from integrations.domain.connect import connect_with_secrets, enable
from integrations.enums import LinkState
from integrations.models import Connection, Link, Run
from integrations.providers.movidesk.sandbox import FIRST_TOKEN
from tests.fixtures import Cast
from tests.sandboxes import Sandbox

LATER = timedelta(hours=1)
ANSWERS: dict[str, dict[str, Any]] = {"movidesk": {"tenant": "acme", "requests_per_minute": 600}, "economic": {"preview_first": False}}


class World:
    def __init__(self, cast: Cast, sandbox: Sandbox) -> None:
        self.workspace: Workspace = cast.workspace
        self.user: User = cast.alice
        self.sandbox = sandbox
        self.connection = Connection()

    @contextmanager
    def open(self) -> Iterator[None]:
        with workspace_tx(self.workspace, origin=self.origin):
            yield

    @property
    def origin(self) -> Origin:
        return Origin(kind="web", actor_id=self.user.pk, label=str(self.user))

    @property
    def secrets(self) -> dict[str, str]:
        if self.sandbox.key == "movidesk":
            return {"token": FIRST_TOKEN}
        return {"grant_token": str(self.sandbox.token()["grant_token"])}

    def enable(self, **answers: Any) -> Connection:
        with self.open():
            self.connection = enable(self.workspace, self.sandbox.key, settings=ANSWERS[self.sandbox.key] | answers, user=self.user)
        self.connection.workspace = self.workspace
        self.forget_pace()
        return self.connection

    def forget_pace(self) -> None:
        """A database made anew gives the same numbers again."""
        names = (f"budget:{self.connection.pk}:{name}" for name in ("made", "closed", "failed"))
        shared.client().delete(f"pace:{self.connection.pk}", *map(shared.key, names))

    def connect(self, *, match_first: bool = False, run: bool = True, **answers: Any) -> Connection:
        self.enable(**answers)
        connect_with_secrets(self.connection, secrets=self.secrets, user=self.user, match_first=match_first)
        if run:
            self.settle()
        return self.refreshed()

    def connect_quietly(self, **answers: Any) -> Connection:
        """Connected, and as if a first sync had gone by without anything in it."""
        self.connect(run=False, **answers)
        with self.open():
            Run.objects.all().delete()
            Connection.objects.filter(pk=self.connection.pk).update(last_success_at=timezone.now(), next_due_at=timezone.now() + LATER)
        return self.refreshed()

    def settle(self, *, slices: int = 50) -> Run:
        for _ in range(slices):
            if not attend(self.workspace, self.connection.pk):
                break
        with self.open():
            return Run.objects.filter(connection=self.connection).latest("pk")

    def refreshed(self) -> Connection:
        with self.open():
            self.connection = Connection.objects.select_related("workspace").get(pk=self.connection.pk)
        self.connection.workspace = self.workspace
        return self.connection

    def add(self, name: str, *, kind: str = "organisation", **fields: Any) -> Contact:
        with self.open():
            return create_contacts(self.workspace, [{"kind": kind, "name": name, **fields}], origin=self.origin)[0]

    def edit(self, contact: Contact, **fields: Any) -> None:
        with self.open():
            update_contacts(self.workspace, {contact.pk: fields}, origin=self.origin)

    def again(self, contact: Contact) -> Contact:
        with self.open():
            return Contact.objects.get(pk=contact.pk)

    def tie(self, contact: Contact, kind: str, remote_id: str, **fields: Any) -> Link:
        with self.open():
            return Link.objects.create(
                workspace=self.workspace,
                connection=self.connection,
                contact=contact,
                remote_kind=kind,
                remote_id=remote_id,
                remote_name=contact.name,
                **{"state": LinkState.LINKED, **fields},
            )

    def links(self, **lookups: Any) -> list[Link]:
        with self.open():
            return list(Link.objects.filter(connection=self.connection, **lookups).order_by("pk"))

    def address(self, path: str = "") -> str:
        return f"/w/{self.workspace.slug}/integrations/{self.connection.pk}/{path}"
