"""The night: contacts, curve, categories, portfolios, and what contacts show of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.test import Client

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from contacts.models import Contact, ContactChange
from erp_history.models import CategoryChange, ClassChange, ErpLink, ErpPending, ErpRun
from tests.accounts.api_client import api_client
from tests.erp_history.makers import TODAY, company, note, push, run_night
from tests.fixtures import Cast

CNPJ, OTHER = "16727230000197", "30188025000121"


def erp_of(cast: Cast, code: str) -> dict[str, Any]:
    [found] = api_client(cast.alice, cast.workspace).get("/api/v1/contacts/", {"erp_code": code}).json()["results"]
    block: dict[str, Any] = found["erp"]
    return block


def ago(days: int) -> str:
    return (TODAY - dt.timedelta(days=days)).isoformat()


def test_companies_become_contacts_with_their_figures(cast: Cast, erp: Client) -> None:
    push(erp, "vendedor", [{"codigo_erp": "V1", "nome": "Bob", "email": "BOB@example.com"}])
    push(
        erp,
        "empresa",
        [company("C1", cnpj=CNPJ, cidade="Recife", uf="pe", cep="50000-000", email="a@x.com; b@x.com", codigo_vendedor="V1")],
    )
    push(erp, "nota", [note("N1", "C1", "1000.00", ago(100)), note("N2", "C1", "200.00", ago(30), tipo="devolucao")])
    push(erp, "fatura", [{"codigo_erp": "F1", "codigo_empresa": "C1", "data_vencimento": ago(1), "valor": 100, "saldo": "60.5"}])
    run = run_night(cast.workspace)

    assert [phase.status for phase in run.phases.all()] == ["done"] * 8
    block = erp_of(cast, "C1")
    portfolio = block.pop("portfolio")
    assert block == {
        "class": "A", "category": "active", "last_purchase_on": ago(100), "revenue_12m": "800.00", "open_receivables": "60.50",
        "codes": ["C1"],
    }  # fmt: skip
    assert (portfolio["name"], portfolio["user"]) == ("Bob", cast.bob.pk)
    with workspace_tx(cast.workspace):
        contact = Contact.objects.get()
        assert (contact.name, contact.tax_id, contact.owner_id, contact.life_cycle) == ("Company C1", CNPJ, cast.bob.pk, "client")
        assert contact.emails == [{"label": "", "email": "a@x.com"}, {"label": "", "email": "b@x.com"}]
        assert contact.addresses[0]["postcode"] == "50000-000"
        assert {(change.origin, change.label) for change in ContactChange.objects.all()} == {("sync", "ERP")}


def test_a_second_night_without_news_writes_nothing(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company(f"C{n}") for n in range(5)])
    push(erp, "contato", [{"codigo_erp": "P1", "nome": "Ana Lima", "codigo_empresa": "C1"}])
    push(erp, "nota", [note("N1", "C1", "10.00")])
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        before = ContactChange.objects.count(), ClassChange.objects.count(), CategoryChange.objects.count()
    run = run_night(cast.workspace)

    with workspace_tx(cast.workspace):
        assert (ContactChange.objects.count(), ClassChange.objects.count(), CategoryChange.objects.count()) == before
        counters = {phase.name: phase.counters for phase in run.phases.all()}
    assert counters["figures"] == {"changed": 0}
    assert counters["companies"] == {"held": 0}
    assert counters["contacts"] == {"figures": 0, "gone": 0}


def test_a_company_is_known_by_its_tax_id_and_filled_where_empty(cast: Cast, erp: Client) -> None:
    api_client(cast.alice, cast.workspace).post(
        "/api/v1/contacts/",
        {"kind": "organisation", "name": "Our name", "tax_id": "16.727.230/0001-97", "emails": [{"email": "me@x.com"}]},
        content_type="application/json",
    )
    push(erp, "empresa", [company("C1", cnpj=CNPJ, nome_fantasia="Trade", email="a@x.com")])
    run_night(cast.workspace)

    with workspace_tx(cast.workspace):
        contact = Contact.objects.get()
        assert (contact.name, contact.trade_name) == ("Our name", "Trade")
        assert [entry["email"] for entry in contact.emails] == ["me@x.com", "a@x.com"]


def test_what_is_edited_here_stays_until_the_erp_changes_it(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1", cnpj=CNPJ, nome_fantasia="Trade", email="a@x.com")])
    run_night(cast.workspace)
    client = api_client(cast.alice, cast.workspace)
    [contact] = client.get("/api/v1/contacts/").json()["results"]
    edit = {"trade_name": "Edited", "emails": [{"email": "a@x.com", "label": "work"}, {"email": "mine@x.com"}]}
    client.patch(f"/api/v1/contacts/{contact['id']}/", edit, content_type="application/json")
    push(erp, "empresa", [company("C1", cnpj=CNPJ, nome_fantasia="Trade", email="new@x.com", site="example.com")])
    run_night(cast.workspace)

    contact = client.get(f"/api/v1/contacts/{contact['id']}/").json()
    assert (contact["trade_name"], contact["website"]) == ("Edited", "https://example.com")
    assert [entry["email"] for entry in contact["emails"]] == ["new@x.com", "mine@x.com"]


def test_two_codes_of_one_tax_id_are_one_contact_with_added_figures(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1", cnpj=CNPJ), company("C2", cnpj=CNPJ), company("C3", cnpj=OTHER)])
    push(erp, "nota", [note("N1", "C1", "100.00"), note("N2", "C2", "50.00"), note("N3", "C3", "10.00")])
    run_night(cast.workspace)

    block = erp_of(cast, "C2")
    assert (block["codes"], block["revenue_12m"], block["class"]) == (["C1", "C2"], "150.00", "A")
    assert erp_of(cast, "C3")["class"] == "B"


def test_an_ambiguous_company_waits_for_a_person(cast: Cast, erp: Client) -> None:
    client = api_client(cast.alice, cast.workspace)
    for name in ("One", "Two"):
        client.post("/api/v1/contacts/", {"kind": "organisation", "name": name, "tax_id": CNPJ}, content_type="application/json")
    client.post("/api/v1/contacts/", {"kind": "organisation", "name": "Company C2"}, content_type="application/json")
    push(erp, "empresa", [company("C1", cnpj=CNPJ), company("C2", cnpj=OTHER)])
    run_night(cast.workspace)

    with workspace_tx(cast.workspace):
        held = {link.reason: len(link.candidates) for link in ErpLink.objects.filter(state="held")}
        assert held == {"several": 2, "same_name": 1}
        assert Contact.objects.count() == 3


def test_merged_contacts_keep_both_codes_and_a_merge_taken_back_parts_them(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1"), company("C2")])
    run_night(cast.workspace)
    client = api_client(cast.alice, cast.workspace)
    kept, gone = (client.get("/api/v1/contacts/", {"erp_code": code}).json()["results"][0]["id"] for code in ("C1", "C2"))
    client.post("/api/v1/contacts/merge/", {"kept": kept, "gone": gone}, content_type="application/json")
    push(erp, "nota", [note("N1", "C1", "100.00"), note("N2", "C2", "50.00")])
    run_night(cast.workspace)

    block = erp_of(cast, "C2")
    assert (block["codes"], block["revenue_12m"]) == (["C1", "C2"], "150.00")
    with workspace_tx(cast.workspace):
        assert Contact.objects.filter(deleted_at=None).count() == 1


def test_people_belong_to_the_contact_of_their_company_even_when_it_comes_later(cast: Cast, erp: Client) -> None:
    push(erp, "contato", [{"codigo_erp": "P1", "nome": "Ana  Lima", "codigo_empresa": "C1", "cpf": "390.533.447-05", "cargo": "Buyer"}])
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        person = Contact.objects.get()
        assert (person.name, person.first_name, person.last_name, person.organisation_id) == ("Ana Lima", "Ana", "Lima", None)
        assert ErpPending.objects.get().code == "C1"
    push(erp, "empresa", [company("C1")])
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        person.refresh_from_db()
        assert person.organisation_id == Contact.objects.get(kind="organisation").pk
        assert not ErpPending.objects.exists()


def test_lines_before_their_note_wait_with_their_age(cast: Cast, erp: Client) -> None:
    push(erp, "itens_nota", [{"codigo_nota": "N1", "item": "1", "valor_total": 5, "marca": "Acme"}])
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        [waiting] = ErpPending.objects.all()
        assert (waiting.table, waiting.field, waiting.code) == ("itens_nota", "codigo_nota", "N1")
        since = waiting.since
    push(erp, "nota", [note("N1", "C1", "5.00")])
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        [waiting] = ErpPending.objects.all()
        assert (waiting.table, waiting.code, waiting.since >= since) == ("nota", "C1", True)


def test_categories_go_by_their_rules_in_order(cast: Cast, erp: Client) -> None:
    companies = {
        "blocked": company("blocked", situacao="B"),
        "new": company("new", data_primeira_compra=ago(90)),
        "active": company("active", data_primeira_compra=ago(900)),
        "by interval": company("by interval"),
        "at_risk": company("at_risk", data_primeira_compra=ago(900)),
        "inactive": company("inactive", data_primeira_compra=ago(900)),
        "prospect": company("prospect"),
        "old quote": company("old quote"),
        "suspect": company("suspect"),
        "by order": company("by order"),
        "cancelled": company("cancelled"),
    }
    push(erp, "empresa", list(companies.values()))
    push(
        erp,
        "nota",
        [
            note("1", "blocked", "1", ago(5)), note("2", "active", "1", ago(180)), note("3", "at_risk", "1", ago(181)),
            note("4", "inactive", "1", ago(366)), note("5", "by interval", "1", ago(500)), note("6", "by interval", "1", ago(300)),
            note("7", "cancelled", "1", ago(5), situacao="cancelada"),
        ],
    )  # fmt: skip
    push(erp, "pedido", [{"codigo_erp": "1", "codigo_empresa": "by order", "data_emissao": ago(10), "valor_total": 1}])
    quotes = [("prospect", ago(90), "aberta"), ("old quote", ago(91), "aberta"), ("suspect", ago(5), "perdida")]
    push(erp, "cotacao", [{"codigo_erp": code, "codigo_empresa": code, "data": day, "situacao": state} for code, day, state in quotes])
    run_night(cast.workspace)

    found = {code: erp_of(cast, code)["category"] for code in companies}
    assert found == {
        "blocked": "blocked", "new": "new", "active": "active", "by interval": "active", "at_risk": "at_risk", "inactive": "inactive",
        "prospect": "prospect", "old quote": "suspect", "suspect": "suspect", "by order": "active", "cancelled": "suspect",
    }  # fmt: skip


def test_the_nights_are_listed_and_started_through_the_api(cast: Cast, erp: Client) -> None:
    answer = erp.post("/api/v1/erp/runs/", content_type="application/json")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert erp.post("/api/v1/erp/runs/", content_type="application/json").status_code == 409
    number = answer.json()["id"]
    assert erp.post(f"/api/v1/erp/runs/{number}/cancel/", content_type="application/json").json()["outcome"] == "cancelled"
    [listed] = erp.get("/api/v1/erp/runs/").json()["results"]
    assert [phase["name"] for phase in listed["phases"]][:2] == ["import", "companies"]


def test_bob_s_workspace_is_not_told_to_charlie(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    run_night(cast.workspace)
    charlie = api_client(cast.charlie, cast.elsewhere)

    assert charlie.get("/api/v1/erp/empresa/C1/").status_code == 404
    assert charlie.get("/api/v1/erp/empresa/").json()["results"] == []
    assert charlie.get("/api/v1/contacts/", {"erp_code": "C1"}).json()["results"] == []
    assert charlie.get("/api/v1/erp/requests/").json()["results"] == []
    assert _nights(cast.elsewhere) == 0


def _nights(workspace: Workspace) -> int:
    with workspace_tx(workspace):
        return int(ErpRun.objects.count())
