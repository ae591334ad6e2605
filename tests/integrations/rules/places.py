"""A workspace beside a helpdesk, beside books, and beside a CRM that people move out of."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from django.utils import timezone
from pytest_django import Settings

from integrations.domain.connect import connect_with_secrets, enable
from integrations.kit.sandbox import Running
from integrations.kit.vendor import Vendor
from integrations.models import Connection, Hint
from integrations.providers.economic.sandbox import Economic
from integrations.providers.movidesk.sandbox import FIRST_TOKEN as DESK_TOKEN
from integrations.providers.movidesk.sandbox import Movidesk
from integrations.providers.movidesk.sandbox_desk import as_text, now
from integrations.providers.nectar.sandbox import FIRST_TOKEN as NECTAR_TOKEN
from integrations.providers.nectar.sandbox import Nectar
from tests.caches import forget_cached
from tests.fixtures import Cast
from tests.integrations.sync.world import World
from tests.sandboxes import Sandbox


class Place(World):
    """A `World` of one of these vendors."""

    key: ClassVar[str]
    answers: ClassVar[Mapping[str, Any]] = {}

    def secrets(self) -> dict[str, Any]:
        raise AssertionError("each place has its own")

    def connect(self, *, run: bool = True, **answers: Any) -> Connection:  # type: ignore[override]
        with self.open():
            self.connection = enable(self.workspace, self.key, settings={**self.answers, **answers}, user=self.user)
        forget_cached()
        connect_with_secrets(self.connection, secrets=self.secrets(), user=self.user)
        self.refreshed()
        if run:
            self.settle()
        return self.connection

    def control(self, **commands: Any) -> dict[str, Any]:
        return self.sandbox.control(**commands)

    def hint(self, kind: str, id: str | int, *, was: str | int = "") -> None:
        values = {"was_id": str(was), "at": timezone.now()}
        with self.open():
            known = {"workspace": self.workspace, "connection": self.connection, "remote_kind": kind, "remote_id": str(id)}
            Hint.objects.update_or_create(**known, defaults=values)


class DeskPlace(Place):
    key = "movidesk"
    answers = {"name": "Desk", "tenant": "acme", "requests_per_minute": 600}

    def secrets(self) -> dict[str, Any]:
        return {"token": DESK_TOKEN}

    def company(self, id: str, name: str, **more: Any) -> None:
        self.control(add_persons=[{"id": id, "personType": 2, "businessName": name, **stamped(), **more}])

    def person(self, id: str, name: str, *homes: str, **more: Any) -> None:
        homes_there = [{"id": home} for home in homes]
        self.control(add_persons=[{"id": id, "personType": 1, "businessName": name, "relationships": homes_there, **stamped(), **more}])

    def change(self, id: str, **more: Any) -> None:
        self.control(put_persons=[{"id": id, **stamped(), **more}])


class BooksPlace(Place):
    key = "economic"
    answers = {"preview_first": False, "conflict": "crm"}

    def secrets(self) -> dict[str, Any]:
        return {"grant_token": self.sandbox.token()["grant_token"]}

    def customer(self, number: int, name: str, **more: Any) -> None:
        self.control(add_customers=[{"customerNumber": number, "name": name, **more}])

    def employee(self, customer: int, name: str, **more: Any) -> int:
        return int(self.control(add_contacts=[{"customerNumber": customer, "name": name, **more}])["contacts"][0])


class NectarPlace(Place):
    key = "nectar"

    def secrets(self) -> dict[str, Any]:
        return {"token": NECTAR_TOKEN}


def stamped() -> dict[str, str]:
    """Their time of change: now."""
    moment = as_text(now())
    return {"createdDate": moment, "changedDate": moment}


@contextmanager
def desk(cast: Cast, settings: Settings) -> Iterator[DeskPlace]:
    vendor = Movidesk(clients=0)
    vendor.switches |= {"per_minute": 0, "failure_blocks": "off"}
    with _running("movidesk", vendor) as sandbox:
        settings.ENVIRON = {**os.environ, "MOVIDESK_API_URL": sandbox.api}
        sandbox.control(delete_persons=["1", "2", "3"])  # its agents
        yield DeskPlace(workspace=cast.workspace, user=cast.alice, sandbox=sandbox)


@contextmanager
def books(cast: Cast, settings: Settings) -> Iterator[BooksPlace]:
    vendor = Economic(clients=0)
    with _running("economic", vendor) as sandbox:
        settings.ENVIRON = {**os.environ, **books_environment(sandbox)}
        yield BooksPlace(workspace=cast.workspace, user=cast.alice, sandbox=sandbox)


def books_environment(sandbox: Sandbox) -> dict[str, str]:
    return {
        "ECONOMIC_REST_URL": sandbox.api,
        "ECONOMIC_OPENAPI_URL": sandbox.service("openapi"),
        "ECONOMIC_APP_SECRET_TOKEN": "sandbox",
        "ECONOMIC_APP_PUBLIC_TOKEN": "sandbox-public",
    }


@contextmanager
def old_crm(cast: Cast, settings: Settings) -> Iterator[NectarPlace]:
    with _running("nectar", Nectar(clients=12)) as sandbox:
        settings.ENVIRON = {**os.environ, "NECTAR_API_URL": sandbox.api}
        yield NectarPlace(workspace=cast.workspace, user=cast.alice, sandbox=sandbox)


@contextmanager
def _running(key: str, vendor: Vendor) -> Iterator[Sandbox]:
    with Running({key: vendor}) as server:
        yield Sandbox(key, vendor, server.url)
