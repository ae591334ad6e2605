"""The ERP's card on an organisation: figures, documents with their lines, history; for those who may see the contact."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.enums import Role
from accounts.models import Membership
from accounts.scoping import SYSTEM, workspace_tx
from contacts.domain.store import create_contacts
from contacts.models import Contact
from erp_history.domain.company_page import Month, company_page
from erp_history.views.company import sparkline
from tests.erp_history.makers import TODAY, company, note, push, run_night
from tests.fixtures import Cast


def contact_id(cast: Cast, name: str) -> int:
    with workspace_tx(cast.workspace):
        return Contact.objects.get(name=name).pk


def card(client: Client, pk: int, query: str = "") -> Any:
    return client.get(f"/w/hartwell/contacts/{pk}/erp/{query}")


def add_documents(erp: Client, count: int) -> None:
    codes = [f"{n:03d}" for n in range(count)]
    push(erp, "nota", [note(code, "C1", "100.00", f"2026-08-{n + 1:02d}", numero=f"NF{code}") for n, code in enumerate(codes)])
    item = {"codigo_produto": "P", "quantidade": 2, "valor_unitario": "50.00", "valor_total": "100.00", "marca": "Kappa", "unidade": "UN"}
    push(erp, "itens_nota", [{"codigo_nota": code, "item": "1", "descricao": f"Bolt {code}", **item} for code in codes])
    day = {"codigo_empresa": "C1", "data_emissao": "2026-08-01", "valor_total": "100.00"}
    push(erp, "pedido", [{"codigo_erp": code, "numero": f"PV{code}", "situacao": "faturado", **day} for code in codes])
    push(erp, "itens_pedido", [{"codigo_pedido": code, "item": "1", "descricao": "Nut", **item} for code in codes])
    quote = {"codigo_empresa": "C1", "data": "2026-08-01", "valor_total": "10.00", "situacao": "aberta"}
    push(erp, "cotacao", [{"codigo_erp": code, "numero": f"CO{code}", **quote} for code in codes])
    push(erp, "itens_cotacao", [{"codigo_cotacao": code, "item": "1", "descricao": "Washer", **item} for code in codes])
    due = {"codigo_empresa": "C1", "data_vencimento": "2026-08-10", "valor": "40.00", "saldo": "40.00"}
    push(erp, "fatura", [{"codigo_erp": code, "numero": f"FT{code}", "parcela": "1/2", **due} for code in codes])
    brand = {"codigo_empresa": "C1", "situacao_comercial": "ativo", "valor_12m": "12.00", "curva": "A"}
    push(erp, "empresa_marca", [{"marca": f"Brand {code}", **brand} for code in codes])


def test_everything_of_an_organisation_stands_on_its_card(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company("C1")])
    add_documents(erp, 2)
    run_night(cast.workspace)
    pk = contact_id(cast, "Company C1")

    page = alice.get(f"/w/hartwell/contacts/{pk}/").content.decode()
    assert f"/w/hartwell/contacts/{pk}/erp/" in page
    assert '<span class="visually-hidden">Class </span>A' in page
    assert "New" in page

    text = card(alice, pk).content.decode()
    for shown in (
        "NF001",
        "Bolt 001",
        "PV000",
        "Nut",
        "CO000",
        "Washer",
        "FT000 1/2",
        "Brand 001",
        "R$200",
        "R$80</span> overdue",
        "2 Aug 2026",
    ):
        assert shown in text, shown
    assert "ABC class: No class → A" in text
    assert "<polyline" in text
    assert "style=" not in text


def test_a_few_documents_are_shown_and_more_on_demand(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company("C1")])
    add_documents(erp, 8)
    run_night(cast.workspace)
    pk = contact_id(cast, "Company C1")

    assert "NF007" in card(alice, pk).content.decode()
    assert "NF002" not in card(alice, pk).content.decode()
    wide = card(alice, pk, "?all=nota").content.decode()
    assert "NF002" in wide
    assert "PV002" not in wide


def test_as_many_queries_for_one_document_as_for_three(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company("C1")])
    add_documents(erp, 1)
    run_night(cast.workspace)
    pk = contact_id(cast, "Company C1")
    one = queries(alice, pk)
    add_documents(erp, 3)
    run_night(cast.workspace, today=TODAY.replace(month=9, day=1))

    assert queries(alice, pk) == one


def queries(client: Client, pk: int) -> int:
    with CaptureQueriesContext(connection) as found:
        assert card(client, pk).status_code == 200
    return len(found)


def test_documents_of_another_branch_stay_there(cast: Cast, erp: Client, alice: Client) -> None:
    north, south = company("C1", filial="01", razao_social="North"), company("C1", filial="02", razao_social="South")
    push(erp, "empresa", [north, south, company("C2")])
    rows = [note("1", "C1", "1.00", filial="01", numero="FIRST"), note("2", "C1", "1.00", filial="02", numero="SECOND")]
    push(erp, "nota", [*rows, note("3", "C2", "1.00", filial="09", numero="THIRD")])
    run_night(cast.workspace)

    text = card(alice, contact_id(cast, "North")).content.decode()
    assert "FIRST" in text
    assert "SECOND" not in text
    assert "THIRD" in card(alice, contact_id(cast, "Company C2")).content.decode()


def test_deleted_and_closed_documents_are_gone(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company("C1")])
    add_documents(erp, 2)
    push(erp, "nota", [{"codigo_erp": "001", "excluido": True}])
    push(erp, "fatura", [{"codigo_erp": "000", "codigo_empresa": "C1", "data_vencimento": "2026-08-10", "valor": "40.00", "saldo": "0"}])
    run_night(cast.workspace)

    text = card(alice, contact_id(cast, "Company C1")).content.decode()
    assert "NF001" not in text
    assert "FT000" not in text
    assert "FT001" in text


def test_only_who_may_see_the_contact_sees_its_card(cast: Cast, erp: Client, bob: Client, charlie: Client, client: Client) -> None:
    push(erp, "empresa", [company("C1")])
    run_night(cast.workspace)
    pk = contact_id(cast, "Company C1")

    assert card(bob, pk).status_code == 200
    assert card(charlie, pk).status_code == 404
    assert charlie.get(f"/w/elsewhere/contacts/{pk}/erp/").status_code == 404
    assert card(client, pk).status_code == 302
    Membership.objects.filter(user=cast.bob).update(role=Role.RESTRICTED)
    assert card(bob, pk).status_code == 404


def test_contacts_that_the_erp_does_not_know_have_no_card(cast: Cast, erp: Client, alice: Client) -> None:
    with workspace_tx(cast.workspace):
        [own] = create_contacts(cast.workspace, [{"kind": "organisation", "name": "Own"}], origin=SYSTEM)
    assert "erp-card" not in alice.get(f"/w/hartwell/contacts/{own.pk}/").content.decode()
    assert card(alice, own.pk).status_code == 404


def test_before_its_first_night_a_company_waits_for_figures(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company("C1")])
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        contact = Contact.objects.get(name="Company C1")
        contact.erp_figures.delete()
        found = company_page(cast.workspace, contact)
    assert found is not None
    assert found.figures is None
    assert "come with the next night" in card(alice, contact.pk).content.decode()


def test_the_line_of_months_is_returns_less_than_zero_on_the_ground() -> None:
    months = [Month(TODAY, amount) for amount in (0, 50, -10, 100)]  # type: ignore[arg-type]
    assert sparkline(months)["line"] == "0.0,38.0 80.0,20.0 160.0,38.0 240.0,2.0"
    assert sparkline([Month(TODAY, 0)]) == {}  # type: ignore[arg-type]
