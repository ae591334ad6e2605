"""The helpdesk that the sandbox starts with: made-up Brazilian companies, people and tickets, the same on every start."""

from __future__ import annotations

import random
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from stdnum.br import cnpj

from integrations.providers.movidesk.sandbox_desk import ARRAYS, PROPERTIES, as_text


def _listed(text: str) -> list[str]:
    return text.split("|")


# First in the list, in this order and active, so that a demo or a test can count on them (codes from 200000001).
SHOWCASE = (
    ("Padaria Pão Dourado", "Pão Dourado Alimentos Ltda"),
    ("Clínica Sorriso Pleno", "Sorriso Pleno Odontologia Ltda"),
    ("Metalúrgica Vale do Itajaí", "Metalúrgica Vale do Itajaí S.A."),
    ("Café Serra Azul", "Serra Azul Torrefação Eireli"),
    ("Livraria Três Corações", "Três Corações Comércio de Livros Ltda"),
    ("Transportes Boa Viagem", "Boa Viagem Logística e Transportes Ltda"),
    ("Farmácia Vida Nova", "Vida Nova Medicamentos Ltda"),
    ("Escola Pequeno Príncipe", "Pequeno Príncipe Educação Infantil Ltda"),
    ("Construtora Horizonte", "Horizonte Engenharia e Construções S.A."),
    ("Auto Peças São Jorge", "São Jorge Auto Peças Ltda ME"),
)
_TRADES = _listed(
    "Padaria|Clínica|Metalúrgica|Café|Livraria|Transportes|Farmácia|Escola|Construtora|Auto Peças|Hotel|Restaurante|Gráfica|Ótica|"
    "Laticínios|Móveis|Contabilidade|Advocacia|Informática|Supermercado"
)
_NAMES = _listed(
    "Boa Vista|Santa Clara|Primavera|Ipê Amarelo|Três Irmãos|Bela Aurora|Novo Tempo|Rio Doce|Serra Verde|Estrela do Sul|Guarani|"
    "Monte Alegre|Jacarandá|Bom Retiro|Cruzeiro|Mar Azul|Sabiá|Planalto|Andorinha|Porto Seguro"
)
_FORMS = _listed("Ltda|Ltda ME|S.A.|Eireli|Ltda EPP")
_FIRST = _listed(
    "Ana|Bruno|Camila|Diego|Eduarda|Felipe|Gabriela|Heitor|Isabela|João|Karina|Lucas|Mariana|Nicolas|Olívia|Paulo|Rafaela|Samuel|Tainá|Vitor"
)
_LAST = _listed(
    "Silva|Souza|Oliveira|Pereira|Lima|Carvalho|Almeida|Ribeiro|Gonçalves|Araújo|Barbosa|Conceição|Nascimento|Moraes|Cardoso|Teixeira"
)
_STREETS = _listed(
    "Rua das Palmeiras|Avenida Brasil|Rua XV de Novembro|Rua Joinville|Avenida Paulista|Rua Sete de Setembro|Travessa do Porto"
)
_DISTRICTS = _listed("Centro|Jardim América|Vila Nova|Boa Vista|Santo Antônio")
_TOWNS = (
    ("Blumenau", "Santa Catarina", "89010", "47"),
    ("Joinville", "Santa Catarina", "89201", "47"),
    ("São Paulo", "São Paulo", "01310", "11"),
    ("Curitiba", "Paraná", "80010", "41"),
    ("Porto Alegre", "Rio Grande do Sul", "90010", "51"),
    ("Belo Horizonte", "Minas Gerais", "30110", "31"),
    ("Recife", "Pernambuco", "50010", "81"),
)
_SUBJECTS = _listed(
    "Erro ao emitir nota fiscal|Sistema lento pela manhã|Dúvida sobre o relatório de vendas|Impressora não responde|Troca de senha|"
    "Pedido de treinamento|Integração com o banco parada|Cobrança em duplicidade"
)
_STATUS = (
    ("Novo", "New"),
    ("Em atendimento", "InAttendance"),
    ("Aguardando cliente", "Stopped"),
    ("Resolvido", "Resolved"),
    ("Fechado", "Closed"),
)
_AGENTS = ("Beatriz Atendente", "Caio Suporte", "Denise Suporte")


