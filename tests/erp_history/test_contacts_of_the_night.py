"""The contacts that a night makes set-wise are those that the single way makes of the same values, whatever the ERP wrote."""

from __future__ import annotations

from typing import Any

from django.test import Client

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from contacts.domain.store import insert_contacts
from contacts.models import Contact, ContactChange, ContactToken
from contacts.signals import contacts_changed
from erp_history.domain import companies, night
from erp_history.models import Empresa, ErpLink
from tests.erp_history.makers import TODAY, company, push, run_night
from tests.fixtures import Cast

CNPJ, OTHER = "16727230000197", "30188025000121"
COMPANIES = [
    company("1", razao_social="  O\u2019Brien  &\tSons-in-law\u00a0S.A. ", nome_fantasia="\u0130stanbul \u00c6bleskiver", cnpj=CNPJ),
    company("2", razao_social="A\u0301gua Fria\x7f \u0001Ltda", email="a@x.com;A@X.COM, b@\u00fc.de  c@d", site="exemplo.com.br/a?b=1"),
    company(
        "3",
        razao_social="\u041e\u041e\u041e \u00ab\u0420\u043e\u043c\u0430\u0448\u043a\u0430\u00bb",
        telefone="(0)11 \u0661\u0662\u0663",
        celular="12",
    ),
    company(
        "4", razao_social="\u682a\u5f0f\u4f1a\u793e \uff21\uff22\uff23 \u2460", telefone="+55 (11) 3333-4444", celular="+55 (11) 3333-4444"
    ),
    company("5", razao_social="W" * 75 + "-" + "v" * 70, email="e" * 60 + "@" + "h" * 63 + ".com", site="ftp://no.example"),
    company(
        "6", razao_social="Stra\u00dfe & S\u00f8n", cnpj=OTHER, endereco="Rua  1", numero="\n5", cep="50000-000", uf="pe", pais="Brasil"
    ),
    company(
        "8",
        razao_social="\u200bhidden\u00ad\ufeff",
        nome_fantasia="'`\u00b4",
        email=" no address ",
        cidade="S\u00e3o  Paulo",
        pais="Narnia",
    ),
    company("9", razao_social="...", email="d'arc.o-neil@x.com", telefone="00", site="HTTP://X.com"),
]
PEOPLE = [
    {"codigo_erp": "1", "nome": " Ana \u00c7elik  d'\u00c1vila ", "codigo_empresa": "1", "cpf": "390.533.447-05", "cargo": "Compras\t1"},
    {"codigo_erp": "2", "nome": "Madonna", "codigo_empresa": "2", "email": "m@x.com"},
    {"codigo_erp": "3", "nome": "\u0391\u03a3 \u0395\u03a3", "codigo_empresa": "none", "celular": "21 99999-0000"},
]


def made(workspace: Workspace, ids: list[int], told: dict[int, set[str]]) -> list[dict[str, Any]]:
    """All that there is of these contacts, without numbers and moments."""
    otherwise = {"id", "created_at", "updated_at"}
    with workspace_tx(workspace):
        rows = {row["id"]: row for row in Contact.objects.filter(pk__in=ids).values()}
        return [
            {
                "fields": {name: value for name, value in rows[pk].items() if name not in otherwise},
                "words": sorted(ContactToken.objects.filter(contact=pk).values_list("word", flat=True)),
                "history": list(ContactChange.objects.filter(contact_id=pk).values_list("action", "changes", "version", "origin", "label")),
                "told": told[pk],
            }
            for pk in ids
        ]


def test_they_are_equal_field_for_field(cast: Cast, erp: Client) -> None:
    told: dict[int, set[str]] = {}

    def hear(fields: dict[int, set[str]], fresh: bool, **_values: Any) -> None:
        told.update(fields if fresh else {})

    push(erp, "empresa", COMPANIES)
    push(erp, "contato", PEOPLE)
    contacts_changed.connect(hear)
    try:
        run_night(cast.workspace)
        with workspace_tx(cast.workspace, origin=night.ORIGIN):
            links = list(ErpLink.objects.order_by("contact_id"))
            Contact.objects.filter(kind="organisation").update(life_cycle="", version=1)
            ContactChange.objects.filter(action="updated").delete()
            again = insert_contacts(cast.workspace, [link.base for link in links], origin=night.ORIGIN)
            decided = [companies._create_for(link) for link in links]
    finally:
        contacts_changed.disconnect(hear)
    assert len(links) == len(COMPANIES) + len(PEOPLE)
    by_night = made(cast.workspace, [link.contact_id for link in links if link.contact_id], told)
    for others in (made(cast.workspace, again, told), made(cast.workspace, decided, told)):
        for ours, theirs in zip(by_night, others, strict=True):
            for name, value in ours.items():
                assert value == theirs[name], name


def test_what_the_erp_changes_comes_as_if_written_one_by_one(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [*COMPANIES, company("7", razao_social="Same tax id", cnpj=CNPJ)])
    push(erp, "contato", PEOPLE)
    run_night(cast.workspace)
    later = [
        company("1", razao_social="\u00d8rsted", cnpj=CNPJ, email="x@x.com", nome_fantasia="of 1"),
        company("2", razao_social="A\u0301gua Fria\x7f \u0001Ltda", email="b@\u00fc.de"),
        company("7", razao_social="Same tax id", cnpj=CNPJ, telefone="11 4444-5555", nome_fantasia="of 7"),
        company("none"),
    ]
    push(erp, "empresa", later)
    run = run_night(cast.workspace, today=TODAY)
    counters = next(phase.counters for phase in run.phases.all() if phase.name == "companies")
    assert (counters["created"], counters["updated"]) == (1, 3)
    with workspace_tx(cast.workspace):
        one, two = (Contact.objects.get(erp_links__row_id=link.row_id, erp_links__kind="empresa") for link in _links("1", "2"))
        assert (one.name, one.sort_name, one.trade_name) == ("\u00d8rsted", "orsted", "of 7")  # the later link's values win
        assert [entry["email"] for entry in one.emails] == ["x@x.com"]
        assert [entry["number"] for entry in one.phones] == ["11 4444-5555"]
        assert {"orsted", "x", "1144445555", "of"} <= set(one.tokens.values_list("word", flat=True))
        assert "brien" not in set(one.tokens.values_list("word", flat=True))
        assert [entry["email"] for entry in two.emails] == ["b@\u00fc.de"]
        person = Contact.objects.get(name="\u0391\u03a3 \u0395\u03a3")
        assert person.organisation is not None
        assert person.organisation.name == "Company none"
        change = ContactChange.objects.filter(contact_id=person.pk).latest("id")
        assert (change.action, set(change.changes), change.label) == ("updated", {"organisation_id"}, "ERP")


def _links(*codes: str) -> list[ErpLink]:
    rows = dict(Empresa.objects.filter(codigo_erp__in=codes).values_list("codigo_erp", "id"))
    return [ErpLink.objects.get(kind="empresa", row_id=rows[code]) for code in codes]
