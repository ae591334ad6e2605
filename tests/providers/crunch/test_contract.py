"""Crunch keeps the contract of all providers."""

from integrations.engine.types import Kind, Party
from integrations.providers.crunch import provider
from integrations.providers.crunch.sandbox import Crunch
from tests.contract.suite import ProviderContract

ADDRESS = {"line1": "Unit 4", "line2": "12 Mill Lane", "city": "York", "region": "North Yorkshire", "postcode": "YO1 7AA", "country": "GB"}
MOVED = {"line1": "9 Harbour Road", "city": "Cardiff", "postcode": "CF10 1AA", "country": "IE"}


class TestCrunch(ProviderContract):
    module = provider
    sandbox_class = Crunch
    sample = Party(Kind.ORGANISATION, {"name": "Zebra & Søn “Ltd”", "email": "hello@zebra.example", "address": ADDRESS})
    changed = {"name": "Zebra Group", "email": "new@zebra.example", "address": MOVED}
    page_env = {"CRUNCH_PAGE_SIZE": "50"}
