"""Invoices, quotes and their sums, as the sandbox's REST surface shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from integrations.kit.vendor import Refusal, Reply, Request, as_json

if TYPE_CHECKING:
    from integrations.providers.economic.sandbox import Economic
    from integrations.providers.economic.sandbox_store import Books

_FILTERS = frozenset({"date", "currency", "exchangeRate", "customer.customerNumber"})
_NUMBER = {"booked": "bookedInvoiceNumber", "drafts": "draftInvoiceNumber"}
_QUOTES = ("drafts", "sent", "archived")
Row = dict[str, Any]


def mount(economic: Economic) -> None:
    invoices = Invoices(economic)
    for pattern, handler in (
        ("/rest/invoices/(?:drafts|booked|paid|unpaid|overdue|not-due|sent)", invoices.listing),
        ("/rest/invoices/(?:drafts|booked)/{id}", invoices.single),
        ("/rest/customers/{customer}/invoices/(?:drafts|booked)", invoices.of_customer),
        ("/rest/quotes/(?:drafts|sent|archived)", invoices.quotes),
        ("/rest/quotes/(?:drafts|sent|archived)/{id}", invoices.quote),
        ("/rest/invoices/totals", invoices.totals),
        ("/rest/invoices/totals/(?:booked|drafts)/customers/{customer}", invoices.totals_of_customer),
    ):
        economic.route("GET", pattern, handler)


class Invoices:
    def __init__(self, economic: Economic) -> None:
        self.economic = economic

    def listing(self, request: Request) -> Reply:
        books = self.economic.books_of(request)
        return self._list(request, self._rows(books, request.path.strip("/").split("/")[2]))

    def of_customer(self, request: Request, customer: int) -> Reply:
        books = self.economic.books_of(request)
        rows = self._rows(books, request.path.strip("/").split("/")[4])
        return self._list(request, [row for row in rows if row["customer.customerNumber"] == customer])

    def single(self, request: Request, id: int) -> Reply:
        books = self.economic.books_of(request)
        row = next((row for row in self._rows(books, request.path.strip("/").split("/")[2]) if row["number"] == id), None)
        return as_json({**_body(_there(row), request.base), "lines": [{"lineNumber": 1, "description": "Ydelser", "quantity": 1.0}]})

    def quotes(self, request: Request) -> Reply:
        books = self.economic.books_of(request)
        return self._list(request, self._quotes(books, request.path.strip("/").split("/")[2]))

    def quote(self, request: Request, id: int) -> Reply:
        books = self.economic.books_of(request)
        row = next((row for row in self._quotes(books, request.path.strip("/").split("/")[2]) if row["number"] == id), None)
        return as_json(_body(_there(row), request.base))

    def totals(self, request: Request) -> Reply:
        books = self.economic.books_of(request)
        here = f"{request.base}/rest/invoices/totals"
        return as_json({"drafts": _sum(books.drafts.values(), here), "booked": self._booked(books.invoices.values(), here), "self": here})

    def totals_of_customer(self, request: Request, customer: int) -> Reply:
        books = self.economic.books_of(request)
        here = f"{request.base}{request.path}"
        if "/drafts/" in request.path:
            return as_json(_sum([row for row in books.drafts.values() if row["customer"] == customer], here))
        return as_json(self._booked([row for row in books.invoices.values() if row["customer"] == customer], here))

    def _booked(self, rows: Iterable[Row], here: str) -> Row:
        rows = list(rows)
        today = self.economic.today().isoformat()
        unpaid = [row for row in rows if row["remainder"]]
        late = [row for row in unpaid if row["dueDate"] < today]
        due = [row for row in unpaid if row["dueDate"] >= today]
        parts = {"overdue": _sum(late, here), "notOverdue": _sum(due, here)}
        paid = _sum([row for row in rows if not row["remainder"]], here)
        return _sum(rows, here) | {"paid": paid, "unpaid": _sum(unpaid, here) | parts}

    def _rows(self, books: Books, name: str) -> list[Row]:
        table, number = (books.drafts, _NUMBER["drafts"]) if name == "drafts" else (books.invoices, _NUMBER["booked"])
        today = self.economic.today().isoformat()
        return [_shown(id, row, number) for id, row in table.items() if _is_in(name, row, today)]

    def _quotes(self, books: Books, name: str) -> list[Row]:
        return [_shown(id, row, "quoteNumber") for id, row in books.quotes.items() if row["list"] == name]

    def _list(self, request: Request, rows: list[Row]) -> Reply:
        return self.economic.list_rows(request, rows, _FILTERS | {row["kind"] for row in rows[:1]}, lambda row: _body(row, request.base))


def _is_in(name: str, row: Row, today: str) -> bool:
    """Whether an invoice is in one of the collections: all of them are told by what is left to pay and the day it is due."""
    if name == "paid":
        return not row["remainder"]
    late = row["dueDate"] < today
    return name not in {"unpaid", "overdue", "not-due"} or bool(row["remainder"] and (name == "unpaid" or late == (name == "overdue")))


def _shown(id: int, row: Row, number: str) -> Row:
    return {**row, "number": id, "kind": number, number: id, "customer.customerNumber": row["customer"]}


def _there(row: Row | None) -> Row:
    if row is None:
        raise Refusal(404, "Not found.", errorCode="E06000")
    return row


def _body(row: Row, base: str) -> Row:
    names = ("date", "dueDate", "currency", "exchangeRate", "netAmount", "vatAmount", "grossAmount", "netAmountInBaseCurrency")
    body: Row = {row["kind"]: row["number"], **{name: row.get(name) for name in names}}
    if row["kind"] == "bookedInvoiceNumber":
        body |= {"remainder": row.get("remainder"), "remainderInBaseCurrency": row.get("remainderInBaseCurrency")}
    return body | {
        "customer": {"customerNumber": row["customer"], "self": f"{base}/rest/customers/{row['customer']}"},
        "recipient": {"name": row.get("name")},
        "paymentTerms": {"paymentTermsNumber": row.get("paymentTerms")},
        "self": f"{base}/rest/invoices/{row['number']}",
    }


def _sum(rows: Iterable[Row], here: str) -> Row:
    rows = list(rows)
    return {
        "netAmountInBaseCurrency": round(sum(row["netAmountInBaseCurrency"] for row in rows), 2),
        "grossRemainderInBaseCurrency": round(sum(row["remainderInBaseCurrency"] for row in rows), 2),
        "invoiceCount": len(rows),
        "description": "Totals",
        "self": here,
    }
