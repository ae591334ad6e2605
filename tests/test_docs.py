"""README and docs name only what exists: targets, commands, options, variables, files, modules and addresses."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from crmsync.embedded import ROOT
from integrations.domain import demo
from integrations.engine import capabilities
from integrations.engine.provider import Capability
from integrations.kit.sandbox import Running
from integrations.providers.crunch.sandbox import Crunch
from tests.arch.test_environment import named_in_example, read_by_deployment, read_by_python, vendor_settings

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
FOLDERS = sorted(path.parent for path in (ROOT / "integrations" / "providers").glob("*/provider.py"))
MOST_LINES_OF_A_DECISION = 60

CODE = re.compile(r"```.*?\n(.*?)```|`([^`\n]+)`", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
TARGET = re.compile(r"\bmake (?:-s )?([a-z]+)\b")
COMMAND = re.compile(r"manage\.py ([a-z_]+)([^\n`|]*)")
VARIABLE = re.compile(r"(?<![<\w])([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?![\w*(])")
FILE = re.compile(r"(?<![\w/:.<])((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|md|yml|toml|txt))(?![\w/<(:])")
MODULE = re.compile(r"\b((?:accounts|contacts|invoices|integrations|crmsync|erp_history)(?:\.[A-Za-z_]+)+)\b")
ADDRESS = re.compile(r"(?<![\w.}/])/(?:[\w{}<>.-]+/?)+")
SANDBOX = re.compile(r"https?://[\w.]+:\d+(/crunch/[\w/]+)|(?<![\w/])(/crunch/[\w/]+)")
TEST = re.compile(r"([\w/]+\.py)::(test_\w+)")
# F53 to F55 are about ways in that do not exist: mail, imported lists, web forms.
FAULTS = [f"F{number}" for number in range(1, 61) if number not in {53, 54, 55}]
# Placeholders of commands.
NOT_A_VARIABLE = {"CONNECTION_ID"}
# Addresses, and what is made at run time.
NOT_IN_THE_CHECKOUT = {"PUBLIC_URL/connect/crunch/callback/", "./files", "CONNECTION_ID"}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_in(page: Path) -> str:
    """What stands in code blocks and code spans."""
    return "\n".join(block or span for block, span in CODE.findall(text_of(page)))


def shown(page: Path) -> str:
    return str(page.relative_to(ROOT))


each_page = pytest.mark.parametrize("page", PAGES, ids=shown)


@each_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert set(TARGET.findall(code_in(page))) - targets == set()


@each_page
def test_commands_and_their_options_exist(page: Path) -> None:
    for name, rest in COMMAND.findall(code_in(page)):
        assert name in get_commands(), name
        options = set(load_command_class(get_commands()[name], name).create_parser("manage.py", name)._option_string_actions)
        assert set(re.findall(r"(?<=\s)(--[a-z-]+)", rest)) - options == set(), name


@each_page
def test_variables_exist(page: Path) -> None:
    source = "\n".join(text_of(path) for path in (ROOT / "crmsync" / "settings").glob("*.py"))
    known = named_in_example() | NOT_A_VARIABLE | set(VARIABLE.findall(source))
    assert set(VARIABLE.findall(code_in(page))) - known == set()


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target.partition("#")[0] for target in LINK.findall(text_of(page)) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@each_page
def test_files_exist(page: Path) -> None:
    named = {name for name in FILE.findall(without_addresses(page)) if "/" in name} - NOT_IN_THE_CHECKOUT
    assert [name for name in named if not any((root / name).exists() for root in (ROOT, page.parent))] == []


def without_addresses(page: Path) -> str:
    """Code without web addresses, media types, names of tests and our own paths below the root."""
    code = re.sub(rf"https?://\S+|application/[\w+-]+|{TEST.pattern}", " ", code_in(page))
    return re.sub(r"(?<![\w.])/[\w{}<>./-]+|\S+:/\S+", " ", code)


@each_page
def test_modules_exist(page: Path) -> None:
    for dotted in MODULE.findall(code_in(page)):
        if not (ROOT / dotted).exists():
            assert is_importable(dotted), dotted


def is_importable(dotted: str) -> bool:
    try:
        importlib.import_module(dotted)
    except ModuleNotFoundError:
        module, _, name = dotted.rpartition(".")
        return bool(module) and hasattr(importlib.import_module(module), name)
    return True


@each_page
def test_addresses_exist(page: Path) -> None:
    wrong = []
    for address in addresses_in(page):
        try:
            resolve(filled(address))
        except Resolver404:
            wrong.append(address)
    assert wrong == []


def addresses_in(page: Path) -> Iterator[str]:
    for match in ADDRESS.findall(re.sub(r"https?://[\w.]+(:\d+)?", " ", code_in(page))):
        if match.startswith(("/api/v1/", "/w/", "/connect/", "/healthz", "/readyz")) and match != "/api/v1/":
            yield match.rstrip(".")


def filled(address: str) -> str:
    known = {"{id}": "1", "<slug>": "hartwell", "<provider>": "crunch"}
    for placeholder, value in known.items():
        address = address.replace(placeholder, value)
    return address


def test_addresses_of_the_sandbox_exist() -> None:
    named = {first or second for page in PAGES for first, second in SANDBOX.findall(text_of(page))}
    named = {path.rstrip("/") for path in named if not path.startswith("/crunch/v1")}
    assert named
    with Running({"crunch": Crunch(clients=3)}) as server:
        for path in named:
            asked = requests.post if path.endswith("/_control") else requests.get
            assert asked(f"{server.url}{path}", json={}, timeout=10).status_code == 200, path


def test_the_log_in_of_the_demo_is_the_one_in_the_readme() -> None:
    readme = text_of(ROOT / "README.md")
    assert f"`{demo.PASSWORD}`" in readme
    assert set(re.findall(rf"(\w+)@{demo.DOMAIN}", readme)) == {first for first, _name, _role in demo.COLLEAGUES.values()}


def test_the_changelog_has_what_comes_and_this_version() -> None:
    version = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["version"]
    headings = re.findall(r"^## \[([^\]]+)\]", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert headings[:2] == ["Unreleased", version]


def test_every_variable_that_is_read_is_explained() -> None:
    explained = named_in_example() | set(VARIABLE.findall(text_of(ROOT / "docs" / "operations.md")))
    assert (read_by_python() | read_by_deployment() | vendor_settings()) - explained == set()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_provider_has_its_papers(folder: Path) -> None:
    assert text_of(folder / "README.md").startswith("# ")
    assert f"providers/{folder.name}.md" in text_of(ROOT / "docs" / "README.md")
    assert (ROOT / "docs" / "providers" / f"{folder.name}.md").exists()


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_decisions_are_numbered_named_and_short(decision: Path) -> None:
    number = f"{DECISIONS.index(decision) + 1:04d}"
    assert re.fullmatch(rf"{number}(-[a-z0-9]+)+\.md", decision.name)
    lines = text_of(decision).splitlines()
    assert lines[0].startswith(f"# {number} ")
    assert any(line.startswith("Status: ") for line in lines)
    assert len(lines) <= MOST_LINES_OF_A_DECISION


def test_every_fault_has_tests_and_every_test_named_exists() -> None:
    page = text_of(ROOT / "docs" / "faults.md")
    rows = {cells[1].split()[0]: TEST.findall(cells[3]) for line in page.splitlines() if len(cells := line.split("|")) == 5}
    assert [fault for fault in FAULTS if not rows.get(fault)] == []
    assert [f"{path}::{name}" for path, name in TEST.findall(page) if not has_test(ROOT / "tests" / path, name)] == []


def has_test(path: Path, name: str) -> bool:
    return path.exists() and f"def {name}(" in text_of(path)


def test_every_page_is_listed() -> None:
    listed = {(ROOT / "docs" / target).resolve() for target in LINK.findall(text_of(ROOT / "docs" / "README.md"))}
    assert [shown(page) for page in (ROOT / "docs").rglob("*.md") if page.resolve() not in listed and page.name != "README.md"] == []


def test_every_picture_is_shown_and_small() -> None:
    pictures = sorted((ROOT / "docs" / "images").glob("*"))
    words = "".join(text_of(page) for page in PAGES)
    assert [shown(path) for path in pictures if path.name not in words] == []
    assert [shown(path) for path in pictures if path.stat().st_size > 200_000] == []


def test_everything_a_provider_can_be_is_in_its_guide() -> None:
    guide = text_of(ROOT / "docs" / "providers" / "adding.md")
    protocols = [name for name, kind in vars(capabilities).items() if getattr(kind, "_is_runtime_protocol", False)]
    assert len(protocols) > 5
    assert [name for name in [*Capability, *protocols] if f"`{name}`" not in guide] == []
