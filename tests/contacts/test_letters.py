"""The database folds and splits exactly as Python does: every letter by itself, and texts that nobody would write."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.domain.store import words_of
from contacts.models import letters
from crmsync.lib.text import clip, exact_name, fold
from tests.fixtures import Cast

# Letters that Unicode has named by now and the server may know, but this Python does not, are no matter of folding.
UNKNOWN = {"Cn", "Co", "Cs"}
EVERY = [chr(code) for code in range(1, sys.maxunicode + 1) if unicodedata.category(chr(code)) not in UNKNOWN]
# Of the ideographs and syllables, which are all alike, some.
SOME = [letter for letter in EVERY if (not "\u3400" <= letter <= "\ud7a3" and letter < "\U00010000") or ord(letter) % 37 == 0]
NASTY = (
    "aZ09 .,-_/()@'`\u2019\u02bc\u00b4&+\t\n\x0b\x1c\x1f\x7f\x85\u00a0\u00ad\u200b\u200d\u2028\u3000\ufeff\u0301\u0327\u034f\u0345"
    "\u00e3\u00c7\u00df\u1e9e\u00d8\u0152\u0130\u0131\u017f\u0149\u00bc\u00b2\u00aa\u01c4\u03a3\u03c2\u0390\u1fb3\ufb01\uff21\uff11\u0663\u0966\u4e2d\uac01"
    "\u1100\u0e33\u0939\u093f\u094d\u05d0\u05b0\u0600\u180e\u1c90\u10d0\u13a0\uab70\ua7b5\U0001f1e7\U0001d400\U000104b0\U0001e900\u2167\u33c2"
)
TEXTS = st.text(st.sampled_from(NASTY) | st.sampled_from(EVERY), max_size=12)
MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CONTACTS = st.fixed_dictionaries(
    {
        "name": TEXTS,
        "legal_name": TEXTS,
        "trade_name": TEXTS | st.just("Same"),
        "tax_id": TEXTS,
        "emails": st.lists(st.fixed_dictionaries({"email": TEXTS | st.builds("{}@{}.com".format, TEXTS, TEXTS)}), max_size=2),
        "phones": st.lists(st.fixed_dictionaries({"number": TEXTS | st.just("+44 (0)20 7946 0018")}), max_size=2),
        "tags": st.lists(TEXTS.filter(bool), max_size=2),
    }
)
WORDS = """
SELECT (SELECT array_agg(DISTINCT w COLLATE "C" ORDER BY w COLLATE "C") FROM unnest(contacts_words(
  concat_ws(' ', name, nullif(legal_name, name), nullif(trade_name, name)), emails, phones, tax_id, tags)) w WHERE w <> '')
FROM jsonb_to_recordset(%s::jsonb)
AS x(name text, legal_name text, trade_name text, tax_id text, emails jsonb, phones jsonb, tags text[])
"""


def asked(function: str, texts: Sequence[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT array_agg({function} ORDER BY o) FROM unnest(%s::text[]) WITH ORDINALITY x(t, o)", [list(texts)])
        found: list[str] = cursor.fetchone()[0]
        return found


def words(contacts: Sequence[dict[str, Any]]) -> list[list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(WORDS, [orjson.dumps(contacts).decode()])
        return [found or [] for (found,) in cursor.fetchall()]


def contact(**values: Any) -> dict[str, Any]:
    return {"name": "", "legal_name": "", "trade_name": "", "tax_id": "", "emails": [], "phones": [], "tags": [], **values}


@pytest.mark.parametrize(("frame", "listed"), [("{}", EVERY), ("B{}1", SOME), ("\u0416{}\u0416", SOME)], ids=["alone", "latin", "cyrillic"])
def test_every_letter_is_folded_as_python_folds_it(db: None, frame: str, listed: list[str]) -> None:
    texts = [frame.format(letter) for letter in listed]
    assert asked("contacts_fold(t)", texts) == [fold(text) for text in texts]
    assert asked("contacts_exact_name(t)", texts) == [exact_name(text) for text in texts]


@pytest.mark.parametrize("part", ["name", "email", "number", "tax_id"])
def test_every_letter_parts_words_as_in_python(db: None, part: str) -> None:
    def holding(letter: str) -> dict[str, Any]:
        text = f"ab{letter}cd 1{letter}2@x.y"
        parts = {"email": {"emails": [{"email": text}]}, "number": {"phones": [{"number": text}]}}
        return contact(**parts.get(part, {part: text}))

    listed = [holding(letter) for letter in SOME]
    assert words(listed) == [words_of(each) for each in listed]


@given(texts=st.lists(TEXTS, max_size=20), size=st.integers(2, 9))
@MANY
def test_texts_are_folded_as_in_python(cast: Cast, texts: list[str], size: int) -> None:
    if texts:
        assert asked("contacts_fold(t)", texts) == [fold(text) for text in texts]
        assert asked("contacts_exact_name(t)", texts) == [exact_name(text) for text in texts]
        assert asked(f"contacts_clip(t, {size})", texts) == [clip(text, size) for text in texts]


@given(listed=st.lists(CONTACTS, max_size=10))
@MANY
def test_contacts_have_the_words_that_python_finds(cast: Cast, listed: list[dict[str, Any]]) -> None:
    assert words(listed) == [words_of(each) for each in listed]


@pytest.mark.parametrize(
    "values",
    [
        {"name": "O'Brien & Sons-in-law S.A.", "legal_name": "O\u2019Brien", "tags": ["a b", "x" * 120]},
        {"name": "w" * 64 + " " + "w" * 65 + "-" + "v" * 70, "emails": [{"email": "e" * 120 + "@x.com"}]},
        {"emails": [{"email": "a@b@C.com"}, {"email": "no at"}, {"email": "\u0391\u03a3@\u0391\u03a3.gr"}], "tax_id": "00 (0)0"},
        {"phones": [{"number": "5" * 70}], "tax_id": "9" * 40, "legal_name": "d'" + "n" * 64},
        {"emails": [{"email": "a." * 40 + "b@x.com"}, {"email": "\ufdfa" * 9 + "@x.com"}]},
        {"phones": [{"number": "\u0660\u0661\u0662\u0663"}, {"number": "0(0)55"}], "name": "\u00e6\u00e6\u00e6"},
    ],
)
def test_awkward_contacts(db: None, values: dict[str, Any]) -> None:
    assert words([contact(**values)]) == [words_of(contact(**values))]


def test_an_upgrade_of_python_makes_the_letters_anew(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("COMMENT ON TABLE contacts_letter IS 'older'; DELETE FROM contacts_letter")
    letters.renew(connection)
    assert asked("contacts_fold(t)", ["\u0416\u00d8"]) == ["\u0436o"]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM contacts_letter")
    letters.renew(connection)  # made by this Python already: left alone
    assert asked("contacts_fold(t)", ["\u0416"]) == ["\u0416"]
