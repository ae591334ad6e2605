"""The sandbox agreement as pages, so that a person can play the other side: look, change, renumber, bill, enter webhooks, break things."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from integrations.kit.vendor import FAULTS, Fault, Refusal, Reply, Request, as_html, see_other
from integrations.providers.economic.sandbox_check import TEXTS
from integrations.providers.economic.sandbox_hooks import EVENT_TYPES

if TYPE_CHECKING:
    from integrations.providers.economic.sandbox import Economic
    from integrations.providers.economic.sandbox_store import Books

_ROWS = 25
_STYLE = """
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;margin:0;background:#eef3f8;color:#12233a}
header{background:#0a5da8;color:#fff;padding:.75rem 1.25rem;display:flex;gap:1.25rem;align-items:center;flex-wrap:wrap}
header a{color:#fff}main{max-width:66rem;margin:1.25rem auto;padding:0 1rem}table{width:100%;border-collapse:collapse;background:#fff}
td,th{padding:.45rem .7rem;text-align:left;border-bottom:1px solid #dde6ef}.num{text-align:right;font-variant-numeric:tabular-nums}
input,select,button,textarea{font:inherit;padding:.35rem .6rem;border:1px solid #97a7b9;border-radius:6px}
button{background:#fff;cursor:pointer}button.primary{background:#0a5da8;color:#fff;border-color:#0a5da8}
form.inline{display:inline}section{margin:1.25rem 0}code{font-size:.85em}
.grid{display:grid;gap:.6rem;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr))}label{display:grid;gap:.15rem}
"""


def mount(economic: Economic) -> None:
    pages = Pages(economic)
    for method, pattern, handler in (
        ("GET", "/", pages.home),
        ("GET", "/books", pages.customers),
        ("GET", "/books/new", pages.new),
        ("POST", "/books/new", pages.add),
        ("GET", "/books/customers/{id}", pages.customer),
        ("POST", "/books/customers/{id}", pages.save),
        ("POST", "/books/customers/{id}/delete", pages.delete),
        ("POST", "/books/customers/{id}/bill", pages.bill),
        ("POST", "/books/customers/{id}/contact", pages.add_contact),
        ("POST", "/books/invoices/{id}/pay", pages.pay),
        ("GET", "/books/hooks", pages.hooks),
        ("POST", "/books/hooks", pages.set_hooks),
        ("GET", "/books/faults", pages.faults),
        ("POST", "/books/faults", pages.set_faults),
        ("GET", "/books/log", pages.log),
    ):
        economic.route(method, pattern, handler)


class Pages:
    def __init__(self, economic: Economic) -> None:
        self.economic = economic

    @property
    def books(self) -> Books:
        return next(iter(self.economic.books.values()))

    def home(self, request: Request) -> Reply:
        return see_other(f"{request.base}/books")

    def customers(self, request: Request) -> Reply:
        words, page = request.query.get("q", ""), request.number("page", 0)
        found = [
            number for number in self.books.sorted_numbers() if words.casefold() in str(self.books.customers[number]["name"]).casefold()
        ]
        rows = "".join(self._row(request, number) for number in found[page * _ROWS : (page + 1) * _ROWS])
        search = f'<input name=q value="{escape(words)}" placeholder="Search by name" aria-label="Search by name">'
        table = f"<table><tr><th>Number<th>Name<th>E-mail<th>City<th class=num>Balance</tr>{rows}</table>"
        more = f'<p><a href="?{urlencode({"q": words, "page": page + 1})}">Next</a></p>' if len(found) > (page + 1) * _ROWS else ""
        return _show(request, "Customers", f"<form>{search} <button>Search</button></form><p>{len(found)} customers</p>{table}{more}")

    def _row(self, request: Request, number: int) -> str:
        row = self.books.customers[number]
        link = f'<a href="{request.base}/books/customers/{number}">{escape(str(row.get("name") or "(no name)"))}</a>'
        texts = "".join(f"<td>{escape(str(row.get(name) or ''))}" for name in ("email", "city"))
        return f"<tr><td>{number}<td>{link}{texts}<td class=num>{self.books.balance(number):,.2f}</tr>"

    def new(self, request: Request) -> Reply:
        return _show(request, "New customer", _form(f"{request.base}/books/new", {"customerNumber": self.books.free_number()}))

    def add(self, request: Request) -> Reply:
        number = self._number(request) or self.books.free_number()
        row = {"customerGroup": 1, "paymentTerms": 2, "vatZone": 1, "barred": False, **_fields(request), "customerNumber": number}
        self.books.put_customer(number, {**row, "currency": row.get("currency") or "DKK"}, stamp=self.economic.stamp())
        return see_other(f"{request.base}/books/customers/{number}")

    def customer(self, request: Request, id: int) -> Reply:
        row, base = self._customer(id), f"{request.base}/books/customers/{id}"
        invoices = "".join(_invoice(request, number, each) for number, each in self.books.invoices.items() if each["customer"] == id)
        people = "".join(_person(number, each) for number, each in self.books.contacts.items() if each["customerNumber"] == id)
        contact = "<label>Name <input name=name></label><label>E-mail <input name=email></label><button>Add a contact</button>"
        bill = "<label>Net amount <input name=net value=1000 inputmode=decimal></label><button>Book an invoice</button>"
        return _show(
            request,
            f"{id} {row.get('name') or '(no name)'}",
            f"{_form(base, {**row, 'customerNumber': id})}"
            f"<section><h2>Contacts</h2><table>{people}</table><form method=post action='{base}/contact'>{contact}</form></section>"
            f"<section><h2>Invoices</h2><table>{invoices}</table><form method=post action='{base}/bill'>{bill}</form></section>"
            f"<form method=post action='{base}/delete'><button>Delete this customer and all that hangs on it</button></form>",
        )

    def save(self, request: Request, id: int) -> Reply:
        row, number = self._customer(id), self._number(request) or id
        self.books.put_customer(id, {**row, **_fields(request), "customerNumber": number}, stamp=self.economic.stamp())
        return see_other(f"{request.base}/books/customers/{number}")

    def delete(self, request: Request, id: int) -> Reply:
        self._customer(id)
        self.books.delete_customer(id, force=True)
        return see_other(f"{request.base}/books")

    def add_contact(self, request: Request, id: int) -> Reply:
        self._customer(id)
        form = request.form()
        row = {"customerNumber": id, "name": form.get("name", "").strip() or "N.N.", "email": form.get("email", "").strip()}
        self.books.put_contact(row, stamp=self.economic.stamp())
        return see_other(f"{request.base}/books/customers/{id}")

    def bill(self, request: Request, id: int) -> Reply:
        self._customer(id)
        try:
            net = round(max(-1e9, min(float(request.form().get("net", "")), 1e9)), 2)
        except ValueError:
            raise Refusal(400, "The amount is no number.") from None
        today = self.economic.today()
        self.books.bill(id, net=net, today=today, issued=today - timedelta(days=1))
        return see_other(f"{request.base}/books/customers/{id}")

    def pay(self, request: Request, id: int) -> Reply:
        if id not in self.books.invoices:
            raise Refusal(404, "No such invoice.")
        self.books.pay(id)
        return see_other(f"{request.base}/books/customers/{self.books.invoices[id]['customer']}")

    def hooks(self, request: Request) -> Reply:
        known = {each["event"]: each["url"] for each in self.books.classic}
        inputs = "".join(f'<label>{event} <input name="{event}" value="{escape(known.get(event, ""))}"></label>' for event in EVENT_TYPES)
        made = "".join(f"<li>{escape(event)}: <code>{escape(str(each['url']))}</code>" for event, each in self.books.webhooks.items())
        sent = "".join(
            f"<tr><td>{each.event}<td><code>{escape(each.url)}</code><td>{each.status or 'no answer'}<td>{each.tries}"
            for each in list(self.economic.sender.log)[-50:][::-1]
        )
        return _show(
            request,
            "Webhooks",
            f"<form method=post><div class=grid>{inputs}</div><p>Merge fields: <code>[OLDNUMBER] [NEWNUMBER] [INVOICENO]</code></p>"
            f"<button class=primary>Save</button></form><h2>Made by the app</h2><ul>{made}</ul><h2>Calls</h2><table>{sent}</table>",
        )

    def set_hooks(self, request: Request) -> Reply:
        form = request.form()
        self.books.classic = [{"event": event, "url": form[event].strip(), "method": "POST"} for event in EVENT_TYPES if form.get(event)]
        return see_other(f"{request.base}/books/hooks")

    def faults(self, request: Request) -> Reply:
        buttons = "".join(f"<p><button name=kind value={kind}>{escape(kind)}</button> {escape(what)}</p>" for kind, what in FAULTS.items())
        now = "".join(
            f"<li>{escape(fault.kind)}: {'always' if fault.times is None else fault.times}</li>" for fault in self.economic.faults
        )
        repair = "<button name=kind value=clear class=primary>Repair everything</button>"
        revoke = "<button name=kind value=revoke>Withdraw every access</button>"
        times = "<label>How many times <input name=times value=3></label>"
        return _show(
            request,
            "Faults",
            f"<ul>{now or '<li>Everything works.</li>'}</ul><form method=post><p>{repair} {revoke}</p>{times}{buttons}</form>",
        )

    def set_faults(self, request: Request) -> Reply:
        form = request.form()
        kind = form.get("kind", "")
        if kind in FAULTS:
            self.economic.faults.append(Fault(kind, times=int(form["times"]) if form.get("times", "").isdigit() else None))
        elif kind == "revoke":
            self.economic.grants.clear()
        else:
            self.economic.faults.clear()
        return see_other(f"{request.base}/books/faults")

    def log(self, request: Request) -> Reply:
        rows = "".join(
            f"<tr><td>{each['n']}<td>{each['method']}<td><code>{escape(each['path'])}?{escape(urlencode(each['query']))}</code>"
            f"<td>{each['status'] or 'dropped'}<td>{escape(each['fault'])}"
            for each in list(self.economic.log)[-200:][::-1]
        )
        return _show(request, "Requests", f"<table><tr><th>#<th>Method<th>Path<th>Status<th>Fault</tr>{rows}</table>")

    def _customer(self, number: int) -> dict[str, Any]:
        if number not in self.books.customers:
            raise Refusal(404, "No such customer.")
        return self.books.customers[number]

    def _number(self, request: Request) -> int:
        words = request.form().get("customerNumber", "").strip()
        return int(words) if words.isdigit() and len(words) < 10 else 0


def _fields(request: Request) -> dict[str, Any]:
    form = request.form()
    return {name: form[name].replace("\r\n", "\n").strip() for name in TEXTS if name in form} | {"barred": bool(form.get("barred"))}


def _form(action: str, row: dict[str, Any]) -> str:
    def entry(name: str) -> str:
        value = escape(str(row.get(name) or ""))
        box = f"<textarea name={name}>{value}</textarea>" if name == "address" else f'<input name={name} value="{value}">'
        return f"<label>{name} {box}</label>"

    barred = f"<label>barred <input type=checkbox name=barred value=1 {'checked' if row.get('barred') else ''}></label>"
    inputs = "".join(map(entry, ("customerNumber", *TEXTS)))
    return f'<form method=post action="{action}"><div class=grid>{inputs}{barred}</div><p><button class=primary>Save</button></p></form>'


def _person(number: int, row: dict[str, Any]) -> str:
    texts = (row["name"], row.get("email") or "", "deleted" if row["isDeleted"] else "")
    return f"<tr><td>{number}{''.join(f'<td>{escape(str(text))}' for text in texts)}"


def _invoice(request: Request, number: int, row: dict[str, Any]) -> str:
    action = f"{request.base}/books/invoices/{number}/pay"
    pay = f'<form class=inline method=post action="{action}"><button>Mark as paid</button></form>' if row["remainder"] else "paid"
    amounts = "".join(f"<td class=num>{float(row[name]):,.2f}" for name in ("grossAmount", "remainder"))
    return f"<tr><td>{number}<td>{row['date']}<td>{row['dueDate']}<td>{escape(row['currency'])}{amounts}<td>{pay}</tr>"


def _show(request: Request, title: str, body: str) -> Reply:
    names = (("", "Customers"), ("/new", "New customer"), ("/hooks", "Webhooks"), ("/faults", "Faults"), ("/log", "Requests"))
    links = "".join(f'<a href="{request.base}/books{path}">{name}</a>' for path, name in names)
    return as_html(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · e-conomic sandbox</title><style>{_STYLE}</style>"
        f"<header><b>e-conomic (sandbox)</b> Nordlys Handel ApS {links}</header><main><h1>{escape(title)}</h1>{body}</main></html>"
    )
