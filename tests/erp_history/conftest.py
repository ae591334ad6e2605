from __future__ import annotations

import pytest
from django.test import Client

from tests.accounts.api_client import api_client
from tests.fixtures import Cast


@pytest.fixture
def erp(cast: Cast) -> Client:
    """Alice's ERP, which may push and nothing else."""
    return api_client(cast.alice, cast.workspace, scopes=["erp"])