def fill(companies: int, *, people: int, seed: int, today: datetime) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Persons (agents, companies, a department, people) and tickets."""
    rng = random.Random(seed)
    agents = [_agent(index, name, today=today) for index, name in enumerate(_AGENTS)]
    firms = [_company(index, rng=rng, today=today) for index in range(companies)]
    department = [_department(firms[0], today=today)] if firms else []
    humans = [_person(index, firms=firms, rng=rng, today=today) for index in range(people)]
    return [*agents, *firms, *department, *humans], _tickets(humans, firms=firms, rng=rng, today=today)


def blank() -> dict[str, Any]:
    return {**dict.fromkeys(PROPERTIES), **{name: [] for name in ARRAYS}, "isActive": True, "personType": 2, "profileType": 2}


def tax_id(digits: str) -> str:
    """A CPF (9 characters given) or CNPJ (12) with its check digits."""
    if len(digits) == 12:
        return f"{digits}{cnpj.calc_check_digits(digits)}"
    for _ in range(2):
        weighed = sum(int(digit) * weight for digit, weight in zip(reversed(digits), range(2, 12), strict=False))
        digits += str(weighed * 10 % 11 % 10)
    return digits


def host_of(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower())
    return "".join(char for char in plain if char.isascii() and char.isalnum())[:30]


def _company(index: int, *, rng: random.Random, today: datetime) -> dict[str, Any]:
    """Of those after the showcase every ninth is inactive and every eleventh was made by an earlier CRM."""
    plain = index < len(SHOWCASE)
    name = SHOWCASE[index][0] if plain else f"{_TRADES[index % 20]} {_NAMES[(index * 7 + index // 20) % 20]}"
    name = name if index < 410 else f"{name} {index}"
    legal = SHOWCASE[index][1] if plain else f"{name} {_FORMS[index % 5]}"
    town = rng.choice(_TOWNS)
    root = (
        f"{11_222_330 + index if plain else rng.randint(0, 99_999_999):08d}0001"
        if plain or index % 13 != 5
        else f"{rng.choice('BCDFG')}{rng.randint(0, 9_999_999):07d}0001"
    )
    code = str(200_000_001 + index) if plain or index % 11 else f"Nectar{500 + index}"
    mails = [(f"contato@{host_of(name)}.example", "Profissional")] + (
        [(f"financeiro@{host_of(name)}.example", "Financeiro")] if index % 3 == 0 else []
    )
    return {
        **_dated(rng, today=today),
        "id": code,
        "isActive": plain or index % 9 != 0,
        "personType": 2,
        "businessName": name,
        "corporateName": legal,
        "cpfCnpj": tax_id(root),
        "observations": "Cliente desde a fundação." if rng.random() < 0.2 else None,
        "emails": _defaulted([{"emailType": kind, "email": mail} for mail, kind in mails]),
        "contacts": _phones(town[3], rng=rng),
        "addresses": [_address(town, rng=rng)],
    }


def _person(index: int, *, firms: list[dict[str, Any]], rng: random.Random, today: datetime) -> dict[str, Any]:
    """Two per company in turn; every tenth has none, every twelfth is inactive, every fifteenth works for two."""
    name = f"{_FIRST[index % 20]} {_LAST[(index * 3 + index // 20) % 16]} {_LAST[(index * 5 + 7 + index // 320) % 16]}"
    firm = firms[(index // 2) % len(firms)] if firms else None
    plain = index < 2 * len(SHOWCASE)
    homes = [firm] if firm and (plain or index % 10) else []
    if homes and not plain and index % 15 == 0:
        homes.append(rng.choice(firms))
    return {
        **_dated(rng, today=today),
        "id": str(300_000_001 + index),
        "isActive": plain or index % 12 != 0,
        "personType": 1,
        "businessName": name,
        "cpfCnpj": tax_id(f"{rng.randint(1, 999_999_998):09d}") if rng.random() < 0.5 else None,
        "role": rng.choice(("Gerente", "Compras", "Financeiro", "Sócio", None)),
        "emails": _defaulted(
            [{"emailType": "Profissional", "email": f"{host_of(name)}{index}@{host_of(firm['businessName']) if firm else 'livre'}.example"}]
        ),
        "contacts": _phones(rng.choice(_TOWNS)[3], rng=rng),
        "relationships": [
            {"id": home["id"], "name": home["businessName"], "slaAgreement": None, "allowAllServices": True, "services": []}
            for home in {home["id"]: home for home in homes}.values()
        ],
    }


def _agent(index: int, name: str, *, today: datetime) -> dict[str, Any]:
    stamp = as_text(today - timedelta(days=900))
    return {**blank(), "id": str(index + 1), "personType": 1, "profileType": 1, "businessName": name, "accessProfile": "Agentes",
            "teams": ["Suporte"], "createdDate": stamp, "changedDate": stamp}  # fmt: skip


def _department(firm: dict[str, Any], *, today: datetime) -> dict[str, Any]:
    stamp = as_text(today - timedelta(days=600))
    return {**blank(), "id": "400000001", "personType": 4, "businessName": f"Compras de {firm['businessName']}",
            "createdDate": stamp, "changedDate": stamp}  # fmt: skip


def _dated(rng: random.Random, *, today: datetime) -> dict[str, Any]:
    changed = today - timedelta(days=rng.randint(1, 400), seconds=rng.randint(0, 80_000))
    return {**blank(), "createdBy": "1", "createdDate": f"{as_text(changed - timedelta(days=200))}0000", "changedDate": as_text(changed)}


def _defaulted(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**entry, "isDefault": position == 0} for position, entry in enumerate(entries)]


def _phones(area: str, *, rng: random.Random) -> list[dict[str, Any]]:
    found = [{"contactType": "Telefone", "contact": f"({area}) {rng.randint(2000, 3999)}-{rng.randint(0, 9999):04d}"}]
    if rng.random() < 0.4:
        found.append({"contactType": "Celular", "contact": f"({area}) 9{rng.randint(8000, 9999)}-{rng.randint(0, 9999):04d}"})
    return _defaulted(found)


def _address(town: tuple[str, str, str, str], *, rng: random.Random) -> dict[str, Any]:
    city, state, code, _area = town
    return {
        "addressType": "Comercial",
        "country": "Brasil",
        "postalCode": f"{code}-{rng.randint(0, 999):03d}",
        "state": state,
        "city": city,
        "district": rng.choice(_DISTRICTS),
        "street": rng.choice(_STREETS),
        "number": str(rng.randint(1, 2000)),
        "complement": f"Sala {rng.randint(1, 900)}" if rng.random() < 0.4 else "",
        "reference": "",
        "isDefault": True,
    }


def ticket(
    number: int, *, person: dict[str, Any], firms: dict[str, dict[str, Any]], status: tuple[str, str], made: datetime, **more: Any
) -> dict[str, Any]:
    homes = [firms[one["id"]] for one in person["relationships"] if one.get("id") in firms]
    return {
        "id": number,
        "protocol": f"{made:%Y%m}{number:06d}",
        "type": 2,
        "subject": _SUBJECTS[number % len(_SUBJECTS)],
        "category": "Dúvida",
        "urgency": "Média",
        "status": status[0],
        "baseStatus": status[1],
        "justification": None,
        "origin": 9,
        "createdDate": as_text(made),
        "owner": _short({"id": "1", "businessName": _AGENTS[number % 3], "personType": 1, "profileType": 1}),
        "ownerTeam": "Suporte",
        "createdBy": _short(person),
        "lastActionDate": as_text(made),
        "lastUpdate": as_text(made),
        "actionCount": 1,
        "clients": [{**_short(person), "isDeleted": False, "organization": _short(homes[0]) if homes else None}],
        "tags": [],
        "resolvedIn": None,
        "closedIn": None,
        "canceledIn": None,
        **more,
    }


def _short(person: dict[str, Any]) -> dict[str, Any]:
    mails, phones = person.get("emails") or [{}], person.get("contacts") or [{}]
    named = {key: person.get(key) for key in ("id", "businessName", "personType", "profileType")}
    return {**named, "email": mails[0].get("email"), "phone": phones[0].get("contact")}


def _tickets(people: list[dict[str, Any]], *, firms: list[dict[str, Any]], rng: random.Random, today: datetime) -> list[dict[str, Any]]:
    """The first people have some of every age; everybody else has one now and then."""
    by_id = {firm["id"]: firm for firm in firms}
    authors = [person for person in people[:20] for _ in range(3)] + rng.sample(people, len(people) // 2)
    return [
        ticket(
            number,
            person=author,
            firms=by_id,
            status=_STATUS[number % len(_STATUS)],
            made=today - timedelta(days=(number * 37) % 200, minutes=number),
        )
        for number, author in enumerate(authors, start=7001)
    ]
