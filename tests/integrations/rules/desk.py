"""A workspace and a helpdesk side by side: the outgoing rules with a real vendor behind HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from pytest_django import Settings

from contacts.domain.store import create_contacts
from contacts.models import Contact
from integrations.domain.connect import connect_with_secrets, enable
from integrations.kit.sandbox import Running
from integrations.models import Connection
from integrations.providers.movidesk.sandbox import FIRST_TOKEN, Movidesk
from tests.fixtures import Cast
from tests.integrations.sync.world import World
from tests.sandboxes import Sandbox

COMPANY, PERSON = 2, 1


class Desk(World):
    """The helpdesk starts empty; `firm` and `human` put records into it."""

    def connect(self, *, run: bool = True, **answers: Any) -> Connection:  # type: ignore[override]  # another vendor, other answers
        with self.open():
            self.connection = enable(self.workspace, "movidesk", settings={"requests_per_minute": 600, **answers}, user=self.user)
        self.forget_pace()
        connect_with_secrets(self.connection, secrets={"token": FIRST_TOKEN}, user=self.user)
        if run:
            self.settle()
        self.refreshed()
        self.forget_log()
        return self.connection

    def forget_pace(self) -> None:
        """What Redis remembers of a connection of the same number."""
        super().forget_pace()
        prefix = f"{settings.REDIS_PREFIX}budget:{self.connection.pk}:"
        redis.Redis.from_url(settings.REDIS_URL).delete(*(f"{prefix}{name}" for name in ("made", "closed", "failed")))

    def person(self, name: str, *, organisation: Contact | None = None, **fields: Any) -> Contact:
        row = {"kind": "person", "name": name, "organisation_id": organisation.pk if organisation else None, **fields}
        with self.open():
            return create_contacts(self.workspace, [row], origin=self.origin)[0]

    def persons(self) -> dict[str, dict[str, Any]]:
        return {one["id"]: one for one in self.sandbox.state()["persons"] if one["profileType"] == 2}

    def there(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.persons().values() if one["businessName"] == name]

    def firm(self, id: str, name: str, **body: Any) -> None:
        self._add(id, businessName=name, personType=COMPANY, **body)

    def human(self, id: str, name: str, *, firm: str, **body: Any) -> None:
        self._add(id, businessName=name, personType=PERSON, relationships=[{"id": firm}], **body)

    def change(self, id: str, **body: Any) -> None:
        """Somebody edits a record over there."""
        self.sandbox.control(put_persons=[{"id": id, **body}])

    def calls(self) -> list[dict[str, Any]]:
        return self.requests(path="/persons")

    def _add(self, id: str, **body: Any) -> None:
        self.sandbox.control(add_persons=[{"id": id, "isActive": True, "profileType": 2, **body}])


def running(cast: Cast, deployment: Settings, **switches: Any) -> Iterator[Desk]:
    vendor = Movidesk(clients=0)
    vendor.desk.persons.clear()  # its agents, too
    vendor.switches |= {"per_minute": 0, "failure_blocks": "off", **switches}
    with Running({"movidesk": vendor}) as server:
        sandbox = Sandbox("movidesk", vendor, server.url)
        deployment.ENVIRON = {**os.environ, **sandbox.env, "MOVIDESK_PAGE_SIZE": "100"}
        yield Desk(workspace=cast.workspace, user=cast.alice, sandbox=sandbox)


@pytest.fixture
def desk(cast: Cast, settings: Settings) -> Iterator[Desk]:
    yield from running(cast, settings)
