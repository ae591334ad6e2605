"""The contract of the twelve tables, as data: what the API describes, checks, merges and exports. Columns are those of the models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import connection, models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from erp_history import models as erp
from erp_history.models import ErpRow

META = ("id", "workspace_id", "received_at", "request_id", "gone_at")
KEYS = ("filial", "codigo_erp")
SIZES = {"filial": 10}
STATES = {"a": "A", "i": "I", "b": "B", "ativo": "A", "inativo": "I", "bloqueado": "B", "active": "A", "inactive": "I", "blocked": "B"}
ORDER_STATES = {name: name for name in ("aberto", "faturado", "parcial", "cancelado")}
NOTE_KINDS = {name: name for name in ("venda", "devolucao", "complemento")}
NOTE_STATES = {name: name for name in ("autorizada", "cancelada", "denegada")}
QUOTE_STATES = {name: name for name in ("aberta", "ganha", "perdida")}
STANDINGS = {name: name for name in ("ativo", "inativo", "prospect", "bloqueado")}
KINDS: tuple[tuple[type[models.Field[Any, Any]], str], ...] = (
    (models.DateTimeField, "datetime"),
    (models.DateField, "date"),
    (models.DecimalField, "decimal"),
    (models.BooleanField, "boolean"),
    (models.IntegerField, "integer"),
    (models.CharField, "text"),
    (models.TextField, "text"),
)
SPECIAL = {"cnpj": "cnpj", "cpf": "cpf", "cnpj_cpf": "cnpj_cpf", "cep": "digits", "ibge": "digits", "uf": "upper", "moeda": "upper"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `kind`: text code decimal integer date datetime boolean choice cnpj cpf cnpj_cpf digits upper."""

    name: str
    kind: str
    size: int | None
    required: bool
    is_key: bool
    db_type: str
    choices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reference:
    """`column` holds the key of a row of `table`."""

    column: str
    table: str


