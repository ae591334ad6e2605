"""The sandbox helpdesk as pages, so that a person can play the other side: look, change, add, switch off, answer, and break things."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from integrations.kit.vendor import FAULTS, Fault, Refusal, Reply, Request, as_html, see_other
from integrations.providers.movidesk import sandbox_data
from integrations.providers.movidesk.sandbox_desk import as_text, now, organisations_of

if TYPE_CHECKING:
    from integrations.providers.movidesk.sandbox import Movidesk
    from integrations.providers.movidesk.sandbox_desk import Desk, Person

_ROWS = 25
_FIELDS = {
    "businessName": "Name",
    "corporateName": "Razão social",
    "cpfCnpj": "CPF or CNPJ",
    "email": "E-mail",
    "phone": "Phone",
    "street": "Street",
    "number": "Number",
    "complement": "Complement",
    "district": "District",
    "city": "City",
    "state": "State",
    "postalCode": "Postcode",
    "country": "Country",
    "observations": "Notes",
}
_ADDRESS = ("street", "number", "complement", "district", "city", "state", "postalCode", "country")
_KINDS = {1: "person", 2: "organisation", 4: "department"}
_STYLE = """
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;margin:0;background:#f1f3f7;color:#181d26}
header{background:#24406b;color:#fff;padding:.75rem 1.25rem;display:flex;gap:1.25rem;align-items:center;flex-wrap:wrap}
header a{color:#fff}main{max-width:64rem;margin:1.25rem auto;padding:0 1rem}
table{width:100%;border-collapse:collapse;background:#fff;border:1px solid #d6dbe4}
td,th{padding:.45rem .7rem;text-align:left;border-bottom:1px solid #e7eaf0}
input,select,button{font:inherit;padding:.35rem .6rem;border:1px solid #98a2b3;border-radius:6px}
button{background:#fff;cursor:pointer}button.primary{background:#24406b;color:#fff;border-color:#24406b}
.grid{display:grid;gap:.6rem;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr))}label{display:grid;gap:.15rem}
.note{background:#fff7dc;border:1px solid #e5d49a;padding:.5rem .8rem;border-radius:6px}section{margin:1.25rem 0}code{font-size:.85em}
"""


def mount(movidesk: Movidesk) -> None:
    """Add the pages to the vendor."""
    pages = Pages(movidesk)
    for method, pattern, handler in (
        ("GET", "/", pages.home),
        ("GET", "/books", pages.persons),
        ("GET", "/books/person", pages.person),
        ("POST", "/books/person", pages.save),
        ("POST", "/books/delete", pages.delete),
        ("POST", "/books/ticket", pages.open_ticket),
        ("POST", "/books/answer", pages.answer),
        ("GET", "/books/faults", pages.faults),
        ("POST", "/books/faults", pages.set_faults),
        ("GET", "/books/log", pages.log),
    ):
        movidesk.route(method, pattern, handler)


class Pages:
    def __init__(self, movidesk: Movidesk) -> None:
        self.movidesk = movidesk

    @property
    def desk(self) -> Desk:
        return self.movidesk.desk

    def home(self, request: Request) -> Reply:
        return see_other(f"{request.base}/books")

    def persons(self, request: Request) -> Reply:
        words, kind, page = request.query.get("q", ""), request.query.get("kind", ""), request.number("page", 0)
        found = [one for one in self.desk.persons.values() if words.casefold() in _key(one) and kind in ("", str(one["personType"]))]
        found.sort(key=_key)
        rows = "".join(_row(request, one) for one in found[page * _ROWS : (page + 1) * _ROWS])
        kinds = (("", "all"), ("2", "organisations"), ("1", "people"))
        options = "".join(f'<option value="{key}"{" selected" if kind == key else ""}>{label}' for key, label in kinds)
        words_box = f'<input name=q value="{escape(words)}" placeholder="Search by name" aria-label="Search by name">'
        search = f"<form>{words_box} <select name=kind>{options}</select> <button>Search</button></form>"
        pager = _pager({"q": words, "kind": kind}, page, len(found))
        body = f"<table><tr><th>Name<th>Code<th>Kind<th>E-mail<th>Active</tr>{rows}</table>{pager}"
        return _show(request, "People and organisations", search + body)

    def person(self, request: Request) -> Reply:
        id = request.query.get("id", "")
        person = self._person(id) if id else {**sandbox_data.blank(), "personType": 1 if request.query.get("kind") == "1" else 2}
        title = _text(person, "businessName") or "New"
        if not id:
            return _show(request, "New", _form(request, person))
        remove = f'<form method=post action="{request.base}/books/delete?{urlencode({"id": id})}"><button>Delete</button></form>'
        people = "".join(_row(request, one) for one in self.desk.people_of(id))
        section = f"<section><h2>People</h2><table>{people}</table></section>" if people else ""
        return _show(request, title, _form(request, person) + section + self._tickets(request, person) + remove)

    def save(self, request: Request) -> Reply:
        form = request.form()
        id = request.query.get("id", "")
        body = _body(form, self.desk.get(id) or {})
        code = {"id": form["id"].strip()} if form.get("id", "").strip() else {}
        saved = self.desk.change(id, body) if id else self.desk.create({**body, **code, "profileType": 2})
        return see_other(f"{request.base}/books/person?{urlencode({'id': saved['id']})}")

    def delete(self, request: Request) -> Reply:
        self._person(request.query.get("id", ""))
        del self.desk.persons[request.query["id"].casefold()]
        return see_other(f"{request.base}/books")

    def open_ticket(self, request: Request) -> Reply:
        id = request.query.get("id", "")
        firms = {person["id"]: person for person in self.desk.persons.values() if person["personType"] == 2}
        number = max((int(one["id"]) for one in self.desk.tickets), default=7000) + 1
        subject = request.form().get("subject", "").strip() or "Dúvida"
        person = self._person(id)
        made = sandbox_data.ticket(number, person=person, firms=firms, status=("Novo", "New"), made=now(), subject=subject)
        self.desk.tickets.append(made)
        return see_other(f"{request.base}/books/person?{urlencode({'id': id})}")

    def answer(self, request: Request) -> Reply:
        """Say that a ticket is solved."""
        number, id = request.query.get("number", ""), request.query.get("id", "")
        for ticket in self.desk.tickets:
            if str(ticket["id"]) == number:
                stamp = as_text(now())
                ticket.update(status="Resolvido", baseStatus="Resolved", resolvedIn=stamp, lastUpdate=stamp)
        return see_other(f"{request.base}/books/person?{urlencode({'id': id})}")

    def faults(self, request: Request) -> Reply:
        buttons = "".join(f"<p><button name=kind value={kind}>{escape(kind)}</button> {escape(what)}</p>" for kind, what in FAULTS.items())
        current = "".join(f"<li>{escape(fault.kind)}, {_times(fault)}</li>" for fault in self.movidesk.faults)
        switches = "".join(
            f'<p><label>{escape(name)} <input name="{escape(name)}" value="{escape(str(value))}"></label></p>'
            for name, value in self.movidesk.switches.items()
        )
        repair = "<button name=kind value=clear class=primary>Repair everything</button>"
        unblock = "<button name=kind value=unblock>Forget calls and failures</button>"
        return _show(
            request,
            "Faults",
            f"<ul class=note>{current or '<li>Everything works.</li>'}</ul>"
            f"<form method=post><p>{repair} {unblock}</p><p><label>How many times <input name=times value=3></label></p>{buttons}</form>"
            f"<h2>Switches</h2><form method=post>{switches}<button name=kind value=switches>Save switches</button></form>",
        )

    def set_faults(self, request: Request) -> Reply:
        form = request.form()
        kind = form.get("kind", "")
        if kind in FAULTS:
            self.movidesk.faults.append(Fault(kind, path="/v1/", times=int(form["times"]) if form.get("times", "").isdigit() else None))
        elif kind == "unblock":
            self.movidesk.steer({"unblock": True})
        elif kind == "switches":
            switches = self.movidesk.switches
            switches.update({name: _switch(form[name], old) for name, old in switches.items() if name in form})
        else:
            self.movidesk.faults.clear()
        return see_other(f"{request.base}/books/faults")

    def log(self, request: Request) -> Reply:
        rows = "".join(_log_row(entry) for entry in list(self.movidesk.log)[-200:][::-1])
        return _show(request, "Requests", f"<table><tr><th>#<th>Method<th>Path<th>Status<th>Fault</tr>{rows}</table>")

    def _person(self, id: str) -> Person:
        person = self.desk.get(id)
        if person is None:
            raise Refusal(404, "No such person.")
        return person

    def _tickets(self, request: Request, person: Person) -> str:
        mine = [one for one in self.desk.tickets if person["id"] in _clients(one)]
        mine.sort(key=lambda one: str(one["createdDate"]), reverse=True)
        rows = "".join(_ticket_row(request, one, person["id"]) for one in mine[:20])
        action = f"{request.base}/books/ticket?{urlencode({'id': person['id']})}"
        opening = f'<form method=post action="{action}"><input name=subject aria-label=Subject> <button>Open a ticket</button></form>'
        return f"<section><h2>Tickets</h2><table>{rows}</table>{opening if person['personType'] == 1 else ''}</section>"


def _clients(ticket: dict[str, Any]) -> set[str]:
    found = [client for client in ticket.get("clients") or [] if isinstance(client, dict)]
    return {str(client.get("id")) for client in found} | {str((client.get("organization") or {}).get("id")) for client in found}


def _text(person: Person, name: str) -> str:
    return str(person.get(name) or "")


def _key(person: Person) -> str:
    return _text(person, "businessName").casefold()


def _first(person: Person, name: str) -> dict[str, Any]:
    entries = person.get(name) or []
    return next((one for one in entries if one.get("isDefault")), entries[0] if entries else {})


def _values(person: Person) -> dict[str, Any]:
    address = _first(person, "addresses")
    mixed = {"email": _first(person, "emails").get("email"), "phone": _first(person, "contacts").get("contact")}
    return {**person, **mixed, **{name: address.get(name) for name in _ADDRESS}}


def _form(request: Request, person: Person) -> str:
    values = _values(person)
    id = person.get("id") or ""
    code = "" if id else "<label>Code <input name=id></label>"
    homes = escape(", ".join(organisations_of(person)))
    belongs = f'<label>Codes of organisations <input name=organisations value="{homes}"></label>' if person["personType"] == 1 else ""
    inputs = "".join(_input(name, label, values.get(name)) for name, label in _FIELDS.items())
    active = f"<p><label>Active <input type=checkbox name=isActive value=1{' checked' if person['isActive'] else ''}></label></p>"
    kind = f"<input type=hidden name=personType value={person['personType']}>"
    action = f"{request.base}/books/person" + (f"?{urlencode({'id': id})}" if id else "")
    note = f"<p>Code <code>{escape(id)}</code></p>" if id else ""
    return (
        f'{note}<form method=post action="{action}">{kind}<div class=grid>{code}{inputs}{belongs}</div>{active}'
        "<p><button class=primary>Save</button></p></form>"
    )


def _input(name: str, label: str, value: Any) -> str:
    return f'<label>{label} <input name={name} value="{escape(str(value or ""))}"></label>'


def _body(form: dict[str, str], person: Person) -> dict[str, Any]:
    """The form as their API would take it: only the default entries are shown, all others stay."""
    said = {name: form.get(name, "").strip() for name in _FIELDS}
    address = {name: said[name] for name in _ADDRESS}
    homes = [id.strip() for id in form.get("organisations", "").split(",") if id.strip()]
    known = {str(one.get("id")).rpartition("/")[2].casefold(): one for one in person.get("relationships") or []}
    return {
        "personType": int(form.get("personType") or 2),
        "isActive": form.get("isActive") == "1",
        **{name: said[name] or None for name in ("businessName", "corporateName", "cpfCnpj", "observations")},
        "emails": _put(person, "emails", {"emailType": "Profissional", "email": said["email"]} if said["email"] else None),
        "contacts": _put(person, "contacts", {"contactType": "Telefone", "contact": said["phone"]} if said["phone"] else None),
        "addresses": _put(person, "addresses", {"addressType": "Comercial", **address} if any(address.values()) else None),
        "relationships": [known.get(id.casefold(), {"id": id}) for id in homes],
    }


def _put(person: Person, name: str, entry: dict[str, Any] | None) -> list[dict[str, Any]]:
    old = _first(person, name)
    rest = [one for one in person.get(name) or [] if one is not old]
    return [*([{**old, **entry, "isDefault": True}] if entry else []), *rest]


def _row(request: Request, person: Person) -> str:
    link = f"{request.base}/books/person?{urlencode({'id': person['id']})}"
    active = "yes" if person["isActive"] else "no"
    texts = (person["id"], _KINDS.get(person["personType"], ""), _first(person, "emails").get("email"), active)
    cells = "".join(f"<td>{escape(str(text or ''))}" for text in texts)
    return f'<tr><td><a href="{link}">{escape(_text(person, "businessName") or "(no name)")}</a>{cells}</tr>'


def _ticket_row(request: Request, ticket: dict[str, Any], id: str) -> str:
    action = f"{request.base}/books/answer?{urlencode({'id': id, 'number': ticket['id']})}"
    solve = "" if ticket["baseStatus"] in ("Resolved", "Closed") else f'<form method=post action="{action}"><button>Solve</button></form>'
    cells = (ticket["id"], ticket["subject"], ticket["status"], ticket["createdDate"])
    return f"<tr>{''.join(f'<td>{escape(str(cell))}' for cell in cells)}<td>{solve}</tr>"


def _switch(text: str, old: Any) -> Any:
    if isinstance(old, bool):
        return text.strip().lower() in {"true", "1", "yes", "on"}
    if isinstance(old, int):
        return int(text) if text.strip().isdigit() else old
    return text.strip()


def _times(fault: Fault) -> str:
    return "always" if fault.times is None else f"{fault.times} more times"


def _log_row(entry: dict[str, Any]) -> str:
    query = {name: value for name, value in entry["query"].items() if name != "token"}
    path = entry["path"] + (f"?{urlencode(query)}" if query else "")
    said = f"<br><code>{escape(entry['body'][:300])}</code>" if entry["body"] else ""
    end = f"<td>{entry['status'] or 'dropped'}<td>{escape(entry['fault'])}</tr>"
    return f"<tr><td>{entry['n']}<td>{entry['method']}<td><code>{escape(path)}</code>{said}{end}"


def _pager(query: dict[str, str], page: int, count: int) -> str:
    before = f'<a href="?{urlencode({**query, "page": page - 1})}">Previous</a> ' if page else ""
    after = f'<a href="?{urlencode({**query, "page": page + 1})}">Next</a>' if (page + 1) * _ROWS < count else ""
    return f"<p>{count} found. {before}{after}</p>"


def _show(request: Request, title: str, body: str) -> Reply:
    links = "".join(
        f'<a href="{request.base}/books{path}">{name}</a>'
        for path, name in (
            ("", "People and organisations"),
            ("/person?kind=2", "New organisation"),
            ("/person?kind=1", "New person"),
            ("/faults", "Faults"),
            ("/log", "Requests"),
        )
    )
    return as_html(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Movidesk sandbox</title><style>{_STYLE}</style>"
        f"<header><b>Movidesk (sandbox)</b> token: <code>sandbox-movidesk</code> {links}</header>"
        f"<main><h1>{escape(title)}</h1>{body}</main></html>"
    )
