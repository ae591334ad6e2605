"""The books that a sandbox agreement starts with: made-up Danish names, the same on every start; days relative to today."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

Table = dict[int, dict[str, Any]]


def _listed(text: str) -> list[str]:
    return text.split("|")


# First in the book, in this order, so that a demo or a test can count on them (numbers from 1).
SHOWCASE = (
    "Nordlys Arkitekter ApS",
    "Bager Sørensen",
    "Kirkegaard & Søn A/S",
    "Ålborg Cykler ApS",
    "Tandlægerne på Torvet I/S",
    "Fjordens Fiskehus",
    "Skovgaard Tømrer & Snedker",
    "Café Hyggekrogen",
    "Bæk Auto ApS",
    "Østerbro Blomster",
)
_FAMILY = _listed(
    "Jensen|Nielsen|Hansen|Pedersen|Andersen|Christensen|Larsen|Sørensen|Rasmussen|Jørgensen|Madsen|Kristensen|Olsen|Thomsen|Poulsen|"
    "Johansen|Møller|Mortensen|Knudsen|Lauridsen|Holm|Lund|Dahl|Bech|Kjær|Østergaard|Bruun|Winther|Friis|Juul|Skov|Bertelsen|Vestergaard|"
    "Krogh|Toft|Nørgaard|Damgaard|Ravn|Bjerre|Høj"
)
_FIRST = _listed(
    "Mette|Søren|Anne|Lars|Kirsten|Jens|Hanne|Peter|Camilla|Rasmus|Ida|Mads|Freja|Emil|Sofie|Åse|Jørgen|Bodil|Troels|Maja|Niels|Karen"
)
_PLACES = _listed(
    "Nordhavn|Vesterbro|Limfjorden|Kattegat|Skagen|Fyn|Storebælt|Gudenå|Himmelbjerget|Øresund|Mols|Thy|Ærø|Bornholm|Rold|Vejle Fjord"
)
_TRADES = _listed(
    "VVS|Byg|El-service|Tømrerfirma|Malerfirma|Regnskab|Rengøring|Transport|Revision|Autoværksted|Bageri|Frisør|Tandklinik|Design|"
    "Reklamebureau|Havecenter|Møbler|Konsulenterne|Entreprise|Vin & Delikatesse|Cykler|Optik|Ejendomme|IT"
)
_FORMS = ("ApS", "A/S", "I/S", "", "ApS", "IVS", "& Co. K/S", "A/S")
_STREETS = _listed("Vestergade|Nørregade|Algade|Havnegade|Skolegade|Søndergade|Torvet|Bredgade|Kirkevej|Møllevej|Strandvejen|Ågade")
TOWNS = (
    ("8000", "Aarhus C"),
    ("5000", "Odense C"),
    ("9000", "Aalborg"),
    ("2100", "København Ø"),
    ("1620", "København V"),
    ("6700", "Esbjerg"),
    ("7100", "Vejle"),
    ("4000", "Roskilde"),
    ("8900", "Randers C"),
    ("3000", "Helsingør"),
    ("6400", "Sønderborg"),
    ("9990", "Skagen"),
)
GROUPS = ((1, "Danske kunder"), (2, "EU-kunder"), (3, "Øvrige kunder"))
TERMS = (
    (1, "Netto 8 dage", "net", 8),
    (2, "Netto 14 dage", "net", 14),
    (3, "Netto 30 dage", "net", 30),
    (4, "Løbende måned 15 dage", "invoiceMonth", 15),
    (5, "Kontant", "paidInCash", 0),
)
DAYS = {number: days for number, _, _, days in TERMS}
ZONES = ((1, "Domestic", True), (2, "EU", True), (3, "Abroad", True), (4, "Domestic without VAT", True), (9, "Only suppliers", False))
CURRENCIES = (("DKK", "Danske kroner"), ("EUR", "Euro"), ("SEK", "Svenske kroner"), ("NOK", "Norske kroner"), ("GBP", "Engelske pund"))
LAYOUTS = ((18, "Dansk std. m. bankoplys. 1.8"), (19, "Engelsk std. 1.8"))
_WEIGHTS = (2, 7, 6, 5, 4, 3, 2)


def cvr(index: int) -> str:
    """A number whose check digit holds; the same for the same index."""
    for body in range(1_000_000 + index * 61, 1_000_000 + index * 61 + 61):
        digits = [int(char) for char in str(body)]
        check = -sum(weight * digit for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11
        if check < 10:
            return f"{body}{check}"
    raise LookupError("among eleven neighbours ten have a check digit")


def name_of(index: int) -> str:
    if index < len(SHOWCASE):
        return SHOWCASE[index]
    first, rest = divmod(index, len(_TRADES))
    owner = _FAMILY[(first * 3 + rest * 7) % len(_FAMILY)] if index % 2 else _PLACES[(first + rest * 5) % len(_PLACES)]
    return f"{owner} {_TRADES[rest]} {_FORMS[(index + first) % len(_FORMS)]}".strip()


def _host(name: str) -> str:
    plain = name.lower().replace("æ", "ae").replace("ø", "oe").replace("å", "aa").replace("é", "e")
    return "".join(char for char in plain if char.isascii() and char.isalnum())[:30]


def customers(count: int, *, rng: random.Random, stamp: str) -> Table:
    found: Table = {}
    seen: set[str] = set()
    for index in range(count):
        name = name_of(index)
        # The words run out after some hundreds; then the town, then a number tells names apart.
        if name in seen:
            name = f"{name}, {TOWNS[index % len(TOWNS)][1]}"
        if name in seen:
            name = f"{name} {index}"
        seen.add(name)
        found[index + 1] = _customer(index, name, rng) | {"lastUpdated": stamp}
    return found


def _customer(index: int, name: str, rng: random.Random) -> dict[str, Any]:
    code, town = rng.choice(TOWNS)
    host = _host(name)
    more = f" faktura@{host}.example" if rng.random() < 0.2 else ""
    abroad = index > 10 and rng.random() < 0.06
    optional = {
        "telephoneAndFaxNumber": f"+45 {rng.randint(20, 99)} {rng.randint(10, 99)} {rng.randint(10, 99)} {rng.randint(10, 99)}",
        "website": f"www.{host}.example",
        "mobilePhone": f"+45 2{rng.randint(1_000_000, 9_999_999)}" if rng.random() < 0.3 else "",
        "ean": _ean(rng) if rng.random() < 0.1 else "",
        "creditLimit": float(rng.randint(1, 20) * 10_000) if rng.random() < 0.1 else "",
    }
    return {
        "customerNumber": index + 1,
        "name": name,
        "currency": "EUR" if abroad else "DKK",
        "customerGroup": 2 if abroad else 1,
        "paymentTerms": rng.choice((1, 2, 2, 3, 4)),
        "vatZone": 2 if abroad else 1,
        "address": f"{rng.choice(_STREETS)} {rng.randint(1, 180)}" + ("\n2. sal tv." if rng.random() < 0.2 else ""),
        "zip": "20095" if abroad else code,
        "city": "Hamburg" if abroad else town,
        "country": "Tyskland" if abroad else "Danmark",
        "email": f"kontakt@{host}.example{more}" if index < len(SHOWCASE) or rng.random() < 0.94 else "",
        "corporateIdentificationNumber": cvr(index) if not abroad and rng.random() < 0.95 else "",
        "barred": index > len(SHOWCASE) and rng.random() < 0.02,
        "layout": 18,
        **optional,
    }


def _ean(rng: random.Random) -> str:
    body = f"57900{rng.randint(0, 9_999_999):07d}"
    total = sum(int(char) * (3 if place % 2 else 1) for place, char in enumerate(body))
    return f"{body}{-total % 10}"


def contacts(customers: Table, *, rng: random.Random, stamp: str) -> Table:
    """One to three people of every second customer."""
    found: Table = {}
    for number, customer in customers.items():
        for place in range(rng.randint(1, 3) if number <= len(SHOWCASE) or rng.random() < 0.5 else 0):
            first, last = rng.choice(_FIRST), rng.choice(_FAMILY)
            key = 100 + len(found)
            found[key] = contact(key, number, f"{first} {last}", stamp) | {
                "email": f"{_host(first)}@{_host(customer['name'])}.example",
                "phone": f"+45 {rng.randint(20_000_000, 99_999_999)}" if rng.random() < 0.6 else "",
                "userInterfaceNumber": place + 1,
                "receiveInvoices": place == 0,
            }
    return found


def contact(number: int, customer: int, name: str, stamp: str) -> dict[str, Any]:
    return {
        "number": number,
        "customerNumber": customer,
        "name": name,
        "isDeleted": False,
        "objectVersion": f"v{number}-1",
        "lastUpdated": stamp,
    }


def invoices(count: int, *, customers: Table, rng: random.Random, today: date) -> Table:
    """Booked invoices; the first customers have paid, open and overdue ones, so that a demo finds them at once."""
    found: Table = {}
    rows = list(customers.values())
    for index in range(count if rows else 0):
        customer = rows[index // 4] if index < min(40, 4 * len(rows)) else rng.choice(rows)
        days = DAYS[customer["paymentTerms"]]
        paid, days_ago = ((False, 2), (True, days + 40), (False, days + 12), (True, days + 200))[index % 4]
        if index >= 40:
            days_ago = rng.randint(1, 540)
            paid = days_ago > days and rng.random() < 0.85
        net = rng.randint(40_000, 9_000_000) / 100 * (-1 if index > 40 and rng.random() < 0.03 else 1)
        found[10_001 + index] = invoice(customer, net=net, issued=today - timedelta(days=days_ago), paid=paid)
    return found


def invoice(customer: dict[str, Any], *, net: float, issued: date, paid: bool) -> dict[str, Any]:
    """Without its number, which its table gives. 25 % VAT at home, none abroad."""
    days = DAYS[customer["paymentTerms"]]
    vat = round(net * 0.25, 2) if customer["vatZone"] == 1 else 0.0
    rate = 7.46 if customer["currency"] == "EUR" else 1.0
    gross = round(net + vat, 2)
    return {
        "customer": customer["customerNumber"],
        "name": customer["name"],
        "date": issued.isoformat(),
        "dueDate": (issued + timedelta(days=days)).isoformat(),
        "currency": customer["currency"],
        "exchangeRate": rate * 100,
        "netAmount": net,
        "vatAmount": vat,
        "grossAmount": gross,
        "remainder": 0.0 if paid else gross,
        "netAmountInBaseCurrency": round(net * rate, 2),
        "remainderInBaseCurrency": 0.0 if paid else round(gross * rate, 2),
        "paymentTerms": customer["paymentTerms"],
    }
