"""The folding of `crmsync.lib.text` in the database, made from Python's own: letter by letter, for steps that write contacts set-wise.

Folding looks at no letter's neighbours, so a table of the letters that it changes says all of it, whatever Unicode the server knows.
`contacts_words` gives what `store.words_of` gives, with repetitions; a property test holds them equal.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from crmsync.lib.text import APOSTROPHES, INVISIBLE, WORD_LIMIT, fold

# To be raised with a change of the rules below or in crmsync.lib.text.
RULES = 1
STATE = f"{unicodedata.unidata_version} {RULES}"
UNKNOWN = frozenset(["Cn", "Co", "Cs"])  # stay as they are
NOT_BLANK = r"\x09-\x0d\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
SPACES = f" {NOT_BLANK}"
TABLE = """
CREATE TABLE IF NOT EXISTS contacts_letter (letter text COLLATE "C" PRIMARY KEY, folded text, digit text);
TRUNCATE contacts_letter;
"""
FILL = "INSERT INTO contacts_letter (letter, folded, digit) SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])"
# Text of Western and Central Europe is folded by the server's own functions: those letters decompose alike in every version of Unicode.
FOLD = r"""
CREATE OR REPLACE FUNCTION contacts_fold(given text) RETURNS text LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
  found text;
BEGIN
  IF octet_length(given) = length(given) THEN
    found := lower(given COLLATE "C");
  ELSE
    IF given !~ '[^\x01-\u024f]' THEN
      found := lower(regexp_replace(normalize(given, NFKD), '[\u0300-\u036f]+', '', 'g') COLLATE "C");
    END IF;
    IF found IS NULL OR octet_length(found) <> length(found) THEN
      SELECT string_agg(coalesce((SELECT l.folded FROM contacts_letter l WHERE l.letter = c COLLATE "C"), c), '' ORDER BY o) INTO found
      FROM string_to_table(given, NULL) WITH ORDINALITY x(c, o);
    END IF;
  END IF;
  IF found ~ '[\x09-\x0d\x1c-\x1f]|^ | $|  ' THEN
    found := btrim(regexp_replace(found, '[\x09-\x0d\x1c-\x20]+', ' ', 'g'));
  END IF;
  RETURN found;
