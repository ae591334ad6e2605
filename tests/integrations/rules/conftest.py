from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.fixtures import Cast
from tests.integrations.rules import places
from tests.integrations.rules.places import BooksPlace, DeskPlace, NectarPlace


@pytest.fixture
def desk(cast: Cast, settings: Settings) -> Iterator[DeskPlace]:
    """An empty helpdesk, not connected yet."""
    with places.desk(cast, settings) as place:
        yield place


@pytest.fixture
def books(cast: Cast, settings: Settings) -> Iterator[BooksPlace]:
    """An agreement without customers, not connected yet."""
    with places.books(cast, settings) as place:
        yield place


@pytest.fixture
def old_crm(cast: Cast, settings: Settings) -> Iterator[NectarPlace]:
    """Twelve companies and their people to be brought over."""
    with places.old_crm(cast, settings) as place:
        yield place
