"""The project's own Python files, for tests that read code."""

from collections.abc import Iterator
from pathlib import Path

from crmsync.embedded import ROOT

PACKAGES = ("crmsync", "accounts", "contacts", "invoices", "integrations", "erp_history")


def product_files() -> Iterator[Path]:
    """Every Python file that is shipped, but for migrations: the machine writes those, and nobody reads them in one go."""
    yield ROOT / "manage.py"
    for package in PACKAGES:
        yield from sorted(path for path in (ROOT / package).rglob("*.py") if path.parent.name != "migrations")


def all_files() -> Iterator[Path]:
    """Shipped files, scripts and tests."""
    yield from product_files()
    yield from sorted((ROOT / "scripts").rglob("*.py"))
    yield from sorted((ROOT / "tests").rglob("*.py"))


def shown(path: Path) -> str:
    """How a complaint names a file."""
    return str(path.relative_to(ROOT))
