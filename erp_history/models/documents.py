"""What the ERP sells: orders, invoices, receivables, quotes and their lines."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from erp_history.models.base import ErpRow, amount_field, text_field


def by_id(name: str) -> BrinIndex:
    """Which ids stand in which pages. The id has no other index, though Django takes it for the primary key: see migration 0015."""
    return BrinIndex(fields=["id"], name=name, pages_per_range=32, autosummarize=True)


class Pedido(ErpRow):
    """A sales order."""

    codigo_erp = models.CharField(max_length=60)
    numero = text_field(60)
    codigo_empresa = text_field(60)
    codigo_contato = text_field(60)
    codigo_vendedor = text_field(60)
    data_emissao = models.DateField(null=True)
    data_previsao = models.DateField(null=True)
    data_entrega = models.DateField(null=True)
    situacao = text_field(20)
    condicao_pagamento = text_field(80)
    valor_produtos = amount_field()
    valor_desconto = amount_field()
    valor_frete = amount_field()
    valor_total = amount_field()
    moeda = text_field(3)
    observacao = models.TextField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "codigo_erp"], name="erp_pedido_key")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "codigo_empresa", "-data_emissao"], name="erp_pedido_of_company"),
            by_id("erp_pedido_by_id"),
        ]

    def __str__(self) -> str:
        return self.key


class ItensPedido(ErpRow):
    """A line of an order."""

    codigo_pedido = models.CharField(max_length=60)
    item = models.CharField(max_length=20)
    codigo_produto = text_field(60)
    descricao = text_field(200)
    marca = text_field(80)
    grupo = text_field(80)
    unidade = text_field(10)
    quantidade = amount_field()
    valor_unitario = amount_field()
    desconto_pct = amount_field()
    desconto_valor = amount_field()
    valor_total = amount_field()
    quantidade_entregue = amount_field()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "codigo_pedido", "item"], name="erp_itens_pedido_key")
        ]
        indexes: ClassVar[list[models.Index]] = [by_id("erp_itens_pedido_by_id")]

    def __str__(self) -> str:
        return self.key


class Nota(ErpRow):
    """A sales invoice (nota fiscal) or a return."""

    codigo_erp = models.CharField(max_length=60)
    numero = text_field(60)
    serie = text_field(10)
    chave_nfe = text_field(44)
    modelo = text_field(10)
    tipo = text_field(20)
    situacao = text_field(20)
    codigo_empresa = text_field(60)
    codigo_contato = text_field(60)
    codigo_vendedor = text_field(60)
    codigo_pedido = text_field(60)
    data_emissao = models.DateField(null=True)
    valor_produtos = amount_field()
    valor_desconto = amount_field()
    valor_frete = amount_field()
    valor_impostos = amount_field()
    valor_total = amount_field()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "codigo_erp"], name="erp_nota_key")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "codigo_empresa", "-data_emissao"], name="erp_nota_of_company"),
            by_id("erp_nota_by_id"),
        ]

    def __str__(self) -> str:
        return self.key


class ItensNota(ErpRow):
    """A line of an invoice."""

    codigo_nota = models.CharField(max_length=60)
    item = models.CharField(max_length=20)
    codigo_produto = text_field(60)
    descricao = text_field(200)
    marca = text_field(80)
    cfop = text_field(4)
    unidade = text_field(10)
    quantidade = amount_field()
    valor_unitario = amount_field()
    valor_total = amount_field()
    quantidade_devolvida = amount_field()
    valor_devolvido = amount_field()
    codigo_pedido = text_field(60)
    item_pedido = text_field(20)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "codigo_nota", "item"], name="erp_itens_nota_key")
        ]
        indexes: ClassVar[list[models.Index]] = [by_id("erp_itens_nota_by_id")]

    def __str__(self) -> str:
        return self.key


class Fatura(ErpRow):
    """An open receivable (duplicata)."""

    codigo_erp = models.CharField(max_length=60)
    numero = text_field(60)
    parcela = text_field(20)
    total_parcelas = models.IntegerField(null=True)
    codigo_empresa = text_field(60)
    codigo_contato = text_field(60)
    codigo_nota = text_field(60)
    data_emissao = models.DateField(null=True)
    data_vencimento = models.DateField(null=True)
    data_vencimento_original = models.DateField(null=True)
    valor = amount_field()
    saldo = amount_field()
    portador = text_field(80)
    nosso_numero = text_field(60)
    situacao = text_field(40)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "codigo_erp"], name="erp_fatura_key")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "codigo_empresa", "-data_vencimento"], name="erp_fatura_of_company"),
            by_id("erp_fatura_by_id"),
        ]

    def __str__(self) -> str:
        return self.key


class Cotacao(ErpRow):
    """A quote."""

    codigo_erp = models.CharField(max_length=60)
    numero = text_field(60)
    codigo_empresa = text_field(60)
    codigo_contato = text_field(60)
    codigo_vendedor = text_field(60)
    data = models.DateField(null=True)
    validade = models.DateField(null=True)
    situacao = text_field(20)
    probabilidade = amount_field()
    valor_total = amount_field()
    codigo_pedido = text_field(60)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "codigo_erp"], name="erp_cotacao_key")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "codigo_empresa", "-data"], name="erp_cotacao_of_company"),
            by_id("erp_cotacao_by_id"),
        ]

    def __str__(self) -> str:
        return self.key


class ItensCotacao(ErpRow):
    """A line of a quote."""

    codigo_cotacao = models.CharField(max_length=60)
    item = models.CharField(max_length=20)
    codigo_produto = text_field(60)
    descricao = text_field(200)
    marca = text_field(80)
    grupo = text_field(80)
    unidade = text_field(10)
    quantidade = amount_field()
    valor_unitario = amount_field()
    desconto_pct = amount_field()
    desconto_valor = amount_field()
    valor_total = amount_field()
    quantidade_entregue = amount_field()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "codigo_cotacao", "item"], name="erp_itens_cotacao_key")
        ]
        indexes: ClassVar[list[models.Index]] = [by_id("erp_itens_cotacao_by_id")]

    def __str__(self) -> str:
        return self.key
