"""NectarCRM keeps what the contract says about reading."""

from integrations.providers.nectar import provider
from integrations.providers.nectar.sandbox import Nectar
from tests.contract.suite import ReadingContract


class TestNectar(ReadingContract):
    module = provider
    sandbox_class = Nectar
    page_env = {"NECTAR_PAGE_SIZE": "20"}
