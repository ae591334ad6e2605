"""Simulated time between two sides that people keep changing, over a line on which every twentieth request fails."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact
from integrations.domain.attend import attend
from integrations.domain.leases import LEASE
from integrations.domain.runs import confirm
from integrations.domain.wake import claim_due
from tests.integrations.sync.crashes import Crash, crash_at
from tests.integrations.sync.ledger import missing, violations
from tests.integrations.sync.world import World, address, full_contact

STEP = timedelta(minutes=5)
EVERY = 20  # one request in so many fails
FAULTS = ("500", "503", "429", "reset", "lost", "html", "cut", "empty_body", "duplicate_ids", "repeat_page", "401", "slow", "redirect")


@dataclass
class Days:
    """Every field of a client has one side that edits it, so that the last edit is what both must say in the end."""

    world: World
    chance: random.Random
    expected: dict[tuple[int, str], Any] = field(default_factory=dict)
    exported: list[Contact] = field(default_factory=list)
    crashes: int = 0
    faults: int = 0
    edits: int = 0
    number: int = 0

    def run(self, hours: float) -> None:
        with time_machine.travel(timezone.now()) as clock:
            for _ in range(int(hours * 60 / (STEP.total_seconds() / 60))):
                self._live()
                self._break()
                self._work()
                clock.shift(STEP)
            self.world.repair()
            for _ in range(6):
                clock.shift(timedelta(hours=5))
                self._work(dies=False)
            for _ in range(3):
                self.world.sync()
                clock.shift(LEASE)

    def wrong(self) -> list[str]:
        """What does not hold after it all."""
        there = self.world.clients()
        expected = {key: value for key, value in self.expected.items() if key[0] in there}
        return [*violations(self.world, exported=self.exported), *missing(self.world, expected)]

    def _live(self) -> None:
        for action, weight in ((self._edit_here, 0.4), (self._edit_there, 0.4), (self._new_there, 0.1), (self._export, 0.1)):
            if self.chance.random() < weight:
                action()
        if self.chance.random() < 0.03:
            self._delete_here()
        if self.chance.random() < 0.03:
            self._drop_there()
        if self.chance.random() < 0.2:
            self.world.sync_soon()

    def _edit_here(self) -> None:
        link = self.chance.choice(self.world.links(remote_kind="client", state="LINKED", contact__deleted_at=None))
        name = "email" if int(link.remote_id) % 2 else "name"
        value = f"here{self._next()}@us.example" if name == "email" else f"Named here {self._next()}"
        with self.world.open():
            contact = link.contact
        assert contact is not None
        self.world.edit(contact, **({"emails": [{"label": "", "email": value}]} if name == "email" else {"name": value}))
        self.expected[int(link.remote_id), name] = value

    def _edit_there(self) -> None:
        client = self.chance.choice(list(self.world.clients()))
        name = "name" if client % 2 else "email"
        value = f"there{self._next()}@them.example" if name == "email" else f"Named there {self._next()}"
        self.world.put(client, **{name: value})
        self.expected[client, name] = value

    def _new_there(self) -> None:
        name = f"New there {self._next()}"
        self.expected[self.world.new(name=name, billingAddress=address()), "name"] = name

    def _export(self) -> None:
        contact = self.world.add(f"Exported {self._next()}", **full_contact())
        self.world.export(contact)
        self.exported.append(contact)

    def _delete_here(self) -> None:
        contact = self.chance.choice(self.world.contacts(links__isnull=False))
        if contact.pk not in {each.pk for each in self.exported}:
            self.world.delete(contact)

    def _drop_there(self) -> None:
        mine = {each.pk for each in self.exported}
        exported = {int(link.remote_id) for link in self.world.links() if link.contact_id in mine}
        client, body = self.chance.choice(list(self.world.clients().items()))
        if client not in exported and not str(body["name"]).startswith("Exported"):
            self.world.drop(client)
            for key in [key for key in self.expected if key[0] == client]:
                del self.expected[key]

    def _break(self) -> None:
        """One fault that waits for its request; a twentieth of them is hit."""
        kind = self.chance.choice(FAULTS)
        path = "/v1/clients" if kind != "401" else "/v1/"
        waiting = [fault for fault in self.world.sandbox.vendor.faults if fault.times]
        if not waiting:
            self.faults += 1
            self.world.fail(kind, path=path, times=1, skip=self.chance.randrange(2 * EVERY), seconds=0.02)

    def _work(self, *, dies: bool = True) -> None:
        """What beat and worker do; now and then the worker dies in the middle of it."""
        with self._mortal(dies and self.chance.random() < 0.1):
            for workspace_id, connection_id in claim_due():
                if connection_id == self.world.connection.pk:
                    workspace = Workspace.objects.get(pk=workspace_id)
                    while attend(workspace, connection_id):
                        pass
        run = self.world.last_run()
        if run.status == "DECIDING":
            with self.world.open():
                confirm(run, user=self.world.user)

    @contextmanager
    def _mortal(self, dies: bool) -> Iterator[None]:
        if not dies:
            yield
            return
        with pytest.MonkeyPatch.context() as patch:
            crash_at(patch, self.chance.randrange(1, 12), after_commit=self.chance.random() < 0.5)
            try:
                with transaction.atomic() if not transaction.get_connection().in_atomic_block else _nothing():
                    yield
            except Crash:
                self.crashes += 1

    def _next(self) -> int:
        self.edits += 1
        self.number += 1
        return self.number


@contextmanager
def _nothing() -> Iterator[None]:
    yield
