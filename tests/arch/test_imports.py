"""The import contracts hold, and each of them bites: a planted offence is found."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crmsync.embedded import ROOT
from tests.arch.sources import PACKAGES

LINT = str(Path(sys.executable).with_name("lint-imports"))
RUFF = str(Path(sys.executable).with_name("ruff"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages, without anything that is not Python."""
    target = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, target / package, ignore=shutil.ignore_patterns("__pycache__", "*.html", "*.json"))
    shutil.copy(ROOT / "pyproject.toml", target)
    return target


def broken_contracts(root: Path) -> list[str]:
    result = subprocess.run([LINT, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)
    assert "Contracts:" in result.stdout, result.stdout + result.stderr
    return [line.split()[0] for line in result.stdout.splitlines() if line.endswith(" BROKEN")]


def test_the_contracts_hold(copy: Path) -> None:
    assert broken_contracts(copy) == []


@pytest.mark.parametrize(
    ("path", "line", "contract"),
    [
        ("contacts/domain/offence.py", "from integrations import models", "1"),
        ("accounts/domain/offence.py", "import contacts.models", "1"),
        ("crmsync/lib/offence.py", "import accounts.models", "1"),
        ("contacts/models/offence.py", "import contacts.domain.store", "2"),
        ("contacts/helpers.py", "", "2"),
        ("integrations/engine/offence.py", "import django", "3"),
        ("integrations/engine/offence.py", "import integrations.kit", "3"),
        ("integrations/kit/offence.py", "import django", "4"),
        ("integrations/providers/crunch/offence.py", "import contacts.models", "4"),
        ("integrations/providers/crunch/offence.py", "import integrations.providers.movidesk", "5"),
        ("integrations/domain/offence.py", "import integrations.providers.crunch", "6"),
        ("invoices/domain/offence.py", "import requests", "7"),
        ("integrations/domain/offence.py", "import requests", "7"),
    ],
)
def test_an_offence_is_found(copy: Path, path: str, line: str, contract: str) -> None:
    made = make_packages(copy / path)
    (copy / path).write_text(f"{line}\n")
    try:
        assert contract in broken_contracts(copy)
    finally:
        (copy / path).unlink()
        made()


def make_packages(path: Path) -> Callable[[], None]:
    """Providers that are not built yet are folders without Python so far."""
    sibling = path.parents[1] / "movidesk" / "__init__.py"
    if "providers" not in path.parts or sibling.exists():
        return lambda: None
    sibling.parent.mkdir(exist_ok=True)
    sibling.touch()
    return sibling.unlink


@pytest.mark.parametrize(
    "code",
    [
        "import datetime\nprint_at = datetime.datetime.now(datetime.UTC)\n",
        "from datetime import datetime\nstart = datetime.now(None)\n",
        "from datetime import date\nday = date.today()\n",
        "import random\n",
        "from time import monotonic\n",
        "import os\n",
    ],
)
def test_the_engine_has_neither_clock_nor_dice(code: str) -> None:
    def complaints(path: str) -> str:
        command = [RUFF, "check", "--no-cache", "--select", "TID251", "--output-format", "concise", "--stdin-filename", path, "-"]
        return subprocess.run(command, cwd=ROOT, input=code, capture_output=True, text=True, check=False).stdout

    assert "TID251" in complaints("integrations/engine/offence.py")
    assert "TID251" not in complaints("integrations/kit/offence.py")
