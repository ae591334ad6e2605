"""The account that the sandbox starts with: made-up Brazilian companies and people, the same on every start."""

from __future__ import annotations

import random
import unicodedata
from typing import Any

from stdnum.br import cnpj

Table = dict[int, dict[str, Any]]


def _listed(text: str) -> list[str]:
    return text.split("|")


# The first ones, clients all of them (ids from 5001), with the tax ids that they have in other systems, too.
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
    "Pousada|Churrascaria|Cervejaria|Tecelagem|Vidraçaria|Imobiliária|Pet Shop|Floricultura|Academia|Serralheria|Sorveteria|Agropecuária"
)
_NAMES = _listed(
    "Araucária|Beija-Flor|Canela|Dom Pedro|Esperança|Figueira|Garça Branca|Hortênsia|Iguaçu|Jabuticaba|Lagoa Azul|Mandacaru|Nascente"
)
_FIRST = _listed(
    "Adriana|Bernardo|Cecília|Davi|Elisa|Fábio|Giovana|Henrique|Inês|Júlio|Letícia|Márcio|Natália|Otávio|Patrícia|Renato|Sílvia|Thiago"
)
_LAST = _listed("Batista|Campos|Duarte|Esteves|Freitas|Guimarães|Henriques|Junqueira|Lopes|Machado|Nogueira|Pacheco|Queiroz|Ramos|Siqueira")
_TOWNS = (
    ("Florianópolis", "Santa Catarina", "88010"),
    ("São Paulo", "São Paulo", "01310"),
    ("Belo Horizonte", "Minas Gerais", "30110"),
    ("Salvador", "Bahia", "40010"),
    ("Fortaleza", "Ceará", "60010"),
)
_ROLES = _listed("Diretora|Gerente|Compras|Financeiro|Sócio")
_OWN: tuple[tuple[str, int, str, list[str]], ...] = (
    ("Data de fundação", 2, "Contato", []),
    ("Chamados", 8, "Contato", []),
    ("Porte", 5, "Contato", ["Pequeno", "Médio", "Grande"]),
    ("Limite de crédito", 3, "Contato", []),
    ("Recebe boletim", 4, "Contato", []),
    ("Motivo da perda", 1, "Oportunidade", []),
)
FIELDS = [
    {"id": id, "nome": name, "alias": f"campo_extra_{id}", "tipo": kind, "obrigatorio": False, "relacionado": related, "opcoes": choices}
    for id, (name, kind, related, choices) in enumerate(_OWN, start=1)
]


