"""The books that a sandbox company starts with: made-up names, the same on every start; days relative to today."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

Table = dict[int, dict[str, Any]]


def _listed(text: str) -> list[str]:
    return text.split("|")


# First in the book, in this order, so that a demo or a test can count on them (ids from 1001).
SHOWCASE = (
    "Harrington & Cole Ltd",
    "Bluebell Joinery",
    "Northgate Dental Practice",
    "Meridian Coffee Roasters Limited",
    "Whitaker Plumbing & Heating",
    "Saltmarsh Books",
    "Pennine Web Studio Ltd",
    "O\u2019Connor Landscapes",
    "Caf\u00e9 Zo\u00eb",
    "Thistle & Thorn Florists",
)
_NAMES = _listed(
    "Harrington|Ashworth|Bramley|Calloway|Dunmore|Ellison|Fairfax|Granger|Hollis|Ingram|Jessop|Kendrick|Langley|Marlowe|Norwood|"
    "Oakley|Prescott|Quinn|Rowntree|Sheldon|Thackeray|Underwood|Vickers|Whitmore|Yardley|Ainsley|Beckett|Carlisle|Darby|Everett|"
    "Fielding|Garrick|Hartley|Irvine|Jarvis|Keating|Lomax|Merrick|Newbury|Osborne|Penrose|Radcliffe|Stanton|Tennant|Upton|Vaughan|"
    "Winslow|Aldridge|Barlow|Chadwick"
)
_PLACES = _listed(
    "Northgate|Riverside|Highfield|Meadowbank|Silverdale|Westbourne|Kingsway|Oakwood|Thornbury|Lakeside|Harbour|Moorland|Castle|"
    "Abbey|Orchard|Millbrook|Foxglove|Hawthorn|Juniper|Larkspur"
)
_TRADES = _listed(
    "Joinery|Plumbing & Heating|Dental Practice|Coffee Roasters|Landscapes|Web Studio|Architects|Bakery|Motor Services|"
    "Veterinary Clinic|Books|Electrical|Recruitment|Catering|Physiotherapy|Brewery|Interiors|Logistics|Accountancy|Photography|"
    "Garden Centre|Optometry|Roofing|Tailors"
)
_FORMS = ("Ltd", "Limited", "LLP", "", "", "& Sons", "Group", "(UK) Ltd")
_STREETS = _listed(
    "High Street|Station Road|Church Lane|Mill Lane|Victoria Road|The Green|Park Avenue|King Street|Albion Works|Queen's Road"
)
_TOWNS = (
    ("Leeds", "West Yorkshire", "LS1"),
    ("Bristol", "", "BS1"),
    ("Norwich", "Norfolk", "NR2"),
    ("Manchester", "", "M3"),
    ("Exeter", "Devon", "EX4"),
    ("Guildford", "Surrey", "GU1"),
    ("Edinburgh", "", "EH3"),
    ("Cardiff", "", "CF10"),
    ("York", "North Yorkshire", "YO1"),
    ("Brighton", "East Sussex", "BN1"),
    ("Chester", "Cheshire", "CH1"),
    ("London", "", "EC1V"),
)
_SUPPLIERS = _listed(
    "Albion Paper Supplies|Brightline Telecom|Cavendish Insurance Brokers|Delta Van Hire|Eastfield Stationery|Fenland Freight|"
    "Greenway Energy|Hexagon Hosting|Isis Office Cleaning|Jubilee Print Works|Kestrel Couriers|Ludlow Timber Merchants|"
    "Mersey Packaging|Nimbus Cloud Services|Oxbow Legal|Paragon Tools|Quayside Catering Supplies|Redwood Furniture|"
    "Severn Water Coolers|Trent Training|Union Square Coworking|Vale Vehicle Leasing|Wharfside Storage|Xpress Signs|"
    "Yeoman Security|Zenith Software|Arden Accountants|Bolt Electrical Wholesale|Copperfield Catering|Dorset Data Centres"
)
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"


def name_of(index: int, rng: random.Random) -> str:
    if index < len(SHOWCASE):
        return SHOWCASE[index]
    first, rest = divmod(index, len(_TRADES))
    name, partner, place = _NAMES[(first + rest * 17) % 50], _NAMES[(first * 7 + rest + 3) % 50], _PLACES[(first + rest) % 20]
    who = rng.choice((name, place, f"{name} & {partner}"))
    return f"{who} {_TRADES[rest]} {_FORMS[index % len(_FORMS)]}".strip()


def clients(count: int, *, rng: random.Random, first_id: int = 1001) -> Table:
    table: Table = {}
    seen: set[str] = set()
    for index in range(count):
        name = name_of(index, rng)
        # The words run out after some hundreds; then the town, then a number tells names apart.
        if name in seen:
            name = f"{name}, {_TOWNS[index % 12][0]}"
        if name in seen:
            name = f"{name} {index}"
        seen.add(name)
        table[first_id + index] = _client(first_id + index, name, index, rng)
    return table


def _client(id: int, name: str, index: int, rng: random.Random) -> dict[str, Any]:
    host = "".join(char for char in name.lower().replace("&", "and") if char.isascii() and char.isalnum())[:30]
    has_mail = index < len(SHOWCASE) or rng.random() < 0.93
    return {
        "id": id,
        "name": name,
        "email": f"accounts@{host}.example" if has_mail else None,
        "paymentTermsDays": rng.choice((7, 14, 30, 30, 60)),
        "billingAddress": address(rng),
        "note": {"id": id * 10, "text": "Pays by BACS."} if rng.random() < 0.2 else None,
    }


def address(rng: random.Random) -> dict[str, Any]:
    town, county, district = rng.choice(_TOWNS)
    street = f"{rng.randint(1, 180)} {rng.choice(_STREETS)}"
    lines = [f"Unit {rng.randint(1, 40)}", street, town, county] if rng.random() < 0.3 else [street, town, county, ""]
    code = f"{district} {rng.randint(1, 9)}{rng.choice(_LETTERS)}{rng.choice(_LETTERS)}"
    keys = ("line1", "line2", "line3", "line4")
    return {**{key: line or None for key, line in zip(keys, lines, strict=True)}, "postCode": code, "country": "GB"}


def suppliers(count: int, *, rng: random.Random, first_id: int = 501) -> Table:
    return {
        first_id + index: {
            "id": first_id + index,
            "companyName": _SUPPLIERS[index % 30] + (f" {index // 30 + 1}" if index >= 30 else ""),
            "contactName": f"{rng.choice(('Anna', 'Ben', 'Chloe', 'Dev', 'Ewan'))} {rng.choice(_NAMES)}",
            "country": "GB",
            "archived": False,
        }
        for index in range(count)
    }


def invoices(count: int, *, book: Table, rng: random.Random, today: date, first_id: int = 5001) -> Table:
    customers = list(book.values())
    if not customers:
        return {}
    table: Table = {}
    for index in range(count):
        # The first clients have several of every kind, so that a demo finds them at once.
        customer = customers[index // 4] if index < min(40, 4 * len(customers)) else rng.choice(customers)
        fate, days_ago = _fate(index, int(customer["paymentTermsDays"]), rng)
        table[first_id + index] = invoice(
            first_id + index,
            customer=customer,
            net=rng.randint(4_000, 900_000) / 100,
            issued=today - timedelta(days=days_ago),
            today=today,
            currency="EUR" if rng.random() < 0.08 else "GBP",
            fate=fate,
        )
    return table


def _fate(index: int, terms: int, rng: random.Random) -> tuple[str, int]:
    """What became of an invoice, and how many days ago it was issued."""
    days_ago = rng.randint(1, 540)
    if index < 40:
        return (("open", terms // 2), ("paid", terms + 40), ("open", terms + 12), ("paid", terms + 200))[index % 4]
    luck = rng.random()
    if luck < 0.03:
        return "draft", rng.randint(0, 5)
    if luck < 0.06:
        return "written_off", days_ago + terms
    if luck < 0.10:
        return "credited", days_ago
    if luck < 0.20:
        return "open", terms + rng.randint(1, 60)
    if luck < 0.32:
        return "open", rng.randint(0, terms)
    return "paid", days_ago


def invoice(id: int, *, customer: dict[str, Any], net: float, issued: date, today: date, currency: str, fate: str) -> dict[str, Any]:
    """One sales invoice. `fate`: draft, open, paid, credited, written_off."""
    days = timedelta(days=int(customer.get("paymentTermsDays") or 30))
    gross = round(net * 1.2, 2)
    state = {"draft": "DRAFT", "written_off": "WRITTEN_OFF", "open": "OVERDUE" if issued + days < today else "DUE"}.get(fate, "SETTLED")
    credit = {"id": id * 10 + 1, "amount": gross, "date": issued.isoformat(), "state": "ISSUED"}
    payment = {"id": id * 10 + 2, "amount": gross, "date": min(issued + days // 2, today).isoformat()}
    item = {"id": id * 10, "description": "Services as agreed", "quantity": 1.0, "rate": net, "amount": gross}
    return {
        "id": id,
        "invoiceNumber": f"INV-{id:05d}",
        "customer": {
            "id": customer["id"],
            "name": customer["name"],
            "email": customer["email"],
            "billingAddress": customer["billingAddress"],
        },
        "currency": currency,
        "issuedDate": issued.isoformat(),
        "dueDate": (issued + days).isoformat(),
        "netAmount": net,
        "grossAmount": gross,
        "outstandingBalance": 0.0 if fate in {"paid", "credited", "written_off"} else gross,
        "state": state,
        "deletable": fate == "draft",
        "lineItemType": "SERVICES",
        "items": [item],
        "creditNotes": [credit] if fate == "credited" else [],
        "payment": {"paymentTerms": {"days": days.days, "sendReminders": True}},
        "payments": [payment] if fate == "paid" else [],
        "note": None,
    }
