"""e-conomic keeps the contract of all providers, for customers and for their people."""

from __future__ import annotations

from typing import Any

from integrations.engine.types import Kind, Party, Ref
from integrations.providers.economic import provider
from integrations.providers.economic.sandbox import Economic
from tests.contract.suite import ProviderContract, Site
from tests.sandboxes import Sandbox

ADDRESS = {"line1": "Vestergade 12", "city": "Aarhus C", "postcode": "8000", "country": "DK"}
MOVED = {"line1": "Hafenstraße 9", "line2": "Hinterhaus", "city": "Hamburg", "postcode": "20095", "country": "DE"}


class SmallPages(Economic):
    def __init__(self) -> None:
        super().__init__(clients=60)
        self.switches["cursor_size"] = 20


class PeopleFail(SmallPages):
    """Faults strike where people are read."""

    api_path = "/openapi"


class Common(ProviderContract):
    module = provider
    settings = {"customer_group": "1", "payment_terms": "2", "vat_zone": "1", "currency": "DKK", "layout": "18"}
    env = {"ECONOMIC_APP_SECRET_TOKEN": "sandbox"}
    page_env = {"ECONOMIC_PAGE_SIZE": "25"}

    def root_of(self, sandbox: Sandbox) -> str:
        return sandbox.service("rest")


class TestCustomers(Common):
    sandbox_class = SmallPages
    sample = Party(
        Kind.ORGANISATION,
        {
            "name": "Zebra & Søn (50$) “A/S”",
            "email": "hej@zebra.example",
            "phone": "+45 12 34 56 78",
            "website": "www.zebra.example",
            "tax_id": "13585628",
            "address": ADDRESS,
        },
    )
    changed: dict[str, Any] = {
        "name": "Zebra Gruppen A/S",
        "email": "ny@zebra.example",
        "phone": "",
        "website": "zebra.example",
        "tax_id": "10150817",
        "address": MOVED,
    }


class TestPeople(Common):
    sandbox_class = PeopleFail
    sample = Party(
        Kind.PERSON,
        {"name": "Åse Østergaard", "email": "aase@zebra.example", "phone": "+45 87 65 43 21", "notes": "Ringer helst om morgenen."},
        parent=Ref("customer", "3"),
    )
    changed: dict[str, Any] = {"name": "Åse Ø. Holm", "email": "aase.holm@zebra.example", "phone": "", "notes": "Skriver helst."}

    @property
    def contacts(self) -> str:
        return "contacts"

    def test_person_belongs_to_the_customer(self, site: Site) -> None:
        made = site.provider.create(self.sample, key="one")

        assert site.provider.remote(site.provider.get(made.ref)).parent == Ref("customer", "3")
