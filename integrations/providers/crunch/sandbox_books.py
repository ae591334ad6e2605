"""The sandbox company's books as pages, so that a person can play the other side: look, change, add, delete, pay, and break things."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from integrations.kit.vendor import FAULTS, Fault, Refusal, Reply, Request, as_html, see_other
from integrations.providers.crunch import sandbox_data

if TYPE_CHECKING:
    from integrations.providers.crunch.sandbox import Books, Crunch

_ROWS = 25
_LINES = {
    "line1": "Address line 1",
    "line2": "Address line 2",
    "line3": "Address line 3",
    "line4": "Address line 4",
    "postCode": "Postcode",
    "country": "Country",
}
_STYLE = """
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;margin:0;background:#f2f4f3;color:#17211c}
header{background:#12684a;color:#fff;padding:.75rem 1.25rem;display:flex;gap:1.25rem;align-items:center;flex-wrap:wrap}
header a{color:#fff}main{max-width:64rem;margin:1.25rem auto;padding:0 1rem}
table{width:100%;border-collapse:collapse;background:#fff;border:1px solid #d5dcd8}
td,th{padding:.45rem .7rem;text-align:left;border-bottom:1px solid #e6ebe8}
.num{text-align:right;font-variant-numeric:tabular-nums}
input,select,button{font:inherit;padding:.35rem .6rem;border:1px solid #9aa8a0;border-radius:6px}
button{background:#fff;cursor:pointer}button.primary{background:#12684a;color:#fff;border-color:#12684a}form.inline{display:inline}
.grid{display:grid;gap:.6rem;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr))}label{display:grid;gap:.15rem}
.note{background:#fff7dc;border:1px solid #e5d49a;padding:.5rem .8rem;border-radius:6px}section{margin:1.25rem 0}code{font-size:.85em}
"""


def mount(crunch: Crunch) -> None:
    """Add the pages to the vendor."""
    pages = Pages(crunch)
    for method, pattern, handler in (
        ("GET", "/", pages.home),
        ("GET", "/books", pages.clients),
        ("GET", "/books/new", pages.new),
        ("POST", "/books/new", pages.add),
        ("GET", "/books/clients/{id}", pages.client),
        ("POST", "/books/clients/{id}", pages.save),
        ("POST", "/books/clients/{id}/delete", pages.delete),
        ("POST", "/books/clients/{id}/invoice", pages.bill),
        ("POST", "/books/invoices/{id}/pay", pages.pay),
        ("GET", "/books/faults", pages.faults),
        ("POST", "/books/faults", pages.set_faults),
        ("GET", "/books/log", pages.log),
    ):
        crunch.route(method, pattern, handler)


class Pages:
    def __init__(self, crunch: Crunch) -> None:
        self.crunch = crunch

    @property
    def books(self) -> Books:
        return self.crunch.books["northlight"]

    def home(self, request: Request) -> Reply:
        return see_other(f"{request.base}/books")

    def clients(self, request: Request) -> Reply:
        words = request.query.get("q", "")
        page = request.number("page", 0)
        found = [row for row in self.books.clients.values() if words.casefold() in str(row.get("name")).casefold()]
        found.sort(key=lambda row: str(row.get("name")).casefold())
        rows = "".join(self._row(request, row) for row in found[page * _ROWS : (page + 1) * _ROWS])
        search = f'<input name=q value="{escape(words)}" placeholder="Search by name" aria-label="Search by name">'
        table = f"<table><tr><th>Name<th>E-mail<th>Town<th class=num>Open</tr>{rows}</table>"
        pager = _pager(words, page, len(found))
        return _show(request, "Clients", f"<form>{search} <button>Search</button></form><p>{len(found)} clients</p>{table}{pager}")

    def _row(self, request: Request, row: dict[str, Any]) -> str:
        open_sum = sum(_amount(invoice) for invoice in self._invoices(row["id"]))
        address = row.get("billingAddress") or {}
        town = address.get("line3") or address.get("line2") or ""
        return (
            f'<tr><td><a href="{request.base}/books/clients/{row["id"]}">{escape(str(row.get("name") or "(no name)"))}</a>'
            f"<td>{escape(str(row.get('email') or ''))}<td>{escape(str(town))}<td class=num>{open_sum:,.2f}</tr>"
        )

    def new(self, request: Request) -> Reply:
        return _show(request, "New client", _form(f"{request.base}/books/new", {}))

    def add(self, request: Request) -> Reply:
        id = self.books.new_id()
        self.books.clients[id] = {"id": id, "paymentTermsDays": 30, "note": None, **_fields(request)}
        self.books.touch()
        return see_other(f"{request.base}/books/clients/{id}")

    def client(self, request: Request, id: int) -> Reply:
        row = self._client(id)
        base = f"{request.base}/books/clients/{id}"
        rows = "".join(_invoice_row(request, invoice) for invoice in self._invoices(id))
        heads = "<tr><th>Number<th>Issued<th>Due<th>State<th class=num>Amount<th class=num>Open<th></tr>"
        choice = "<select name=currency><option>GBP<option>EUR</select>"
        bill = f"<label>Net amount <input name=net value=250 inputmode=decimal></label><p>{choice}"
        return _show(
            request,
            str(row.get("name") or "(no name)"),
            f"{_form(base, row)}<section><h2>Invoices</h2><table>{heads}{rows}</table></section>"
            f'<section><form method=post action="{base}/invoice">{bill} <button>Add an invoice</button></p></form></section>'
            f'<form method=post action="{base}/delete"><button>Delete this client and its invoices</button></form>',
        )

    def save(self, request: Request, id: int) -> Reply:
        self._client(id).update(_fields(request))
        self.books.touch()
        return see_other(f"{request.base}/books/clients/{id}")

    def delete(self, request: Request, id: int) -> Reply:
        self._client(id)
        del self.books.clients[id]
        for invoice in self._invoices(id):
            del self.books.invoices[invoice["id"]]
        self.books.touch()
        return see_other(f"{request.base}/books")

    def bill(self, request: Request, id: int) -> Reply:
        form = request.form()
        today = self.crunch.today()
        number = self.books.new_id()
        self.books.invoices[number] = sandbox_data.invoice(
            number,
            customer=self._client(id),
            net=_money(form.get("net", "")),
            issued=today - timedelta(days=1),
            today=today,
            currency="EUR" if form.get("currency") == "EUR" else "GBP",
            fate="open",
        )
        self.books.touch()
        return see_other(f"{request.base}/books/clients/{id}")

    def pay(self, request: Request, id: int) -> Reply:
        invoice = self.books.invoices.get(id)
        if invoice is None:
            raise Refusal(404, "No such invoice.")
        payment = {"id": self.books.new_id(), "amount": invoice["outstandingBalance"], "date": self.crunch.today().isoformat()}
        invoice.update(outstandingBalance=0.0, state="SETTLED", payments=[*(invoice.get("payments") or []), payment])
        return see_other(f"{request.base}/books/clients/{invoice['customer']['id']}")

    def faults(self, request: Request) -> Reply:
        buttons = "".join(f"<p><button name=kind value={kind}>{escape(kind)}</button> {escape(what)}</p>" for kind, what in FAULTS.items())
        now = "".join(f"<li>{escape(fault.kind)}, {_times(fault)}</li>" for fault in self.crunch.faults)
        switches = "".join(
            f'<p><label>{escape(name)} <input name="{escape(name)}" value="{escape(str(value))}"></label></p>'
            for name, value in self.crunch.switches.items()
        )
        repair = "<button name=kind value=clear class=primary>Repair everything</button>"
        expire = "<button name=kind value=expire>Expire all access tokens</button>"
        return _show(
            request,
            "Faults",
            f"<ul class=note>{now or '<li>Everything works.</li>'}</ul>"
            f"<form method=post><p>{repair} {expire}</p><p><label>How many times <input name=times value=3></label></p>{buttons}</form>"
            f"<h2>Switches</h2><form method=post>{switches}<button name=kind value=switches>Save switches</button></form>",
        )

    def set_faults(self, request: Request) -> Reply:
        form = request.form()
        kind = form.get("kind", "")
        if kind in FAULTS:
            self.crunch.faults.append(Fault(kind, path="/v1/", times=int(form["times"]) if form.get("times", "").isdigit() else None))
        elif kind == "expire":
            self.crunch.authority.access.clear()
        elif kind == "switches":
            self.crunch.switches.update({name: _switch(form[name], old) for name, old in self.crunch.switches.items() if name in form})
        else:
            self.crunch.faults.clear()
        return see_other(f"{request.base}/books/faults")

    def log(self, request: Request) -> Reply:
        rows = "".join(_log_row(entry) for entry in list(self.crunch.log)[-200:][::-1])
        return _show(request, "Requests", f"<table><tr><th class=num>#<th>Method<th>Path<th>Status<th>Fault</tr>{rows}</table>")

    def _client(self, id: int) -> dict[str, Any]:
        if id not in self.books.clients:
            raise Refusal(404, "No such client.")
        return self.books.clients[id]

    def _invoices(self, id: int) -> list[dict[str, Any]]:
        return [row for row in self.books.invoices.values() if (row.get("customer") or {}).get("id") == id]


def _amount(invoice: dict[str, Any]) -> float:
    return float(invoice.get("outstandingBalance") or 0)


def _money(text: str) -> float:
    try:
        return round(max(0.01, min(float(text), 1e9)), 2)
    except ValueError:
        raise Refusal(400, "The amount is no number.") from None


def _switch(text: str, old: Any) -> Any:
    if isinstance(old, bool):
        return text.strip().lower() in {"true", "1", "yes", "on"}
    return int(text) if isinstance(old, int) and text.strip().isdigit() else old


def _fields(request: Request) -> dict[str, Any]:
    form = request.form()
    address = {key: form.get(key, "").strip() or None for key in _LINES}
    return {"name": form.get("name", "").strip(), "email": form.get("email", "").strip() or None, "billingAddress": address}


def _times(fault: Fault) -> str:
    return "always" if fault.times is None else f"{fault.times} more times"


def _log_row(entry: dict[str, Any]) -> str:
    path = entry["path"] + (f"?{urlencode(entry['query'])}" if entry["query"] else "")
    said = f"<br><code>{escape(entry['body'][:300])}</code>" if entry["body"] else ""
    end = f"<td>{entry['status'] or 'dropped'}<td>{escape(entry['fault'])}</tr>"
    return f"<tr><td class=num>{entry['n']}<td>{entry['method']}<td><code>{escape(path)}</code>{said}{end}"


def _form(action: str, row: dict[str, Any]) -> str:
    address = row.get("billingAddress") or {}
    lines = [(key, label, address.get(key)) for key, label in _LINES.items()]
    values = [("name", "Name", row.get("name")), ("email", "E-mail", row.get("email")), *lines]
    inputs = "".join(f'<label>{label} <input name={key} value="{escape(str(value or ""))}"></label>' for key, label, value in values)
    return f'<form method=post action="{action}"><div class=grid>{inputs}</div><p><button class=primary>Save</button></p></form>'


def _invoice_row(request: Request, row: dict[str, Any]) -> str:
    action = f"{request.base}/books/invoices/{row['id']}/pay"
    pay = f'<form class=inline method=post action="{action}"><button>Mark as paid</button></form>' if _amount(row) > 0 else ""
    texts = (row.get("invoiceNumber") or row["id"], row.get("issuedDate"), row.get("dueDate"), row.get("state"))
    cells = "".join(f"<td>{escape(str(text or ''))}" for text in texts)
    gross = f"{escape(str(row.get('currency') or ''))} {float(row.get('grossAmount') or 0):,.2f}"
    return f"<tr>{cells}<td class=num>{gross}<td class=num>{_amount(row):,.2f}<td>{pay}</tr>"


def _pager(words: str, page: int, count: int) -> str:
    before = f'<a href="?{urlencode({"q": words, "page": page - 1})}">Previous</a> ' if page else ""
    after = f'<a href="?{urlencode({"q": words, "page": page + 1})}">Next</a>' if (page + 1) * _ROWS < count else ""
    return f"<p>{before}{after}</p>"


def _show(request: Request, title: str, body: str) -> Reply:
    links = "".join(
        f'<a href="{request.base}/books{path}">{name}</a>'
        for path, name in (("", "Clients"), ("/new", "New client"), ("/faults", "Faults"), ("/log", "Requests"))
    )
    return as_html(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Crunch sandbox</title><style>{_STYLE}</style>"
        f"<header><b>Crunch (sandbox)</b> Northlight Studio Ltd {links}</header><main><h1>{escape(title)}</h1>{body}</main></html>"
    )
