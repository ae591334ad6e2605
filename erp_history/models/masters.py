"""Who the ERP knows: companies, people, sellers, suppliers, brands. Columns bear the names of the contract."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from erp_history.models.base import ErpRow, amount_field, text_field


class Empresa(ErpRow):
    """A customer's company."""

    codigo_erp = models.CharField(max_length=60)
    cnpj = text_field(14)
    razao_social = text_field(150)
    nome_fantasia = text_field(150)
    inscricao_estadual = text_field(20)
    email = text_field(254)
    telefone = text_field(40)
    celular = text_field(40)
    site = text_field(200)
    endereco = text_field(150)
    numero = text_field(20)
    complemento = text_field(100)
    bairro = text_field(80)
    cidade = text_field(80)
    uf = text_field(2)
    cep = text_field(8)
    ibge = text_field(7)
    pais = text_field(60)
    segmento = text_field(80)
    codigo_vendedor = text_field(60)
    condicao_pagamento = text_field(80)
    limite_credito = amount_field()
    situacao = text_field(20)
    data_cadastro = models.DateField(null=True)
    data_primeira_compra = models.DateField(null=True)
    data_ultima_compra = models.DateField(null=True)
    observacao = models.TextField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "codigo_erp"], name="erp_empresa_key")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "codigo_erp"], name="erp_empresa_code")]

    def __str__(self) -> str:
        return self.key


class Contato(ErpRow):
    """A person: at a company, or a consumer who buys."""

    codigo_erp = models.CharField(max_length=60)
    cpf = text_field(11)
    nome = text_field(150)
    codigo_empresa = text_field(60)
    cargo = text_field(100)
    departamento = text_field(100)
    email = text_field(254)
    telefone = text_field(40)
    celular = text_field(40)
    data_nascimento = models.DateField(null=True)
    codigo_vendedor = text_field(60)
    situacao = text_field(20)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "codigo_erp"], name="erp_contato_key")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "codigo_erp"], name="erp_contato_code")]

    def __str__(self) -> str:
        return self.key


class Vendedor(ErpRow):
    """A seller: the owner of a portfolio."""

    codigo_erp = models.CharField(max_length=60)
    nome = text_field(150)
    email = text_field(254)
    telefone = text_field(40)
    codigo_supervisor = text_field(60)
    comissao_pct = amount_field()
    situacao = text_field(20)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "codigo_erp"], name="erp_vendedor_key")
        ]

    def __str__(self) -> str:
        return self.key


class Fornecedor(ErpRow):
    """A supplier."""

    codigo_erp = models.CharField(max_length=60)
    cnpj_cpf = text_field(14)
    razao_social = text_field(150)
    nome_fantasia = text_field(150)
    email = text_field(254)
    telefone = text_field(40)
    cidade = text_field(80)
    uf = text_field(2)
    situacao = text_field(20)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "codigo_erp"], name="erp_fornecedor_key")
        ]

    def __str__(self) -> str:
        return self.key


class EmpresaMarca(ErpRow):
    """A company's commercial standing with one brand."""

    codigo_empresa = models.CharField(max_length=60)
    marca = models.CharField(max_length=80)
    situacao_comercial = text_field(20)
    codigo_vendedor = text_field(60)
    data_primeira_compra = models.DateField(null=True)
    data_ultima_compra = models.DateField(null=True)
    valor_12m = amount_field()
    curva = text_field(1)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "filial", "codigo_empresa", "marca"], name="erp_empresa_marca_key")
        ]

    def __str__(self) -> str:
        return self.key