END $$;
"""
CLIP = r"""
CREATE OR REPLACE FUNCTION contacts_clip(given text, size integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF length(given) <= size THEN
    RETURN given;
  END IF;
  RETURN regexp_replace(left(given, size - 1), '[{spaces}]+$', '') || U&'\2026';
END $$;
"""
# What most names need not is asked before it is done: asking takes a fifth of the time.
EXACT_NAME = r"""
CREATE OR REPLACE FUNCTION contacts_exact_name(given text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF octet_length(given) <> length(given) AND (given ~ '[{invisible}]' OR given IS NOT NFC NORMALIZED) THEN
    given := normalize(regexp_replace(given, '[{invisible}]+', '', 'g'), NFC);
  END IF;
  IF given ~ '[{not_blank}]|^ | $|  ' THEN
    given := btrim(regexp_replace(given, '[{spaces}]+', ' ', 'g'));
  END IF;
  RETURN given;
END $$;
"""
# Folded text -> its words, those that punctuation parts also as one, between blanks.
SPLIT = r"""
CREATE OR REPLACE FUNCTION contacts_split(folded text, joins boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF octet_length(folded) = length(folded) THEN
    IF folded !~ '[^a-z0-9 ]' THEN
      RETURN folded;
    END IF;
    RETURN regexp_replace(folded, '[^a-z0-9 ]+', ' ', 'g')
      || CASE WHEN joins THEN ' ' || regexp_replace(folded, '[^a-z0-9 ]+', '', 'g') ELSE '' END;
  END IF;
  RETURN regexp_replace(folded, '[^{letters} ]+', ' ', 'g')
    || CASE WHEN joins THEN ' ' || regexp_replace(folded, '[^{letters} ]+', '', 'g') ELSE '' END;
END $$;
"""
NUMBER = r"""
CREATE OR REPLACE FUNCTION contacts_number(given text) RETURNS text LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
BEGIN
  given := replace(given, '(0)', '');
  IF octet_length(given) <> length(given) THEN
    SELECT string_agg(coalesce((SELECT l.digit FROM contacts_letter l WHERE l.letter = c COLLATE "C"), c), '' ORDER BY o) INTO given
    FROM string_to_table(given, NULL) WITH ORDINALITY x(c, o);
  END IF;
  given := ltrim(regexp_replace(given, '[^0-9]+', '', 'g'), '0');
  RETURN CASE WHEN given = '' THEN '' ELSE ' ' || given || ' #' || reverse(given) END;
END $$;
"""
# Names are joined by blanks: folding and splitting go by what stands between them. Looking for a word that is too long takes a third of the
# time, so it is done only where what words are made of is long enough for one.
WORDS = r"""
CREATE OR REPLACE FUNCTION contacts_words(names text, emails jsonb, phones jsonb, tax_id text, tags text[]) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  apostrophes CONSTANT text := '{apostrophes}';
  found text := contacts_split(contacts_fold(names), true);
  number text := contacts_number(tax_id);
  is_long boolean := length(found) > {limit} OR length(number) > {limit};
  whole text[] := '{{}}';
  mail text;
  tag text;
BEGIN
  found := found || number;
  IF names ~ '[{apostrophes}]' THEN
    found := found || ' ' || contacts_split(contacts_fold(translate(names, apostrophes, '')), false);
  END IF;
  FOR i IN 0 .. jsonb_array_length(emails) - 1 LOOP
    mail := emails -> i ->> 'email';
    is_long := is_long OR length(mail) > {limit};
    IF octet_length(mail) = length(mail) THEN
      mail := lower(mail COLLATE "C");
      found := found || ' ' || regexp_replace(translate(mail, apostrophes, ''), '[^a-z0-9]+', ' ', 'g');
      whole := whole || contacts_clip('e:' || mail, 100);
    ELSE
      is_long := true;  -- folding may lengthen it
      found := found || ' ' || contacts_split(contacts_fold(translate(mail, apostrophes, '')), false);
      whole := whole || contacts_clip('e:' || lower(mail COLLATE "pg_unicode_fast"), 100);
    END IF;
    IF mail ~ '[^a-z0-9].*@' THEN
      found := found || ' ' || contacts_split(contacts_fold(left(mail, length(mail) - strpos(reverse(mail), '@'))), true);
    END IF;
  END LOOP;
  FOR i IN 0 .. jsonb_array_length(phones) - 1 LOOP
    number := contacts_number(phones -> i ->> 'number');
    is_long := is_long OR length(number) > {limit};
    found := found || number;
  END LOOP;
  FOREACH tag IN ARRAY tags LOOP
    whole := whole || contacts_clip('t:' || tag, 100);
  END LOOP;
  IF is_long AND found ~ '[^ ]{{{more}}}' THEN
    found := regexp_replace(found, '([^ ]{{{limit}}})[^ ]+', '\1', 'g');
  END IF;
  RETURN string_to_array(btrim(found), ' ') || whole;
END $$;
"""
DROP = """
DROP FUNCTION contacts_words(text, jsonb, jsonb, text, text[]);
DROP FUNCTION contacts_number(text);
DROP FUNCTION contacts_split(text, boolean);
DROP FUNCTION contacts_exact_name(text);
DROP FUNCTION contacts_clip(text, integer);
DROP FUNCTION contacts_fold(text);
DROP TABLE contacts_letter;
"""


def install(database: BaseDatabaseWrapper) -> None:
    """Make or renew table and functions, as the owner of the tables."""
    words = _class([code for code in _known() if chr(code).isalnum() or unicodedata.category(chr(code))[0] == "M"])
    apostrophes = "".join(chr(code) for code in APOSTROPHES).replace("'", "''")
    statements = (
        FOLD,
        NUMBER,
        CLIP.format(spaces=SPACES),
        EXACT_NAME.format(spaces=SPACES, not_blank=NOT_BLANK, invisible=_class(INVISIBLE)),
        SPLIT.format(letters=words),
        WORDS.format(apostrophes=apostrophes, limit=WORD_LIMIT, more=WORD_LIMIT + 1),
        "ANALYZE contacts_letter",
        f"COMMENT ON TABLE contacts_letter IS '{STATE}'",
    )
    with database.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute(FILL, [list(column) for column in zip(*_changed(), strict=True)])
        for statement in statements:
            cursor.execute(statement)


def renew(database: BaseDatabaseWrapper) -> None:
    """After an upgrade: does the table still say what this Python's Unicode and these rules do?"""
    with database.cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regclass('contacts_letter'), 'pg_class')")
        [made_by] = cursor.fetchone()
    if made_by not in {None, STATE}:  # None: the table is not there (yet)
        install(database)


def _known() -> Iterator[int]:
    return (code for code in range(1, sys.maxunicode + 1) if unicodedata.category(chr(code)) not in UNKNOWN)


def _changed() -> Iterator[tuple[str, str, str | None]]:
    for code in _known():
        letter = chr(code)
        folded, digit = _folded(letter), unicodedata.decimal(letter, None)
        if folded != letter or (digit is not None and code > 0x7F):
            yield letter, folded, None if digit is None else str(digit)


def _folded(letter: str) -> str:
    """One letter between others, so that blanks at its ends stay."""
    return " " if letter.isspace() else fold(f"|{letter}|")[1:-1]


def _class(codes: Iterable[int]) -> str:
    """Ranges for a regular expression."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)
