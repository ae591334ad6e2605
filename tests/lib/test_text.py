import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmsync.lib import text

EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1)]


@pytest.mark.parametrize(
    ("given_name", "exact"),
    [
        ("Acme Ltd", "Acme Ltd"),
        ("  Acme   Ltd ", "Acme Ltd"),
        ("Acme\u00a0Ltd", "Acme Ltd"),  # no-break space
        ("Acme\u202fLtd", "Acme Ltd"),  # narrow no-break space
        ("Acme\u3000Ltd", "Acme Ltd"),  # ideographic space
        ("Acme\t\r\nLtd", "Acme Ltd"),
        ("Acme \u00a0 Ltd\u2009", "Acme Ltd"),
        ("\ufeffAcme\u200b Ltd\u2060", "Acme Ltd"),  # BOM, zero-width space, word joiner
        ("Ac\u00adme", "Acme"),  # soft hyphen
        ("\u202eAcme\u202c", "Acme"),  # direction override
        ("Jose\u0301", "Jos\u00e9"),  # NFD
        ("\u212bngstr\u00f6m", "\u00c5ngstr\u00f6m"),  # the unit sign
        ("\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),  # Persian
        ("", ""),
        (" \u00a0\u200b ", ""),
    ],
)
def test_exact_name(given_name: str, exact: str) -> None:
    assert text.exact_name(given_name) == exact


@pytest.mark.parametrize(
    ("left", "right"), [("Acme", "ACME"), ("Jose", "Jos\u00e9"), ("Acme Ltd", "Acme Ltd."), ("Acme", "Ac me"), ("\ufb01n", "fin")]
)
def test_exact_name_keeps_what_people_can_see(left: str, right: str) -> None:
    assert text.exact_name(left) != text.exact_name(right)


@given(st.text())
def test_exact_name_is_settled_after_once(name: str) -> None:
    once = text.exact_name(name)
    assert text.exact_name(once) == once
    assert unicodedata.is_normalized("NFC", once)


@given(st.text(alphabet="aAe\u0301\u00e9 \u00a0\t\u200b"))
def test_exact_name_does_not_care_how_letters_are_composed(name: str) -> None:
    assert text.exact_name(unicodedata.normalize("NFD", name)) == text.exact_name(unicodedata.normalize("NFC", name))


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("S\u00e3o Paulo", "sao paulo"),
        ("S\u00d8REN \u00c6BELH\u00d8J", "soren aebelhoj"),
        ("Stra\u00dfe", "strasse"),
        ("STRASSE", "strasse"),
        ("\u0141\u00f3d\u017a", "lodz"),
        ("\u0110or\u0111e", "dorde"),
        ("\u00c5rhus", "arhus"),
        ("\u0130stanbul I\u015f\u0131k", "istanbul isik"),
        ("\u0152uvre", "oeuvre"),
        ("\ufb01n", "fin"),
        ("\u0391\u0398\u0397\u039d\u0391\u03a3", "\u03b1\u03b8\u03b7\u03bd\u03b1\u03c3"),
        ("A\u00a0 B\u200b", "a b"),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u093f\u0928\u0926\u0940"),
    ],
)
def test_fold(written: str, folded: str) -> None:
    assert text.fold(written) == folded


def test_fold_is_settled_after_once_for_every_character() -> None:
    assert [char for char in EVERY_CHARACTER if text.fold(text.fold(char)) != text.fold(char)] == []


@given(st.text())
def test_fold_is_settled_after_once(written: str) -> None:
    once = text.fold(written)
    assert text.fold(once) == once


@given(st.text(alphabet=st.characters(max_codepoint=0x24F)))
def test_fold_does_not_care_about_case(written: str) -> None:
    assert text.fold(written.upper()) == text.fold(written.upper().lower())


