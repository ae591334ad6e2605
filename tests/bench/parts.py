"""The parts of the benchmark, by the name that selects them."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench import contacts, dashboard, erp, helpdesk, hooks, matches, sync, vendors
from tests.bench.report import Report

PARTS: dict[str, Callable[[Report], None]] = {
    "contacts": contacts.measure,
    "erp": erp.measure,
    "dashboard": dashboard.measure,
    "sync": sync.measure,
    "matches": matches.measure,
    "hooks": hooks.measure,
    "helpdesk": helpdesk.measure,
    "vendors": vendors.measure,
}
