"""A made-up distributor: sellers, companies with valid CNPJs, and months of orders, notes, receivables and quotes in a Pareto shape.

Everything follows from the seed: the same arguments give the same rows.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from erp_history.domain.figures import months_before
from erp_history.domain.formats import CNPJ_WEIGHTS

Row = dict[str, Any]
CITIES = (
    ("Recife", "PE"), ("São Paulo", "SP"), ("Campinas", "SP"), ("Curitiba", "PR"), ("Joinville", "SC"), ("Porto Alegre", "RS"),
    ("Belo Horizonte", "MG"), ("Goiânia", "GO"), ("Salvador", "BA"), ("Fortaleza", "CE"), ("Manaus", "AM"), ("Vitória", "ES"),
)  # fmt: skip
TRADES = ("Mercado", "Padaria", "Farmácia", "Autopeças", "Construções", "Papelaria", "Restaurante", "Distribuidora", "Oficina", "Móveis")
NAMES = ("Aurora", "Bela Vista", "São José", "Estrela", "Primavera", "Horizonte", "Três Irmãos", "Santa Rita", "Ipê", "Boa Esperança")
PEOPLE = ("Ana", "Bruno", "Carla", "Diego", "Elisa", "Fábio", "Gabriela", "Hugo", "Íris", "João", "Karina", "Lucas", "Marina", "Nuno")
SURNAMES = ("Silva", "Santos", "Oliveira", "Souza", "Lima", "Pereira", "Costa", "Rocha", "Almeida", "Barros", "Teixeira", "Moura")
BRANDS = ("Solaris", "Vértice", "Kappa", "Nórdica", "Brava", "Litoral")
PRODUCTS = 240


@dataclass(frozen=True, slots=True)
class Sample:
    """What to make up. `today` is the last day of the data."""

    companies: int
    months: int
    today: dt.date
    seed: int = 1

    @property
    def start(self) -> dt.date:
        return months_before(self.today, self.months)


def cnpj(number: int) -> str:
    """A valid CNPJ: eight characters of root, first branch."""
    digits = [int(char) for char in f"{10_000_000 + number * 7919 % 89_999_999:08d}0001"]
    for weights in (CNPJ_WEIGHTS[1:], CNPJ_WEIGHTS):
        rest = sum(map(int.__mul__, weights, digits)) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    return "".join(map(str, digits))


def batches(sample: Sample, *, size: int = 5000) -> Iterator[tuple[str, list[Row]]]:
    """(table, rows) in load order, at most `size` rows each."""
    for table, rows in tables(sample):
        waiting: list[Row] = []
        for row in rows:
            waiting.append(row)
            if len(waiting) == size:
                yield table, waiting
                waiting = []
        if waiting:
            yield table, waiting


def tables(sample: Sample) -> Iterator[tuple[str, Iterator[Row]]]:
    sellers = max(2, min(40, sample.companies // 50))
    yield "vendedor", _sellers(sellers)
    yield "fornecedor", iter([{"codigo_erp": f"F{n:03d}", "razao_social": f"{brand} Indústria SA"} for n, brand in enumerate(BRANDS)])
    yield "empresa", (_company(sample, n, sellers=sellers) for n in range(sample.companies))
    yield "contato", (_person(sample, n) for n in range(sample.companies))
    yield "pedido", (sale["pedido"] for sale in _sales(sample))
    yield "itens_pedido", (item for sale in _sales(sample) for item in sale["itens_pedido"])
    yield "nota", (row for sale in _sales(sample) for row in sale["nota"])
    yield "itens_nota", (item for sale in _sales(sample) for item in sale["itens_nota"])
    yield "fatura", (row for sale in _sales(sample) for row in sale["fatura"])
    yield "cotacao", (quote for n in range(sample.companies) if (quote := _quote(sample, n)))
    yield "itens_cotacao", (_quote_item(quote) for n in range(sample.companies) if (quote := _quote(sample, n)))
    yield "empresa_marca", (_standing(sample, n) for n in range(sample.companies))


def _dice(sample: Sample, *names: object) -> random.Random:
    return random.Random(f"{sample.seed}|{'|'.join(map(str, names))}")  # noqa: S311  made-up data need no secrets


def _code(number: int) -> str:
    return f"{number + 1:06d}"


def _sellers(count: int) -> Iterator[Row]:
    for n in range(count):
        name = f"{PEOPLE[n % len(PEOPLE)]} {SURNAMES[n // len(PEOPLE) % len(SURNAMES)]}"
        yield {"codigo_erp": f"V{n + 1:03d}", "nome": name, "email": f"vendedor{n + 1}@distribuidora.example", "comissao_pct": "2.50"}


def _company(sample: Sample, n: int, *, sellers: int) -> Row:
    dice = _dice(sample, "company", n)
    city, state = dice.choice(CITIES)
    trade, name = dice.choice(TRADES), dice.choice(NAMES)
    return {
        "codigo_erp": _code(n),
        "cnpj": cnpj(n + sample.seed * 100_000),
        "razao_social": f"{trade} {name} {n + 1} Ltda",
        "nome_fantasia": f"{trade} {name}",
        "email": f"compras@cliente{n + 1}.example",
        "telefone": f"{dice.randrange(11, 99)} 3{dice.randrange(10**7):07d}",
        "endereco": f"Rua {dice.choice(NAMES)}",
        "numero": str(dice.randrange(1, 3000)),
        "cidade": city,
        "uf": state,
        "cep": f"{dice.randrange(10**8):08d}",
        "segmento": trade,
        "codigo_vendedor": None if dice.random() < 0.05 else f"V{dice.randrange(sellers) + 1:03d}",
        "situacao": "B" if dice.random() < 0.02 else "A",
    }


def _person(sample: Sample, n: int) -> Row:
    dice = _dice(sample, "person", n)
    name = f"{dice.choice(PEOPLE)} {dice.choice(SURNAMES)} {dice.choice(SURNAMES)}"
    return {
        "codigo_erp": f"P{_code(n)}", "nome": name, "codigo_empresa": _code(n), "cargo": dice.choice(["Compras", "Gerente", "Financeiro"]),
        "email": f"contato{n + 1}@cliente{n + 1}.example",
    }  # fmt: skip


def _weight(sample: Sample, n: int) -> float:
    """How much a company buys: few buy most; a part stopped, some never bought."""
    return _dice(sample, "weight", n).paretovariate(1.16)


def _sales(sample: Sample) -> Iterator[dict[str, Any]]:
    """Every order with its lines, note, return and receivables."""
    span = (sample.today - sample.start).days
    for n in range(sample.companies):
        dice = _dice(sample, "sales", n)
        kind = dice.random()
        weight = _weight(sample, n)
        count = 0 if kind < 0.12 else min(60, 1 + int(weight * sample.months / 6))
        last = span if kind > 0.35 else int(span * dice.random())
        for number in range(count):
            day = sample.start + dt.timedelta(days=dice.randrange(last) if last else 0)
            yield _sale(sample, dice, n=n, number=number, day=day, weight=weight)


def _sale(sample: Sample, dice: random.Random, *, n: int, number: int, day: dt.date, weight: float) -> dict[str, Any]:
    code = f"{_code(n)}-{number + 1:03d}"
    lines = [_line(dice, position, weight) for position in range(dice.randrange(1, 6))]
    total = sum((Decimal(line["valor_total"]) for line in lines), Decimal(0))
    buyer = {"codigo_empresa": _code(n), "data_emissao": day.isoformat()}
    order = {"codigo_erp": code, "numero": code, **buyer, "situacao": "faturado", "valor_total": str(total), "moeda": "BRL"}
    note = {
        "codigo_erp": f"N{code}",
        "numero": code,
        "serie": "1",
        "tipo": "venda",
        "situacao": "autorizada",
        **buyer,
        "codigo_pedido": code,
    }
    notes = [note | {"valor_total": str(total)}]
    if dice.random() < 0.03:
        back = (total / 4).quantize(Decimal("0.01"))
        later = min(sample.today, day + dt.timedelta(days=dice.randrange(1, 20)))
        notes.append(note | {"codigo_erp": f"D{code}", "tipo": "devolucao", "data_emissao": later.isoformat(), "valor_total": str(back)})
    elif dice.random() < 0.02:
        notes[0]["situacao"] = "cancelada"
    return {
        "pedido": order,
        "itens_pedido": [{"codigo_pedido": code, **line} for line in lines],
        "nota": notes,
        "itens_nota": [{"codigo_nota": f"N{code}", **line} for line in lines],
        "fatura": _receivables(sample, code, buyer, total=total, day=day),
    }


def _line(dice: random.Random, position: int, weight: float) -> Row:
    product = dice.randrange(PRODUCTS)
    quantity = 1 + int(dice.random() * 10 * min(weight, 40))
    price = Decimal(dice.randrange(500, 20_000)) / 100
    return {
        "item": f"{position + 1:03d}",
        "codigo_produto": f"PR{product:04d}",
        "descricao": f"Produto {product} {BRANDS[product % len(BRANDS)]}",
        "marca": BRANDS[product % len(BRANDS)],
        "unidade": "UN",
        "quantidade": quantity,
        "valor_unitario": str(price),
        "valor_total": str(price * quantity),
    }


def _receivables(sample: Sample, code: str, buyer: Row, *, total: Decimal, day: dt.date) -> list[Row]:
    """Two instalments; only open ones are sent, as ERPs do."""
    half = (total / 2).quantize(Decimal("0.01"))
    dues = [(1, day + dt.timedelta(days=28), half), (2, day + dt.timedelta(days=56), total - half)]
    return [
        {
            "codigo_erp": f"{code}/{part}", "numero": code, "parcela": f"{part}/2", "total_parcelas": 2, **buyer,
            "codigo_nota": f"N{code}", "data_vencimento": due.isoformat(), "valor": str(amount), "saldo": str(amount),
        }
        for part, due, amount in dues
        if due > sample.today - dt.timedelta(days=10)
    ]  # fmt: skip


def _quote(sample: Sample, n: int) -> Row | None:
    dice = _dice(sample, "quote", n)
    if dice.random() > 0.15:
        return None
    day = sample.today - dt.timedelta(days=dice.randrange(150))
    state = dice.choice(["aberta", "aberta", "ganha", "perdida"])
    total = Decimal(dice.randrange(10_000, 500_000)) / 100
    return {
        "codigo_erp": f"Q{_code(n)}", "numero": f"Q{_code(n)}", "codigo_empresa": _code(n), "data": day.isoformat(), "situacao": state,
        "validade": (day + dt.timedelta(days=30)).isoformat(), "valor_total": str(total),
    }  # fmt: skip


def _quote_item(quote: Row) -> Row:
    return {
        "codigo_cotacao": quote["codigo_erp"], "item": "001", "codigo_produto": "PR0001", "descricao": "Produto 1", "marca": BRANDS[1],
        "quantidade": 1, "valor_unitario": quote["valor_total"], "valor_total": quote["valor_total"],
    }  # fmt: skip


def _standing(sample: Sample, n: int) -> Row:
    dice = _dice(sample, "brand", n)
    row = {"codigo_empresa": _code(n), "marca": dice.choice(BRANDS), "situacao_comercial": dice.choice(["ativo", "inativo", "prospect"])}
    if row["situacao_comercial"] == "ativo":
        bought = sample.today - dt.timedelta(days=dice.randrange(90))
        row |= {"data_ultima_compra": bought.isoformat(), "valor_12m": str(Decimal(dice.randrange(10_000, 900_000)) / 100)}
    return row