@given(st.text(alphabet=st.characters(max_codepoint=0x17F)) | st.text(alphabet="ab \u00e3\u00df\u00a0\u00adA\u0301\u200b\u0130\u03c3"))
def test_fold_of_latin_letters_at_a_stroke_is_that_of_any(written: str) -> None:
    assert text.fold(written) == " ".join(text._fold_any(written).split())


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("Acme Ltd", ["acme", "ltd"]),
        ("O'Brien & Sons", ["obrien", "sons"]),
        ("O\u2019Brien", ["obrien"]),
        ("O\u00b4Brien", ["obrien"]),
        ("Jean-Luc", ["jean", "luc"]),
        ("Acme acme ACME", ["acme"]),
        ("M\u00fcller, J\u00f6rg", ["muller", "jorg"]),
        ("snake_case", ["snake", "case"]),
        ("\u682a\u5f0f\u4f1a\u793e", ["\u682a\u5f0f\u4f1a\u793e"]),
        ("\u0939\u093f\u0928\u0926\u0940", ["\u0939\u093f\u0928\u0926\u0940"]),
        ("!!", []),
    ],
)
def test_words(written: str, listed: list[str]) -> None:
    assert text.words(written) == listed


def test_search_words_hold_parts_and_wholes() -> None:
    found = text.search_words("e-conomic A/S", "O'Brien", emails=["Anna.Smith@acme.co.uk"], numbers=["+44 (0)20 7946"])
    assert found == sorted(
        [
            "e",
            "conomic",
            "economic",
            "a",
            "s",
            "as",
            "obrien",
            "o",
            "brien",
            "anna",
            "smith",
            "annasmith",
            "acme",
            "co",
            "uk",
            "44207946",
            "#64970244",
        ]
    )


def fits(stored: list[str], query: str) -> bool:
    return any(all(any(word.startswith(part) for word in stored) for part in choice) for choice in text.query_words(query))


@pytest.mark.parametrize(
    "query",
    [
        "economic",
        "e-conomic",
        "E-CON",
        "o'brien",
        "brien",
        "obr",
        "anna.smith@acme",
        "smith anna",
        "020 7946 0958",
        "+44 20 7946 0958",
        "0044 20 7946",
        "0958",
        "12.345.678/0001-95",
        "12345678",
        "1984",
        "studio 1984",
    ],
)
def test_a_record_is_found_by(query: str) -> None:
    stored = text.search_words(
        "e-conomic A/S",
        "O'Brien",
        "Studio 1984",
        emails=["anna.smith@acme.co.uk"],
        numbers=["+44 (0)20 7946 0958", "12.345.678/0001-95"],
    )
    assert fits(stored, query)


@pytest.mark.parametrize("query", ["economy", "7946 0999", "smith bob", "1985", "", "  "])
def test_a_record_is_not_found_by(query: str) -> None:
    stored = text.search_words("e-conomic", "Studio 1984", emails=["anna.smith@acme.co.uk"], numbers=["+44 20 7946 0958"])
    assert not fits(stored, query)


@given(st.text(min_size=1, max_size=80))
def test_a_name_is_found_by_itself(name: str) -> None:
    stored = text.search_words(name)
    assert not text.query_words(name) or fits(stored, name)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Alice Smith", "AS"),
        ("alice", "A"),
        ("Ana Maria da Silva", "AS"),
        ("émile zola", "ÉZ"),
        ("(Acme) & Co.", "AC"),
        ("", "?"),
        ("--", "?"),
        ("ßeta", "S"),
        ("O'Brien", "O"),
        ("3M", "3"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert text.initials(name) == letters


def test_digits() -> None:
    assert text.digits("+45 (12) 34-56 x\u0667\u00b2") == "451234567"
    assert text.digits("+45 (12) 34-56 x") == "45123456"


@given(st.text(), st.integers(min_value=0, max_value=30))
def test_clip_keeps_the_limit(written: str, length: int) -> None:
    clipped = text.clip(written, length)
    assert len(clipped) <= length
    assert clipped == written or len(written) > length


def test_clip_shows_that_something_was_cut() -> None:
    assert text.clip("Acme Limited", 6) == "Acme\u2026"


@pytest.mark.parametrize(
    ("written", "held"),
    [("Acme", False), ("Acme\r\nBcc: x", True), ("a\x00", True), ("a\ud800", True), ("\u00e9", False), ("a\u2028", True)],
)
def test_has_control(written: str, held: bool) -> None:
    assert text.has_control(written) is held


def test_strip_nul_leaves_storable_text() -> None:
    assert text.strip_nul("a\x00b\ud800c\n\u00e9") == "abc\n\u00e9"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Acme Ltd", "acme"),
        ("ACME Limited.", "acme"),
        ("Acme Foods, Inc.", "acme foods"),
        ("Foods Acme", "acme foods"),
        ("Caf\u00e9 da Pra\u00e7a Ltda - ME", "cafe da praca"),
        ("Fulano Com\u00e9rcio EIRELI EPP", "comercio fulano"),
        ("Petrobras S.A.", "petrobras"),
        ("Petrobras S/A", "petrobras"),
        ("Petrobras S. A.", "petrobras"),
        ("Dupont & Fils S.A.R.L.", "dupont fils"),
        ("Smith and Sons LLP", "smith sons"),
        ("Smith & Sons", "smith sons"),
        ("J.P. Morgan", "jp morgan"),
        ("JP Morgan", "jp morgan"),
        ("M\u00f8ller og S\u00f8n A/S", "moller son"),
        ("Novo ApS", "novo"),
        ("AB Volvo", "volvo"),
        ("Volvo AB", "volvo"),
        ("e-conomic a/s", "conomic e"),
        ("McDonald's", "mcdonalds"),
        ("Ltd", "ltd"),
        ("AB", "ab"),
        ("", ""),
    ],
)
def test_company_key(name: str, key: str) -> None:
    assert text.company_key(name) == key


