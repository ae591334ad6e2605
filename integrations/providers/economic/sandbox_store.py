"""The tables of one sandbox agreement, and what happens when they change: times of change, versions, events for webhooks."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from integrations.kit.vendor import Refusal
from integrations.providers.economic import sandbox_data
from integrations.providers.economic.sandbox_data import Table

TABLES = ("customers", "contacts", "invoices", "drafts", "quotes")
Event = dict[str, str]  # event, and the values of its merge fields


@dataclass(slots=True)
class Books:
    """Rows hold references as plain numbers and "" for what is empty. `events` are taken by whoever sends webhooks."""

    number: int
    company: str
    customers: Table = field(default_factory=dict)
    contacts: Table = field(default_factory=dict)
    invoices: Table = field(default_factory=dict)
    drafts: Table = field(default_factory=dict)
    quotes: Table = field(default_factory=dict)
    webhooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    classic: list[dict[str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    next_contact: int = 10_001
    next_invoice: int = 20_001
    sums: dict[int, float] = field(default_factory=dict)  # balance by customer, emptied when invoices change
    order: list[int] = field(default_factory=list)  # customer numbers, sorted; emptied when one comes or goes

    def dump(self) -> dict[str, Any]:
        plain = ("number", "company", "webhooks", "classic", "next_contact", "next_invoice")
        return {name: getattr(self, name) for name in plain} | {name: _listed(getattr(self, name)) for name in TABLES}

    @classmethod
    def load(cls, tables: dict[str, Any]) -> Books:
        rows: dict[str, Any] = {
            name: {row["key"]: {key: value for key, value in row.items() if key != "key"} for row in tables[name]} for name in TABLES
        }
        return cls(**{name: value for name, value in tables.items() if name not in TABLES}, **rows)

    # Customers

    def sorted_numbers(self) -> list[int]:
        if not self.order:
            self.order = sorted(self.customers)
        return self.order

    def behind(self, number: int) -> list[int]:
        """Customer numbers above this one."""
        numbers = self.sorted_numbers()
        return numbers[bisect_right(numbers, number) :]

    def free_number(self) -> int:
        """One above the highest: the number of a deleted last customer is given again."""
        return (self.sorted_numbers() or [0])[-1] + 1

    def put_customer(self, number: int, row: dict[str, Any], *, stamp: str) -> None:
        """Store; `row` may bring another number, then the customer is renumbered with everything that hangs on it."""
        known, new = number in self.customers, int(row["customerNumber"])
        if new != number:
            if new in self.customers:
                raise Refusal(400, f"Customer number {new} is in use.", errorCode="E04300")
            self.customers.pop(number, None)
            for name in ("invoices", "drafts", "quotes"):
                self._move(getattr(self, name), "customer", number, new)
            self._move(self.contacts, "customerNumber", number, new)
        self.customers[new] = {**row, "lastUpdated": stamp}
        if not known or new != number:
            self.order = []
            self.sums = {}
        self.tell("CUSTOMER_UPDATED", OLDNUMBER=str(number) if known else "", NEWNUMBER=str(new))

    def delete_customer(self, number: int, *, force: bool = False) -> None:
        hanging = [name for name in ("invoices", "drafts") if any(row["customer"] == number for row in getattr(self, name).values())]
        if hanging and not force:
            raise Refusal(400, "The customer has invoices and cannot be deleted.", errorCode="E04300")
        self.customers.pop(number, None)
        for name, key in (("invoices", "customer"), ("drafts", "customer"), ("quotes", "customer"), ("contacts", "customerNumber")):
            table = getattr(self, name)
            for id in [id for id, row in table.items() if row[key] == number]:
                del table[id]
        self.order, self.sums = [], {}
        self.tell("CUSTOMER_UPDATED", OLDNUMBER=str(number), NEWNUMBER="")

    def _move(self, table: Table, key: str, old: int, new: int) -> None:
        for row in table.values():
            if row[key] == old:
                row[key] = new

    # Contacts

    def put_contact(self, row: dict[str, Any], *, stamp: str) -> int:
        number = int(row.get("number") or 0)
        if not number:
            number, self.next_contact = self.next_contact, self.next_contact + 1
        before = self.contacts.get(number, {})
        version = int(str(before.get("objectVersion") or "v-0").rpartition("-")[2]) + 1
        places = [
            other.get("userInterfaceNumber") or 0 for other in self.contacts.values() if other["customerNumber"] == row["customerNumber"]
        ]
        place = before.get("userInterfaceNumber") or max(places, default=0) + 1
        kept = {"isDeleted": before.get("isDeleted", False), **row}
        self.contacts[number] = kept | {
            "number": number,
            "userInterfaceNumber": place,
            "objectVersion": f"v{number}-{version}",
            "lastUpdated": stamp,
        }
        return number

    # Invoices

    def bill(self, customer: int, *, net: float, today: date, issued: date, table: str = "invoices") -> int:
        """A new invoice (or draft, or quote) over a net amount."""
        number, self.next_invoice = self.next_invoice, self.next_invoice + 1
        row = sandbox_data.invoice(self.customers[customer], net=net, issued=issued, paid=False)
        getattr(self, table)[number] = row if table != "quotes" else {**row, "list": "sent"}
        self.sums = {}
        if table == "invoices":
            self.tell("INVOICE_BOOKED", INVOICENO=str(number))
        return number

    def book(self, draft: int) -> int:
        """Turn a draft into a booked invoice with a number of its own."""
        row = self.drafts.pop(draft)
        number, self.next_invoice = self.next_invoice, self.next_invoice + 1
        self.invoices[number] = row
        self.sums = {}
        self.tell("INVOICE_BOOKED", INVOICENO=str(number))
        return number

    def pay(self, invoice: int) -> None:
        """No webhook tells of a payment."""
        self.invoices[invoice].update(remainder=0.0, remainderInBaseCurrency=0.0)
        self.sums = {}

    def balance(self, customer: int) -> float:
        if not self.sums:
            for row in self.invoices.values():
                self.sums[row["customer"]] = round(self.sums.get(row["customer"], 0.0) + row["remainder"], 2)
        return self.sums.get(customer, 0.0)

    def tell(self, event: str, **merge: str) -> None:
        self.events.append({"event": event, **merge})


def fill(number: int, company: str, *, customers: int, invoices: int, seed: int, today: date, stamp: Callable[[], str]) -> Books:
    rng = random.Random(seed)
    books = Books(number, company, customers=sandbox_data.customers(customers, rng=rng, stamp=stamp()))
    books.contacts = sandbox_data.contacts(books.customers, rng=rng, stamp=stamp())
    books.invoices = sandbox_data.invoices(invoices, customers=books.customers, rng=rng, today=today)
    for index, customer in enumerate(list(books.customers)[: max(1, customers // 8)]):
        books.bill(customer, net=1250.0 + index, today=today, issued=today, table="drafts")
        books.bill(customer, net=9800.0 + index, today=today, issued=today, table="quotes")
        if index % 3 == 0:
            books.quotes[books.next_invoice - 1]["list"] = "drafts"
    books.events.clear()
    return books


def _listed(table: Table) -> list[dict[str, Any]]:
    return [{**row, "key": key} for key, row in table.items()]
