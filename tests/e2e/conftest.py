"""One product for all tours: each signs up with a workspace of its own, and has a vendor of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.product import Product, running


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("tour")) as served:
        yield served
