"""`.env.example` names every variable that is read, and none that is not."""

import re

from crmsync.embedded import ROOT
from tests.arch.sources import product_files

READ = [
    re.compile(r"\benv(?:\.\w+)?\(\s*\"([A-Z][A-Z0-9_]+)\""),
    re.compile(r"\bos\.environ(?:\.get\(|\.setdefault\(|\[)\s*\"([A-Z][A-Z0-9_]+)\""),
    re.compile(r"\bsecret\(\"([A-Z_]+)\"\)"),
    re.compile(r"\bENVIRON(?:\.get\(|\[)\s*\"([A-Z][A-Z0-9_]+)\""),
]
# Of the operating system or of Django's own start, not ours to explain.
NOT_OURS = {"PATH", "PYTHONPATH", "DJANGO_SETTINGS_MODULE", "HOME", "TMPDIR"}
# Read by the processes of the Procfile and by docker compose.
IN_SHELL = re.compile(r"\$\$?\{([A-Z_]+)[:}]")
# Vendor settings, which providers read by their prefix: each is a constant of the provider.
VENDOR = re.compile(r"\b((?:CRUNCH|MOVIDESK|ECONOMIC|NECTAR)_[A-Z_]+)\b")


def named_in_example() -> set[str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return {match[1] for line in lines if (match := re.match(r"#?([A-Z][A-Z0-9_]+)=", line))}


def read_by_python() -> set[str]:
    sources = [path.read_text(encoding="utf-8") for path in product_files()]
    return {name for source in sources for pattern in READ for name in pattern.findall(source)} - NOT_OURS


def read_by_deployment() -> set[str]:
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("Procfile", "docker-compose.yml", "Dockerfile")]
    return {name for text in texts for name in IN_SHELL.findall(text)}


def vendor_settings() -> set[str]:
    files = [*(ROOT / "integrations" / "providers").rglob("*.py"), *(ROOT / "integrations" / "providers").rglob("sandbox.env")]
    return {name for path in files for name in VENDOR.findall(path.read_text(encoding="utf-8"))}


def test_every_variable_is_explained() -> None:
    assert (read_by_python() | read_by_deployment() | vendor_settings()) - named_in_example() == set()


def test_nothing_is_explained_that_nobody_reads() -> None:
    waiting_for_their_provider = {name for name in named_in_example() if VENDOR.match(name)}
    assert named_in_example() - read_by_python() - read_by_deployment() - waiting_for_their_provider == set()


def test_every_line_but_names_is_a_comment() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line and not re.match(r"#|[A-Z][A-Z0-9_]*=", line)] == []
