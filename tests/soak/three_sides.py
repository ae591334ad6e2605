"""Simulated time between a CRM, a helpdesk and a ledger that people keep changing, over lines on which every twentieth request fails."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import time_machine
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact
from integrations.domain.access import open_access
from integrations.domain.attend import attend
from integrations.domain.parties import local_of
from integrations.domain.runs import confirm
from integrations.domain.wake import claim_due
from integrations.engine.merge import same
from integrations.engine.types import Ref
from integrations.models import Connection, Link, Outbox, Run
from tests.integrations.rules.places import BooksPlace, DeskPlace, Place

STEP = timedelta(minutes=5)
EVERY = 20  # one request in so many fails
FAULTS = ("500", "503", "429", "reset", "html", "cut", "empty_body", "slow")
ORGANISATIONS = ("organisation", "customer")  # what both vendors call theirs
SHARED = ("name", "email", "phone")


@dataclass
class ThreeSides:
    """Every field of a contact has one side that edits it, so that the last edit is what all must say in the end.

    E-mail is edited here, the phone where the contact comes from, the website in the books, the notes at the helpdesk.
    """

    desk: DeskPlace
    books: BooksPlace
    chance: random.Random
    expected: dict[tuple[int, str], str] = field(default_factory=dict)
    made: Counter[str] = field(default_factory=Counter)
    number: int = 100

    def run(self, hours: float) -> list[str]:
        """Live so long, go quiet, and say what does not hold after it all."""
        with time_machine.travel(timezone.now()) as clock:
            for _ in range(int(hours * 60 / (STEP.total_seconds() / 60))):
                self._live()
                self._break()
                self._work()
                clock.shift(STEP)
            for place in self.places:
                place.repair()
            for _ in range(8):
                clock.shift(timedelta(hours=5))
                self._work()
            for _ in range(3):
                for place in self.places:
                    place.sync()
                clock.shift(STEP)
                self._work()
            clock.shift(timedelta(hours=1))
            return [*self._lost_edits(), *self._differing(), *self._doubled(), *self._unfinished()]

    @property
    def places(self) -> tuple[Place, Place]:
        return self.desk, self.books

    # -- people ----------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        actions = (
            (self._new_at_the_desk, 0.08),
            (self._new_in_the_books, 0.08),
            (self._new_here, 0.08),
            (self._becomes_a_client, 0.15),
            (self._edit_here, 0.3),
            (self._edit_phone, 0.3),
            (self._edit_in_the_books, 0.2),
            (self._edit_at_the_desk, 0.2),
        )
        for action, weight in actions:
            if self.chance.random() < weight:
                action()
        if self.chance.random() < 0.1:
            self.chance.choice(self.places).sync_soon()

    def _new_at_the_desk(self) -> None:
        number = self._next("new at the desk")
        self.desk.company(f"firm{number}", f"Desk firm {number}", codeReferenceAdditional=f"D{number}")

    def _new_in_the_books(self) -> None:
        """The books give the number: one of ours could be that of a customer whom the synchroniser has just made."""
        self.books.control(add_customers=[{"name": f"Books customer {self._next('new in the books')}"}])

    def _new_here(self) -> None:
        number = self._next("new here")
        self.desk.add(f"Own client {number}", life_cycle="client", emails=[{"label": "", "email": f"first{number}@us.example"}])

    def _becomes_a_client(self) -> None:
        found = self.desk.contacts(life_cycle__in=["suspect", ""])
        if found:
            self.made["clients"] += 1
            self.desk.edit(self.chance.choice(found), life_cycle="client")

    def _edit_here(self) -> None:
        found = self.desk.contacts(life_cycle="client")
        if found:
            contact, value = self.chance.choice(found), f"here{self._next('edits here')}@us.example"
            self.desk.edit(contact, emails=[{"label": "", "email": value}])
            self.expected[contact.pk, "email"] = value

    def _edit_phone(self) -> None:
        """Where the contact comes from."""
        link = self._any(self.desk if self.chance.random() < 0.5 else self.books)
        if link is None:
            return
        value = f"+45 70 {self._next('edits there'):06d}"
        if link.connection_id == self.desk.connection.pk and link.remote_name.startswith("Desk"):
            self.desk.change(link.remote_id, contacts=[{"contactType": "Telefone", "contact": value, "isDefault": True}])
        elif link.connection_id == self.books.connection.pk and link.remote_name.startswith("Books"):
            self.books.control(put_customers=[{"customerNumber": int(link.remote_id), "telephoneAndFaxNumber": value}])
        else:
            return
        self.expected[int(link.contact_id or 0), "phone"] = value

    def _edit_in_the_books(self) -> None:
        link = self._any(self.books)
        if link is not None:
            value = f"https://site{self._next('edits in the books')}.example"
            self.books.control(put_customers=[{"customerNumber": int(link.remote_id), "website": value}])
            self.expected[int(link.contact_id or 0), "website"] = value
            if self.chance.random() < 0.5:
                self.books.hint("customer", link.remote_id)

    def _edit_at_the_desk(self) -> None:
        link = self._any(self.desk)
        if link is not None and link.remote_name.startswith("Desk"):
            value = f"Noted {self._next('edits at the desk')}"
            self.desk.change(link.remote_id, observations=value)
            self.expected[int(link.contact_id or 0), "notes"] = value

    def _any(self, place: Place) -> Link | None:
        found = place.links(state="LINKED", contact__isnull=False)
        return self.chance.choice(found) if found else None

    def _next(self, what: str) -> int:
        self.made[what] += 1
        self.number += 1
        return self.number

    # -- the lines and the workers ---------------------------------------------------------------------------------

    def _break(self) -> None:
        for place in self.places:
            if not [fault for fault in place.sandbox.vendor.faults if fault.times]:
                self.made["faults"] += 1
                place.fail(self.chance.choice(FAULTS), path="/", times=1, skip=self.chance.randrange(2 * EVERY), seconds=0.02)

    def _work(self) -> None:
        mine = {place.connection.pk for place in self.places}
        for workspace_id, connection_id in claim_due():
            if connection_id in mine:
                workspace = Workspace.objects.get(pk=workspace_id)
                while attend(workspace, connection_id):
                    pass
        for place in self.places:
            run = place.last_run()
            if run.status == "DECIDING":
                with place.open():
                    confirm(run, user=place.user)

    # -- the ledger ------------------------------------------------------------------------------------------------

    def _lost_edits(self) -> list[str]:
        found = []
        with self.desk.open():
            contacts = Contact.objects.in_bulk([pk for pk, _name in self.expected])
        for (pk, name), value in self.expected.items():
            here = local_of(contacts[pk]).fields.get(name)
            if not same(name, here, value):
                found.append(f"{contacts[pk].name}: {name} is {here!r} here, and {value!r} was written last")
        return found

    def _differing(self) -> list[str]:
        """Linked pairs that do not say the same."""
        found = []
        for place in self.places:
            connection: Connection = place.refreshed()
            provider = open_access(connection).provider
            for link in place.links(state="LINKED", contact__isnull=False, contact__deleted_at=None):
                with place.open():
                    here = local_of(Contact.objects.get(pk=link.contact_id)).fields
                there = provider.remote(provider.get(Ref(link.remote_kind, link.remote_id))).party.fields
                # A suspect is not sent to the helpdesk.
                names = SHARED if here["life_cycle"] == "client" or place is self.books else ("name", "phone")
                found += [
                    f"{place.key} {link.remote_id} {name}: {here.get(name)!r} here, {there.get(name)!r} there"
                    for name in names
                    if not same(name, here.get(name), there.get(name))
                ]
        return found

    def _doubled(self) -> list[str]:
        names = Counter(contact.name for contact in self.desk.contacts())
        there = Counter(str(one["businessName"]) for one in self.desk.sandbox.state()["persons"])
        return [f"{name!r} is there {count} times" for side in (names, there) for name, count in side.items() if count > 1]

    def _unfinished(self) -> list[str]:
        found = []
        with self.desk.open():
            found += [f"still to be sent: {row.contact_id} {row.state} {row.reason} {row.detail}" for row in Outbox.objects.all()]
            found += [f"run {run.pk} is {run.status} {run.reason}" for run in Run.objects.exclude(status="DONE")]
            found += [f"{link} is {link.state} {link.reason}" for link in Link.objects.exclude(state="LINKED")]
            clients = Contact.objects.filter(life_cycle="client", kind="organisation", deleted_at=None)
            for place in self.places:
                linked = Link.objects.filter(connection=place.connection, state="LINKED").values("contact")
                found += [f"{contact.name} never came to {place.key}" for contact in clients.exclude(pk__in=linked)]
        return found