@given(st.text())
def test_company_key_is_empty_only_without_words(name: str) -> None:
    assert bool(text.company_key(name)) == bool(text.words(name))


def test_near_score() -> None:
    assert text.near_score("Acme Foods Ltd", "FOODS ACME S.A.") == 100
    assert text.near_score("Acme Foods", "Borealis Wind") < 60


def test_a_person_called_sa_keeps_the_name() -> None:
    assert text.near_score("Maria S\u00e1", "Maria Costa", key=text.person_key) < 90
    assert text.person_key("S\u00e1, Maria") == "maria sa"


def index_of(*names: str) -> text.NearIndex[int]:
    index: text.NearIndex[int] = text.NearIndex()
    for position, name in enumerate(names):
        index.add(position, name)
    return index


def test_near_index_finds_names_alike_best_first() -> None:
    index = index_of("Bluebird Trading Ltd", "Bluebirdd Trading", "Redfox Trading", "Bluebird Trading Limited")
    assert [id for id, _ in index.matches("bluebird trading")] == [0, 3, 1]
    assert index.matches("Green Dragon") == []
    assert index.matches("") == []


def test_near_index_finds_a_lone_word_with_a_slip() -> None:
    assert [id for id, _ in index_of("Constelation", "Other").matches("Constellation Ltd")] == [0]


def test_near_index_forgets_and_renames() -> None:
    index = index_of("Bluebird", "Redfox")
    index.discard(0)
    index.discard(7)
    index.add(1, "Greenfrog")
    assert (index.matches("Bluebird"), index.matches("Redfox"), index.matches("Greenfrog")) == ([], [], [(1, 100.0)])
    assert len(index) == 1


def test_near_index_compares_common_words_only_together() -> None:
    index: text.NearIndex[int] = text.NearIndex(key=text.person_key, rare=2)
    for id, name in enumerate(["Maria Silva", "Maria Costa", "Maria Lima", "Ana Silva", "Eva Silva", "Silva Maria"]):
        index.add(id, name)
    assert [id for id, _ in index.matches("Maria Silva")] == [0, 5]


def test_near_index_lists_each_pair_once() -> None:
    assert list(index_of("Bluebird Ltd", "Redfox", "Bluebird ApS", "Red-fox").pairs()) == [(0, 2, 100.0)]


def test_near_pairs_between_two_lists() -> None:
    ours, theirs = [("a", "Bluebird Ltd"), ("b", "Redfox")], [("x", "Redfox A/S"), ("y", "Other")]
    assert list(text.near_pairs(ours, theirs)) == [("b", "x", 100.0)]


@given(st.lists(st.text(alphabet="abcde ", min_size=1, max_size=12), max_size=12), st.text(alphabet="abcde ", max_size=12))
def test_near_index_never_lists_what_scores_lower(names: list[str], wanted: str) -> None:
    for id, score in index_of(*names).matches(wanted, 90):
        assert text.near_score(names[id], wanted) == pytest.approx(score)
        assert score >= 90
