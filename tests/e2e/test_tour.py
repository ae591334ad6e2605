"""A workspace connects to Crunch: the whole story in a browser, on the product as it is served (web, worker, scheduler, vendor).

`PICTURES=dir` leaves a picture of every station there, `--log-cli-level=INFO` tells how long each takes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from tests.e2e import arriving, ending, giving, syncing
from tests.e2e.product import Product
from tests.e2e.visitor import PHONE, Visitor, visiting

pytestmark = pytest.mark.browser
log = logging.getLogger(__name__)
STORY: tuple[Callable[[Visitor], None], ...] = (
    arriving.sign_up,
    arriving.add_contacts,
    arriving.set_up,
    arriving.refuse_then_allow,
    arriving.watch_the_first_sync,
    syncing.see_what_came,
    syncing.see_the_invoices_of_a_contact,
    syncing.filter_the_invoices,
    syncing.choose_for_the_held_record,
    syncing.change_it_in_the_books,
    syncing.change_it_here,
    giving.export_what_lacks_a_line,
    giving.export_a_person_of_a_firm,
    giving.merge_the_duplicate,
    giving.delete_here,
    giving.delete_in_the_books,
    ending.preview,
    ending.undo,
    ending.disable,
    ending.enable_again,
)


def test_the_tour(product: Product) -> None:
    """One story: every station stands on the ones before it."""
    with visiting(product) as visitor:
        for station in STORY:
            began = time.monotonic()
            station(visitor)
            log.info("%s took %.1f s", station.__name__, time.monotonic() - began)
    with visiting(product, width=PHONE) as visitor:
        ending.on_a_phone(visitor)
    assert "Traceback" not in product.said()
