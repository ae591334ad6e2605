"""Movidesk keeps the contract of all providers, for organisations and for people."""

from __future__ import annotations

from typing import Any

from integrations.engine.types import Kind, Party, Ref
from integrations.providers.movidesk import provider
from integrations.providers.movidesk.sandbox import Movidesk
from tests.contract.suite import ProviderContract, Site

ADDRESS = {
    "line1": "Rua das Palmeiras, 399",
    "line2": "Sala 201 - Centro",
    "city": "Blumenau",
    "region": "Santa Catarina",
    "postcode": "89010-970",
    "country": "BR",
}
MOVED = {"line1": "Calle Mayor, 7", "city": "Madrid", "postcode": "28013", "country": "ES"}


class Unlimited(Movidesk):
    """Without limits: the contract is about records. test_sandbox.py and test_provider.py look at the limits."""

    def __init__(self, *, clients: int = 60) -> None:
        super().__init__(clients=clients)
        self.switches |= {"per_minute": 0, "failure_blocks": "off"}


class Common(ProviderContract):
    module = provider
    sandbox_class = Unlimited
    settings = {"tenant": "acme"}
    page_env = {"MOVIDESK_PAGE_SIZE": "25"}


class TestOrganisations(Common):
    sample = Party(
        Kind.ORGANISATION,
        {
            "name": "Zebra & Irmãos",
            "trade_name": "Zebra & Irmãos",
            "legal_name": "Zebra Comércio Ltda",
            "address": ADDRESS,
            "phone": "(47) 3333-4444",
            "email": "contato@zebra.example",
            "tax_id": "16727230000197",
            "notes": "Paga em dia. Desde 2019.",
        },
        contact_id=77,
    )
    changed = {
        "legal_name": "Zebra Comércio S.A.",
        "address": MOVED,
        "phone": "(47) 3333-5555",
        "email": "novo@zebra.example",
        "tax_id": "12ABC34501DE35",
        "notes": "",
    }

    def test_both_names_of_an_organisation_move_together(self, site: Site) -> None:
        made = site.provider.create(self.sample, key="one")
        wanted = {**self.sample.fields, "name": "Zebra Grupo", "trade_name": "Zebra Grupo"}

        site.provider.update(site.provider.get(made.ref), {"name": "Zebra Grupo"}, self.sample)

        self.assert_fields(site, made.ref, wanted)


class TestPeople(Common):
    sample = Party(
        Kind.PERSON,
        {
            "name": "Zélia d'Ávila",
            "legal_name": "Zélia Maria d'Ávila",
            "address": ADDRESS,
            "phone": "(47) 98888-4444",
            "email": "zelia@zebra.example",
            "tax_id": "39053344705",
            "notes": "Prefere e-mail.",
        },
        parent=Ref("company", "200000001"),
        contact_id=78,
    )
    changed: dict[str, Any] = {
        "name": "Zélia Ávila",
        "legal_name": "",
        "address": {},
        "phone": "(47) 98888-5555",
        "email": "",
        "tax_id": "",
        "notes": "Prefere telefone.",
    }

    @property
    def contacts(self) -> str:
        return "people"

    def test_person_belongs_to_the_organisation(self, site: Site) -> None:
        made = site.provider.create(self.sample, key="one")

        assert site.provider.remote(site.provider.get(made.ref)).parent == Ref("company", "200000001")
