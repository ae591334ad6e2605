"""The REST surface of the sandbox."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from integrations.kit.vendor import Refusal, Reply, Request, as_json
from integrations.providers.economic import sandbox_check, sandbox_data
from integrations.providers.economic.sandbox_filter import parse_filter, sort_key
from integrations.providers.economic.sandbox_invoices import mount as mount_invoices

if TYPE_CHECKING:
    from integrations.providers.economic.sandbox import Economic
    from integrations.providers.economic.sandbox_store import Books

MAX_SIZE = 1000
FILTERS = frozenset(
    {
        "address", "balance", "barred", "city", "corporateIdentificationNumber", "pNumber", "country", "creditLimit", "currency",
        "customerNumber", "customerGroup.customerGroupNumber", "ean", "email", "lastUpdated", "mobilePhone", "name", "publicEntryNumber",
        "telephoneAndFaxNumber", "vatNumber", "website", "zip",
    }
)  # fmt: skip
SORTS = FILTERS - {"barred", "customerGroup.customerGroupNumber"}
_BEHIND = re.compile(r"customerNumber\$gt:(\d+)")


def mount(economic: Economic) -> None:
    rest = Rest(economic)
    for method, pattern, handler in (
        ("GET", "/rest/self", rest.agreement),
        ("GET", "/rest/customers", rest.customers),
        ("POST", "/rest/customers", rest.create),
        ("GET", "/rest/customers/{id}", rest.customer),
        ("PUT", "/rest/customers/{id}", rest.replace),
        ("DELETE", "/rest/customers/{id}", rest.delete),
        ("GET", "/rest/customers/{id}/contacts", rest.contacts),
        ("GET", "/rest/customers/{id}/contacts/{contact}", rest.contact),
        ("GET", "/rest/(?:customer-groups|payment-terms|vat-zones|currencies|layouts)", rest.choices),
    ):
        economic.route(method, pattern, handler)
    mount_invoices(economic)


class Rest:
    def __init__(self, economic: Economic) -> None:
        self.economic = economic

    def agreement(self, request: Request) -> Reply:
        books = self.economic.books_of(request)
        company = {"name": books.company, "companyIdentificationNumber": "10150817", "vatNumber": "10150817", "country": "Danmark"}
        return as_json(
            {
                "agreementNumber": books.number,
                "userName": "Kirsten",
                "company": company,
                "application": {"appNumber": 4711, "name": "CRM", "appPublicToken": "sandbox", "requiredRoles": [{"name": "Sales"}]},
                "settings": {"baseCurrency": "DKK", "defaultPaymentTerm": 2},
                "modules": [{"moduleNumber": 1, "name": "Sales"}],
                "user": {"language": {"culture": "da-DK"}},
                "self": f"{request.base}/rest/self",
            }
        )

    def customers(self, request: Request) -> Reply:
        books = self.economic.books_of(request)
        words, sort = request.query.get("filter", ""), request.query.get("sort", "customerNumber")
        behind = _BEHIND.fullmatch(words)
        if sort == "customerNumber" and (behind or not words):
            # The usual walk through the book, without looking at every row.
            rows: list[Any] = books.behind(int(behind[1])) if behind else books.sorted_numbers()
            return paged(request, rows, len(books.customers), lambda number: customer_body(books, number, request.base))
        found = [_flat(books, number) for number in books.customers]
        total, found = len(found), chosen(request, found, FILTERS, SORTS)
        return paged(request, found, total, lambda row: customer_body(books, row["customerNumber"], request.base))

    def customer(self, request: Request, id: int) -> Reply:
        books = self.economic.books_of(request)
        return as_json(self._whole(books, _found(books, id), request))

    def create(self, request: Request) -> Reply:
        books = self.economic.books_of(request)
        body = request.json()
        row = self._row(body)
        number = body.get("customerNumber") or books.free_number()
        if number in books.customers:
            raise sandbox_check.refusal([("customerNumber", "E04300", "CustomerNumber is already in use.", number)])
        books.put_customer(number, {**row, "customerNumber": number}, stamp=self.economic.stamp())
        return as_json(self._whole(books, number, request), 201, Location=f"{request.base}/rest/customers/{number}")

    def replace(self, request: Request, id: int) -> Reply:
        """Everything that does not come is cleared; a customer that does not exist is made."""
        books = self.economic.books_of(request)
        body = request.json()
        status = 200 if id in books.customers else 201
        row = self._row(body) | {"customerNumber": body.get("customerNumber") or id}
        if row["customerNumber"] != id and not self.economic.switches["renumbering"]:
            raise sandbox_check.refusal([("customerNumber", "E04300", "Customer numbers cannot be changed.", row["customerNumber"])])
        books.put_customer(id, row, stamp=self.economic.stamp())
        return as_json(self._whole(books, row["customerNumber"], request), status)

    def delete(self, request: Request, id: int) -> Reply:
        books = self.economic.books_of(request)
        books.delete_customer(_found(books, id))
        return Reply(204)

    def contacts(self, request: Request, id: int) -> Reply:
        books = self.economic.books_of(request)
        _found(books, id)
        rows = [row for row in books.contacts.values() if row["customerNumber"] == id]
        return paged(request, rows, len(rows), lambda row: _contact(row, request.base))

    def contact(self, request: Request, id: int, contact: int) -> Reply:
        row = self.economic.books_of(request).contacts.get(contact)
        if row is None or row["customerNumber"] != id:
            raise not_found()
        return as_json(_contact(row, request.base))

    def choices(self, request: Request) -> Reply:
        self.economic.books_of(request)
        name = request.path.strip("/").rpartition("/")[2]
        rows = _CHOICES[name]
        return paged(request, rows, len(rows), lambda row: {**row, "self": f"{request.base}/rest/{name}/{next(iter(row.values()))}"})

    def _row(self, body: Any) -> dict[str, Any]:
        return sandbox_check.customer_row(
            body, ignored=tuple(self.economic.switches["ignored"]), danish=bool(self.economic.switches["danish"])
        )

    def _whole(self, books: Books, number: int, request: Request) -> dict[str, Any]:
        address = f"{request.base}/rest/customers/{number}"
        ways = {"delete": "DELETE", "replace": "PUT", "update": "PATCH"}
        meta = {name: {"description": name, "href": address, "httpMethod": method} for name, method in ways.items()}
        return customer_body(books, number, request.base) | {"metaData": meta}


def not_found() -> Refusal:
    return Refusal(404, "Not found.", errorCode="E06000", developerHint="The resource was not found.")


def _found(books: Books, number: int) -> int:
    if number not in books.customers:
        raise not_found()
    return number


def customer_body(books: Books, number: int, base: str) -> dict[str, Any]:
    """A customer as e-conomic shows it: what is empty is left out."""
    row = books.customers[number]
    root = f"{base}/rest"
    body: dict[str, Any] = {name: row[name] for name in (*sandbox_check.TEXTS, "creditLimit") if row.get(name) not in ("", None)}
    for name, key in sandbox_check.REFERENCES.items():
        if row.get(name):
            body[name] = {key: row[name], "self": f"{root}/{_PLACES.get(name, name)}/{row[name]}"}
    here, balance = f"{root}/customers/{number}", books.balance(number)
    totals = f"{root}/invoices/totals"
    return {
        "customerNumber": number,
        **body,
        **{name: value for name, value in row.items() if name in _ODD},
        "barred": row.get("barred", False),
        "balance": balance,
        "dueAmount": balance,
        "lastUpdated": row["lastUpdated"],
        "contacts": f"{here}/contacts",
        "deliveryLocations": f"{here}/delivery-locations",
        "templates": {"self": f"{here}/templates"},
        "totals": {"drafts": f"{totals}/drafts/customers/{number}", "booked": f"{totals}/booked/customers/{number}"},
        "invoices": {"drafts": f"{here}/invoices/drafts", "booked": f"{here}/invoices/booked"},
        "self": here,
    }


_ODD = frozenset({"eInvoicingDisabledByDefault", "somethingNew"})
_PLACES = {
    "customerGroup": "customer-groups",
    "paymentTerms": "payment-terms",
    "vatZone": "vat-zones",
    "layout": "layouts",
    "salesPerson": "employees",
}


def _flat(books: Books, number: int) -> dict[str, Any]:
    row = books.customers[number]
    return {
        **row,
        "customerNumber": number,
        "customerGroup.customerGroupNumber": row.get("customerGroup"),
        "balance": books.balance(number),
    }


def _contact(row: Mapping[str, Any], base: str) -> dict[str, Any]:
    notices = {"invoices": "receiveInvoices", "orders": "receiveOrders", "quotations": "receiveQuotes", "reminders": "receiveReminders"}
    customer = f"{base}/rest/customers/{row['customerNumber']}"
    return {
        "customerContactNumber": row["number"],
        **{name: row[name] for name in sandbox_check.CONTACT_TEXTS if row.get(name)},
        "emailNotifications": [notice for notice, flag in notices.items() if row.get(flag)],
        "sortKey": row.get("userInterfaceNumber") or 1,
        "deleted": bool(row.get("isDeleted")),
        "customer": {"customerNumber": row["customerNumber"], "self": customer},
        "self": f"{customer}/contacts/{row['number']}",
    }


_CHOICES: dict[str, list[dict[str, Any]]] = {
    "customer-groups": [{"customerGroupNumber": number, "name": name} for number, name in sandbox_data.GROUPS],
    "payment-terms": [
        {"paymentTermsNumber": number, "name": name, "paymentTermsType": kind, "daysOfCredit": days}
        for number, name, kind, days in sandbox_data.TERMS
    ],
    "vat-zones": [
        {"vatZoneNumber": number, "name": name, "enabledForCustomer": customer, "enabledForSupplier": True}
        for number, name, customer in sandbox_data.ZONES
    ],
    "currencies": [{"code": code, "name": name, "isoNumber": code} for code, name in sandbox_data.CURRENCIES],
    "layouts": [{"layoutNumber": number, "name": name, "deleted": False} for number, name in sandbox_data.LAYOUTS],
}


def chosen(request: Request, rows: list[Any], filters: Collection[str], sorts: Collection[str]) -> list[Any]:
    """Rows that fit the filter, in the order asked for."""
    if words := request.query.get("filter", ""):
        test = parse_filter(words, filters)
        rows = [row for row in rows if test(row)]
    if words := request.query.get("sort", ""):
        key, down = sort_key(words, sorts)
        rows = sorted(rows, key=key, reverse=down)
    return rows


def paged(request: Request, rows: list[Any], total: int, body: Callable[[Any], Mapping[str, Any]]) -> Reply:
    """One page in e-conomic's envelope."""
    skip, size = request.query.get("skippages", "0"), request.query.get("pagesize", "20")
    if not size.isdigit() or not 1 <= int(size) <= MAX_SIZE:
        raise Refusal(400, f"pagesize must be a positive whole number between 1 and {MAX_SIZE}.", errorCode="E04810")
    number, length = int(skip) if skip.isdigit() else 0, int(size)
    last = max(0, -(-len(rows) // length) - 1)
    links = {"firstPage": 0, "lastPage": last}
    links |= {"nextPage": number + 1} if number < last else {}
    links |= {"previousPage": number - 1} if number else {}
    pagination = {name: _address(request, page, length) for name, page in links.items()}
    counts = {"skipPages": number, "pageSize": length, "maxPageSizeAllowed": MAX_SIZE, "results": len(rows), "resultsWithoutFilter": total}
    return as_json(
        {
            "collection": [body(row) for row in _slice(rows, number * length, length)],
            "pagination": counts | pagination,
            "metaData": {},
            "self": _address(request, number, length),
        }
    )


def _slice(rows: list[Any], start: int, length: int) -> Iterable[Any]:
    return rows[start : start + length]


def _address(request: Request, page: int, size: int) -> str:
    more = "".join(f"&{name}={request.query[name]}" for name in ("filter", "sort") if request.query.get(name))
    return f"{request.base}{request.path}?skippages={page}&pagesize={size}{more}"