def contacts(companies: int, *, seed: int) -> Table:
    """Companies from 5001, people from 50001: two to a company, some without one, some only inside it."""
    rng = random.Random(seed)
    table: Table = {}
    for index in range(companies):
        table[5001 + index] = _company(index, rng=rng)
    for index in range(2 * companies):
        home = table[5001 + index // 2] if index % 11 != 10 else None
        table[50_001 + index] = _person(index, home=home, rng=rng)
    return table


def blank(id: int) -> dict[str, Any]:
    empty = (
        "nome",
        "razaoSocial",
        "codigo",
        "cnpj",
        "cpf",
        "emailPrincipal",
        "telefonePrincipal",
        "observacao",
        "site",
        "empresaAtual",
        "cargo",
    )
    return {
        **dict.fromkeys(empty),
        **{name: [] for name in ("emails", "telefones", "enderecos", "listas", "contatos")},
        "id": id,
        "ativo": True,
        "empresa": True,
        "isEmpresa": True,
        "constante": 1,
        "sigiloso": False,
        "camposPersonalizados": {},
        "dataCriacao": "2022-05-02T09:00:00-03:00",
        "dataAtualizacao": "2026-10-01T10:00:00-03:00",
    }


def masked(number: str) -> str:
    if len(number) == 14:
        return f"{number[:2]}.{number[2:5]}.{number[5:8]}/{number[8:12]}-{number[12:]}"
    return f"{number[:3]}.{number[3:6]}.{number[6:9]}-{number[9:]}"


def _company(index: int, *, rng: random.Random) -> dict[str, Any]:
    """After the showcase: life cycles in turn; every eighth inactive, every fourteenth confidential."""
    shown = index < len(SHOWCASE)
    name = SHOWCASE[index][0] if shown else f"{_TRADES[index % 12]} {_NAMES[(index * 5 + index // 12) % 13]}"
    name = name if index < 160 else f"{name} {index}"
    host = _host(name)
    root = f"{11_222_330 + index if shown else rng.randint(0, 99_999_999):08d}0001"
    return {
        **blank(5001 + index),
        "nome": name,
        "razaoSocial": SHOWCASE[index][1] if shown else f"{name} Ltda",
        "codigo": f"C-{index + 1:04d}",
        "ativo": shown or index % 8 != 0,
        "constante": 0 if shown else (0, 1, 2, 3, 5)[index % 5],
        "cnpj": masked(root + cnpj.calc_check_digits(root)),
        "emails": [f"contato@{host}.example", f"financeiro@{host}.example"],
        "emailPrincipal": f"contato@{host}.example",
        "telefones": [f"47{rng.randint(30_000_000, 39_999_999)}"],
        "telefonePrincipal": None,
        "enderecos": [_address(rng)],
        "observacao": "Indicação de um cliente." if index % 6 == 0 else None,
        "site": f"https://www.{host}.example",
        "listas": [{"id": 1, "nome": "Clientes VIP"}] if index % 4 == 0 else [],
        "sigiloso": not shown and index % 14 == 0,
        "camposPersonalizados": {
            "Data de fundação": f"{1980 + index % 40}-03-11T00:00:00-03:00",
            "Porte": ("Pequeno", "Médio", "Grande")[index % 3],
            "Limite de crédito": 1530.75 * (index % 5),
            "Recebe boletim": index % 2 == 0,
        },
        "contatos": [{"nome": f"{_FIRST[index % 18]} {_LAST[index % 15]}", "cargo": "Recepção", "emails": [f"recepcao@{host}.example"]}]
        if index % 5 == 1
        else [],
    }


def _person(index: int, *, home: dict[str, Any] | None, rng: random.Random) -> dict[str, Any]:
    """Related contacts of clients, otherwise of the life cycle of their company."""
    name = f"{_FIRST[(index * 7) % 18]} {_LAST[(index * 4 + index // 18) % 15]} {_LAST[(index * 11 + 3) % 15]}"
    email = f"{_host(name)}{index}@{_host(home['nome']) if home else 'livre'}.example"
    return {
        **blank(50_001 + index),
        "nome": name,
        "empresa": False,
        "isEmpresa": False,
        "constante": 2 if home is None else 4 if home["constante"] == 0 else home["constante"],
        "ativo": index % 17 != 16,
        "cargo": rng.choice(_ROLES),
        "emails": [email],
        "telefones": [f"4799{rng.randint(1_000_000, 9_999_999)}", f"47{rng.randint(30_000_000, 39_999_999)}"],
        "empresaAtual": {"id": home["id"], "nome": home["nome"]} if home else None,
    }


def _address(rng: random.Random) -> dict[str, Any]:
    town, state, code = rng.choice(_TOWNS)
    return {
        "cep": f"{code}{rng.randint(0, 999):03d}",
        "logradouro": rng.choice(("Rua das Acácias", "Avenida Central", "Rua Sete de Setembro")),
        "numero": str(rng.randint(1, 999)),
        "complemento": f"Sala {rng.randint(1, 99)}" if rng.random() < 0.3 else "",
        "bairro": rng.choice(("Centro", "Trindade", "Boa Vista")),
        "municipio": town,
        "estado": state,
        "pais": "Brasil",
        "principal": True,
        "tipo": 2,
    }


def _host(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower())
    return "".join(char for char in plain if char.isascii() and char.isalnum())[:30]
