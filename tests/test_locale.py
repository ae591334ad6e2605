"""Translations: complete, true to their placeholders, and really shown. The code is read with `ast`: no gettext tools are needed."""

from __future__ import annotations

import ast
import functools
import html
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import polib
import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from django.utils.translation import reloader
from django.utils.translation.template import templatize

from accounts.scoping import workspace_tx
from integrations.enums import LinkState
from tests.arch.sources import PACKAGES, ROOT, product_files, shown
from tests.fixtures import Cast
from tests.integrations import rows

LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
# Where in a call the context, the message and its plural stand.
CALLS: dict[str, tuple[int | None, int, int | None]] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), (None, 0, None)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (None, 0, 1)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (0, 1, None)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (0, 1, 2)),
}
LITERAL = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
MARKED = re.compile(rf"\b(?:n?p?gettext|_)\(\s*{LITERAL}(?:\s*,\s*{LITERAL})*")
PLACEHOLDER = re.compile(r"%%|%(?:\(\w+\))?[sdf]|\{\w*\}")
TAG = re.compile(r"</?\w[^>]*>")

COMMENT = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|<!--.*?-->", re.DOTALL)
TRANSLATED = re.compile(r"\{% blocktranslate\b.*?\{% endblocktranslate %\}", re.DOTALL)
# Blocks of class names, tags and variables.
MACHINERY = re.compile(r"\{% block \w+_class %\}.*?\{% endblock %\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
ATTRIBUTES = ROOT / "templates" / "django" / "forms" / "widgets" / "attrs.html"  # the inside of a tag
SPOKEN = {
    "alt",
    "aria-label",
    "aria-description",
    "placeholder",
    "title",
    "data-label",
    "data-confirm",
    "data-confirm-text",
    "data-confirm-button",
}
UNSPOKEN = {"code", "kbd", "pre", "script", "style", "template"}
WORD = re.compile(r"[^\W\d_]{2,}")
OWN_NAMES = {translation.get_language_info(code)["name_local"] for code, _ in settings.LANGUAGES}
NAMES = {"crmsync", "OpenAPI", "ms"}  # stay as they are in every language


class Message(NamedTuple):
    context: str | None
    text: str
    plural: str | None


def _message(name: str, words: list[str | None]) -> Message | None:
    context, text, plural = ((words[at] if at is not None and at < len(words) else None) for at in CALLS[name])
    return Message(context, text, plural) if text else None


def _calls(source: str) -> Iterator[Message]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name in CALLS:
            words = [each.value if isinstance(each, ast.Constant) and isinstance(each.value, str) else None for each in node.args]
            if found := _message(name, words):
                yield found


def templates() -> list[Path]:
    homes = [ROOT / "templates", *(ROOT / package / "templates" for package in PACKAGES)]
    return sorted(path for home in homes for path in home.rglob("*") if path.suffix in {".html", ".txt"})


@functools.cache
def used() -> dict[Message, str]:
    """Every message of code and templates, with one file that uses it."""
    found = {message: shown(path) for path in product_files() for message in _calls(path.read_text())}
    for path in templates():
        for call in MARKED.findall(templatize(path.read_text())):
            found |= dict.fromkeys(_calls(f"{call})"), shown(path))
    return found


def catalogue_path(language: str) -> Path:
    return ROOT / "locale" / translation.to_locale(language) / "LC_MESSAGES" / "django.po"


@functools.cache
def catalogue(language: str) -> polib.POFile:
    return polib.pofile(str(catalogue_path(language)), check_for_duplicates=True)


def _texts(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def _shape(text: str) -> tuple[list[str], list[str], bool, bool]:
    return sorted(set(PLACEHOLDER.findall(text))), sorted(TAG.findall(text)), text.startswith("\n"), text.endswith("\n")


def _is_true_to(entry: polib.POEntry) -> bool:
    """A form for one thing may leave the number out, as the English one may: "one contact"."""
    if not entry.msgid_plural:
        return _shape(entry.msgstr) == _shape(entry.msgid)
    one, many = entry.msgstr_plural[0], entry.msgstr_plural[max(entry.msgstr_plural)]
    return _shape(many) == _shape(entry.msgid_plural) and set(PLACEHOLDER.findall(one)) <= set(PLACEHOLDER.findall(many))


def test_the_reader_of_code_and_templates_finds_messages() -> None:
    """One of each sort, so that the tests below cannot pass by finding nothing."""
    sources = '_("a" "b"); ngettext("one", "%d", n); pgettext_lazy("verb", "open"); _(name); trans.gettext_noop("c")'
    assert set(_calls(sources)) == {
        Message(None, "ab", None),
        Message(None, "one", "%d"),
        Message("verb", "open", None),
        Message(None, "c", None),
    }
    assert Message(None, "Log in", None) in used()
    assert Message("button", "Open", None) in used()
    assert Message(None, "%(days)s day overdue", "%(days)s days overdue") in used()
    assert Message(None, "It is tried again by itself.", None) in used()
    assert len(used()) > 1000


def test_every_language_has_its_catalogue() -> None:
    assert {path.parent.parent.name for path in (ROOT / "locale").glob("*/LC_MESSAGES/django.po")} == {
        translation.to_locale(language) for language in LANGUAGES
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_in_the_catalogue(language: str) -> None:
    known = {Message(entry.msgctxt, entry.msgid, entry.msgid_plural or None) for entry in catalogue(language) if not entry.obsolete}
    assert [f"{where}: {message}" for message, where in used().items() if message not in known] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated(language: str) -> None:
    assert [entry.msgid for entry in catalogue(language) if not entry.obsolete and not all(_texts(entry))] == []
    assert [entry.msgid for entry in catalogue(language) if entry.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_in_the_catalogue_that_nobody_uses(language: str) -> None:
    assert [entry.msgid for entry in catalogue(language).obsolete_entries()] == []
    messages = [Message(entry.msgctxt, entry.msgid, entry.msgid_plural or None) for entry in catalogue(language)]
    assert [message for message in messages if message not in used()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_placeholders_markup_and_line_ends(language: str) -> None:
    done = [entry for entry in catalogue(language) if not entry.obsolete and all(_texts(entry))]
    assert [entry.msgid for entry in done if not _is_true_to(entry)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_end_and_shout_as_their_message(language: str) -> None:
    """A sentence stays a sentence, a label stays a label; nobody shouts."""
    done = [entry for entry in catalogue(language) if not entry.obsolete and entry.msgstr]
    assert [entry.msgid for entry in done if entry.msgid.endswith((".", "?", "…")) and entry.msgid[-1] != entry.msgstr[-1]] == []
    assert [entry.msgid for entry in done if "!" in entry.msgstr] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_head_of_a_catalogue_names_the_language_and_nobody(language: str) -> None:
    head = catalogue(language).metadata
    assert head["Language"] == translation.to_locale(language)
    assert head["Content-Type"] == "text/plain; charset=UTF-8"
    assert re.fullmatch(r"nplurals=2; plural=\(?n ?(> ?1|!= ?1)\)?;", head["Plural-Forms"])
    words = " ".join([catalogue(language).header, *(value for value in head.values() if value)])
    assert not re.search(r"@|FULL NAME|SOME DESCRIPTIVE|YEAR|/\w+/\w+/", words)
    assert not any(entry.occurrences for entry in catalogue(language)), "made with --no-location"


class Spoken(HTMLParser):
    """What a page says: its texts and the attributes that are read out or shown."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self._inside: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSPOKEN:
            self._inside.append(tag)
        self.words += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside and data.strip():
            self.words.append(" ".join(data.split()))


@pytest.mark.parametrize("path", [path for path in templates() if path != ATTRIBUTES], ids=shown)
def test_templates_say_nothing_that_cannot_be_translated(path: Path) -> None:
    bare = MACHINERY.sub("", TRANSLATED.sub("", COMMENT.sub("", path.read_text())))
    assert [text for text in Spoken(bare).words if set(WORD.findall(text)) - NAMES] == []


@pytest.fixture(scope="module")
def _compiled() -> None:
    subprocess.run([sys.executable, str(ROOT / "scripts" / "compile_messages.py")], check=True)
    reloader.translation_file_changed(None, Path("django.mo"))


@pytest.fixture
def speaking(_compiled: None) -> Iterator[None]:
    """What a page has activated is not left to the next test."""
    with translation.override(settings.LANGUAGE_CODE):
        yield


@pytest.fixture
def there(cast: Cast) -> dict[str, str]:
    """A workspace in which something goes on; gives the addresses of its pages."""
    with workspace_tx(cast.workspace):
        connection = rows.connection(cast.workspace, cast.alice)
        contact, twin = rows.organisation(cast.workspace, "Ørsted Foods"), rows.organisation(cast.workspace)
        rows.link(connection, contact)
        rows.held(connection, twin)
        rows.link(connection, state=LinkState.IGNORED, reason={"code": "ignored_by_person", "params": {}})
        rows.stuck(connection, contact)
        run = rows.run(connection, requested_by=cast.alice)
        rows.line(run)
    home, here = "/w/hartwell/", f"/w/hartwell/integrations/{connection.pk}/"
    return {
        "contacts": f"{home}contacts/",
        "contact": f"{home}contacts/{contact.pk}/",
        "form": f"{home}contacts/new/",
        "invoices": f"{home}invoices/",
        "connection": here,
        "settings": f"{here}settings/",
        "attention": f"{here}attention/",
        "run": f"{here}runs/{run.pk}/",
    }


# A few messages that stand on the page, looked up in the catalogue: the words themselves are the translator's.
EXPECTED = {
    "contacts": ["Export", "Life cycle", "Owner", "Trash", "Search people and organisations"],
    "contact": ["Timeline", "Edit", "Add note", "Merge with another…", "Sync this record"],
    "form": ["First name", "Last name", "Tax id", "Address line 1", "Save"],
    "invoices": ["Invoices", "No invoices yet"],
    "connection": ["Sync now", "Preview", "In sync", "Disable integration", "Last success", "Overview"],
    "settings": ["When a linked contact is deleted here", "Bring it back at the next sync", "Suppliers", "Ask me"],
    "attention": ["More than one contact here fits", "Choose", "Ignore"],
    "run": ["Log", "Undo this run", "Record"],
}


def _say(language: str, text: str) -> str:
    found = next((entry.msgstr for entry in catalogue(language) if entry.msgid == text and not entry.msgctxt), "")
    assert found, f"no translation of {text!r}"
    return found


def _left_in_english(language: str, page: str) -> list[str]:
    """Messages that the page says in English although the catalogue knows better."""
    done = {entry.msgid: entry.msgstr for entry in catalogue(language) if entry.msgstr and not entry.msgctxt}
    meant = {*done.values(), *OWN_NAMES}
    return [text for text in Spoken(page).words if done.get(text, text) != text and text not in meant]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_log_in_page_speaks_the_language_of_the_browser(db: None, speaking: None, language: str) -> None:
    response = Client().get("/accounts/login/", headers={"accept-language": language})
    page = html.unescape(response.text)
    assert response.headers["Content-Language"] == language
    assert f'<html lang="{language}"' in page
    for text in ("Log in", "Your contacts and your books, in step.", "Create a workspace"):
        assert _say(language, text) in page
    assert _left_in_english(language, response.text) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", EXPECTED)
def test_pages_speak_the_language_of_the_person(
    cast: Cast, alice: Client, there: dict[str, str], speaking: None, language: str, name: str
) -> None:
    cast.alice.language = language
    cast.alice.save(update_fields=["language"])
    response = alice.get(there[name])
    assert response.status_code == 200
    said = " ".join(Spoken(response.text).words)
    assert [text for text in EXPECTED[name] if _say(language, text) not in said] == []
    assert _left_in_english(language, response.text) == []