@dataclass(frozen=True)
class Table:
    """A table of the contract."""

    name: str
    model: type[ErpRow]
    label: str | Promise
    text: str | Promise
    key: tuple[str, ...] = KEYS
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    day: str = ""  # the date that orders its rows

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Every column a batch may bring, key first."""
        found = [self._column(item) for item in self.model._meta.concrete_fields if item.column not in META]
        return tuple(sorted(found, key=lambda column: (not column.is_key, self.key.index(column.name) if column.is_key else 0)))

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def db_table(self) -> str:
        return self.model._meta.db_table

    def _column(self, item: models.Field[Any, Any]) -> Column:
        kind = next(word for python, word in KINDS if isinstance(item, python))
        is_key = item.column in self.key
        if kind == "text":
            kind = _text_kind(item.column, is_key=is_key, choices=self.choices)
        return Column(
            name=item.column,
            kind=kind,
            size=item.max_length if kind not in {"date", "decimal"} else None,
            required=item.column in self.required or (is_key and item.column != "filial"),
            is_key=is_key,
            db_type=str(item.db_type(connection)),
            choices=self.choices.get(item.column, {}),
        )


def _text_kind(name: str, *, is_key: bool, choices: Mapping[str, Any]) -> str:
    if name in choices:
        return "choice"
    if is_key or name.startswith("codigo_") or name in {"item_pedido", "filial"}:
        return "code"
    return SPECIAL.get(name, "text")


BUYER = ("codigo_empresa", "codigo_contato")
OF_BUYER = (Reference("codigo_empresa", "empresa"), Reference("codigo_contato", "contato"))
_listed = (
    Table("vendedor", erp.Vendedor, _("Sellers"), _("People who sell. Each is the owner of a portfolio."), required=("nome",)),
    Table("fornecedor", erp.Fornecedor, _("Suppliers"), _("Companies that supply."), required=("razao_social",)),
    Table(
        "empresa", erp.Empresa, _("Companies"), _("Customers that are companies."), required=("razao_social",),
        choices={"situacao": STATES}, references=(Reference("codigo_vendedor", "vendedor"),),
    ),
    Table(
        "contato", erp.Contato, _("Contacts"), _("People at companies, and consumers."), required=("nome",),
        references=(Reference("codigo_empresa", "empresa"),),
    ),
    Table(
        "pedido", erp.Pedido, _("Orders"), _("Sales orders of the last two years."), required=("data_emissao", "valor_total"), one_of=BUYER,
        choices={"situacao": ORDER_STATES}, references=OF_BUYER, day="data_emissao",
    ),
    Table(
        "itens_pedido", erp.ItensPedido, _("Order items"), _("Lines of the orders."), key=("filial", "codigo_pedido", "item"),
        required=("codigo_produto", "quantidade", "valor_unitario"), references=(Reference("codigo_pedido", "pedido"),),
    ),
    Table(
        "nota", erp.Nota, pgettext_lazy("ERP", "Invoices"),
        _("Sales invoices and returns of the last two years."), required=("data_emissao", "valor_total"),
        one_of=BUYER, choices={"tipo": NOTE_KINDS, "situacao": NOTE_STATES}, references=OF_BUYER, day="data_emissao",
    ),
    Table(
        "itens_nota", erp.ItensNota, _("Invoice items"), _("Lines of the invoices."), key=("filial", "codigo_nota", "item"),
        references=(Reference("codigo_nota", "nota"),),
    ),
    Table(
        "fatura", erp.Fatura, _("Receivables"), _("Open receivables. What a complete load lacks is closed."),
        required=("data_vencimento", "valor", "saldo"), one_of=BUYER, references=OF_BUYER, day="data_vencimento",
    ),
    Table(
        "cotacao", erp.Cotacao, pgettext_lazy("ERP", "Quotes"), _("Quotes and their outcome."), required=("data",), one_of=BUYER,
        choices={"situacao": QUOTE_STATES}, references=OF_BUYER, day="data",
    ),
    Table(
        "itens_cotacao", erp.ItensCotacao, _("Quote items"), _("Lines of the quotes."), key=("filial", "codigo_cotacao", "item"),
        required=("codigo_produto", "quantidade", "valor_unitario"), references=(Reference("codigo_cotacao", "cotacao"),),
    ),
    Table(
        "empresa_marca", erp.EmpresaMarca, _("Companies by brand"), _("A company's commercial standing with each brand."),
        key=("filial", "codigo_empresa", "marca"), choices={"situacao_comercial": STANDINGS},
        references=(Reference("codigo_empresa", "empresa"),),
    ),
)  # fmt: skip
TABLES: dict[str, Table] = {table.name: table for table in _listed}


def describe(table: Table) -> dict[str, Any]:
    """What `GET {table}/info/` answers."""
    references = {reference.column: reference.table for reference in table.references}
    fields = [
        {
            "name": column.name,
            "type": TYPE_WORDS.get(column.kind, column.kind),
            "size": column.size,
            "required": column.required,
            "key": column.is_key,
            "values": sorted(set(column.choices.values())) or None,
            "references": references.get(column.name),
        }
        for column in table.columns
    ]
    return {
        "table": table.name,
        "description": str(table.text),
        "key": list(table.key),
        "one_of": list(table.one_of),
        "fields": fields,
    }


TYPE_WORDS = {"code": "text", "choice": "text", "digits": "text", "upper": "text", "cnpj_cpf": "text", "cnpj": "text", "cpf": "text"}


def joined_key(parts: list[str]) -> str:
    """The key as one text: an empty filial is left out."""
    return "|".join(parts[1:] if parts and not parts[0] else parts)


def split_key(table: Table, text: str) -> dict[str, str] | None:
    """The key columns of a joined key; None when it has too few or too many parts."""
    parts = text.split("|")
    if len(parts) == len(table.key) - 1:
        parts = ["", *parts]
    return dict(zip(table.key, parts, strict=True)) if len(parts) == len(table.key) else None
