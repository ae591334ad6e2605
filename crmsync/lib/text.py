"""Names and words: what counts as the same text, and how text is searched."""

import functools
import re
import unicodedata
from collections.abc import Callable, Container, Hashable, Iterable, Iterator
from typing import Generic, TypeVar

from rapidfuzz import fuzz, process

# Characters that nobody can see and that change no word: soft hyphen, zero-width space, direction marks, word joiner, BOM.
# The zero-width (non-)joiners U+200C and U+200D stay: Persian, Indic scripts and emoji need them to read right.
INVISIBLE = dict.fromkeys([0x00AD, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF])

# Letters that Unicode does not decompose, in the spelling that people type without the key.
PLAIN_LETTERS = str.maketrans(
    {
        "\u00f8": "o",  # o with stroke
        "\u00e6": "ae",
        "\u0153": "oe",
        "\u00df": "ss",  # sharp s
        "\u0142": "l",  # l with stroke
        "\u0111": "d",  # d with stroke
        "\u00f0": "d",  # eth
        "\u00fe": "th",  # thorn
        "\u0127": "h",  # h with stroke
        "\u0131": "i",  # dotless i
        "\u014b": "n",  # eng
        "\u0167": "t",  # t with stroke
        "\u0138": "k",  # kra
    }
)
APOSTROPHES = dict.fromkeys(map(ord, "'`\u2018\u2019\u02bc\u00b4"))
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
NUMBER_LIKE = re.compile(r"[\d\s+()./\-]+")
ASCII_WORD = re.compile(r"[a-z0-9]+")
ASCII_DIGITS = re.compile(r"[0-9]+")
WORD_LIMIT = 64


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Company forms that mean nothing else, dropped wherever they stand ...
COMPANY_FORMS = _listed(
    "ltd limited llp plc inc incorporated corp corporation llc gmbh mbh aps ivs ltda limitada eireli epp sarl eurl sasu lda srl pty pte"
)
# ... those that are also words or names, dropped at the end only ("AS" and its like also at the front: "AB Volvo") ...
COMPANY_ENDINGS = _listed("as sa ab oy oyj bv nv sas ag kg ug spa sl ks co company cia me mei")
COMPANY_FRONTS = frozenset(["as", "ab", "oy"])
# ... and the ways to write "&".
AMPERSANDS = frozenset(["&", "+", "and", "og", "et", "e", "und"])


def exact_name(text: str) -> str:
    """Bring a name to the form in which names are compared exactly.

    NFC, trimmed, any run of white space (no-break, thin, tab, line end) one blank, invisible characters dropped. Case counts.
    """
    if text.isascii():
        return " ".join(text.split())
    return " ".join(unicodedata.normalize("NFC", text.translate(INVISIBLE)).split())


@functools.lru_cache(maxsize=4096)  # a name is folded for its order, for its words and for their parts
def fold(text: str) -> str:
    """Lower the case, strip accents and collapse white space: the form for searching and sorting."""
    latin = text if text.isascii() else text.translate(_latin_letters())
    return " ".join((latin.lower() if latin.isascii() else _fold_any(text)).split())


def _fold_any(text: str) -> str:
    return _without_marks(_without_marks(text.translate(INVISIBLE)).casefold()).translate(PLAIN_LETTERS)


@functools.cache
def _latin_letters() -> dict[int, str]:
    """What each letter of Western and Central Europe folds to: most names are folded by it at a stroke."""
    return {code: _fold_any(chr(code)) for code in range(0x80, 0x180)}


def words(text: str) -> list[str]:
    """List the distinct folded words in order; an apostrophe joins ("O'Brien" is one word), other punctuation separates."""
    return list(dict.fromkeys(_split(fold(text.translate(APOSTROPHES)))))


def search_words(*texts: str, emails: Iterable[str] = (), numbers: Iterable[str] = ()) -> list[str]:
    """List the words under which a record is found by prefix; `numbers` are phone numbers and tax ids."""
    found = [word for text in dict.fromkeys(texts) for word in _index_words(text)]
    for email in emails:
        found += words(email)
        found += _index_words(email.rpartition("@")[0])
    for number in numbers:
        forward = _number(number)
        if forward:
            found += [forward, f"#{forward[::-1]}"]
    return sorted({word[:WORD_LIMIT] for word in found})


def query_words(query: str) -> list[list[str]]:
    """Turn a typed query into alternatives: a record fits when each word of one alternative is a prefix of one of its words.

    A number also finds records by its last digits: `search_words` keeps numbers reversed behind a "#".
    """
    alternatives = [[word[:WORD_LIMIT] for word in words(query)]]
    if NUMBER_LIKE.fullmatch(query.strip()) and len(_number(query)) >= 3:
        forward = _number(query)
        alternatives += [[forward], [f"#{forward[::-1]}"]]
    return [choice for position, choice in enumerate(alternatives) if choice and choice not in alternatives[:position]]


def initials(name: str) -> str:
    """Give one or two capital letters for an avatar; "?" when the name has no letter or digit."""
    parts = [part for part in (_split_keeping_case(chunk) for chunk in exact_name(name).translate(APOSTROPHES).split()) if part]
    if not parts:
        return "?"
    ends = parts[:1] if len(parts) == 1 else [parts[0], parts[-1]]
    return "".join(part[0].upper()[:1] for part in ends)


def digits(text: str) -> str:
    """Keep the decimal digits, in ASCII."""
    if text.isascii():
        return "".join(ASCII_DIGITS.findall(text))
    return "".join(str(unicodedata.decimal(char)) for char in text if char.isdecimal())


def row_number(text: str | None) -> int | None:
    """Read the number of a row as addresses and forms bring it; None when it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def clip(text: str, length: int) -> str:
    """Shorten to at most `length` characters, the last one an ellipsis when something was cut."""
    if len(text) <= length:
        return text
    return f"{text[: length - 1].rstrip()}\u2026" if length > 0 else ""


def has_control(text: str) -> bool:
    """Tell whether the text holds line ends, tabs or other control characters, or half a surrogate pair."""
    return CONTROL.search(text) is not None


def strip_nul(text: str) -> str:
    """Drop what PostgreSQL cannot store in text: NUL, and halves of surrogate pairs."""
    return UNSTORABLE.sub("", text)


def _without_marks(text: str) -> str:
    # Vowel signs of Indic scripts have combining class 0 and stay.
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def _split(folded: str) -> list[str]:
    if folded.isascii():
        return ASCII_WORD.findall(folded)
    return "".join(char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in folded).split()


def _split_keeping_case(chunk: str) -> str:
    return "".join(char for char in chunk if char.isalnum())


def _index_words(text: str) -> list[str]:
    """List the words, and both the parts and the whole of a hyphenated, dotted or apostrophised one."""
    found = words(text)
    for chunk in fold(text).split():
        parts = _split(chunk)
        found += [*parts, "".join(parts)] if len(parts) > 1 else parts
    return found


def _number(text: str) -> str:
    # "+44 (0)20" and "0044 20" and "020" end in the same digits: the trunk zero is no part of the number.
    return digits(text.replace("(0)", "")).lstrip("0")


def company_key(name: str) -> str:
    """Reduce an organisation's name to folded, sorted words without company form and punctuation; never empty if it has a letter."""
    chunks = fold(name.translate(APOSTROPHES)).split()
    kept = [chunk for chunk in chunks if chunk not in AMPERSANDS] or chunks
    parts = _join_letters(_split(" ".join(kept)))
    core = [part for part in parts if part not in COMPANY_FORMS]
    while core and core[-1] in COMPANY_ENDINGS:
        core.pop()
    if len(core) > 1 and kept[0] in COMPANY_FRONTS:
        core = core[1:]
    return " ".join(sorted(core or parts))


def person_key(name: str) -> str:
    """Reduce a person's name to folded, sorted words."""
    return " ".join(sorted(words(name)))


def near_score(left: str, right: str, *, key: Callable[[str], str] = company_key) -> float:
    """Score the likeness of two names from 0 to 100; 100 also when one has all words of the other."""
    return fuzz.token_set_ratio(key(left), key(right))


Id = TypeVar("Id", bound=Hashable)


class NearIndex(Generic[Id]):
    """Find names like a given one in memory: only names that share a rare word are compared."""

    def __init__(self, *, key: Callable[[str], str] = company_key, rare: int = 400) -> None:
        self._key = key
        self._rare = rare
        self._keys: dict[Id, str] = {}
        self._lone: dict[str, Id] = {}  # most words belong to one name: a list for each would be half of the index's size
        self._blocks: dict[str, list[Id]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, id: Id, name: str) -> None:
        """Take a name in, or give a known id a new name."""
        self.discard(id)
        key = self._key(name)
        self._keys[id] = key
        for block in _blocks(key):
            if block in self._blocks:
                self._blocks[block].append(id)
            elif block in self._lone:
                self._blocks[block] = [self._lone.pop(block), id]
            else:
                self._lone[block] = id

    def discard(self, id: Id) -> None:
        """Forget a name; an unknown id is fine."""
        for block in _blocks(self._keys.pop(id, "")):
            if self._lone.pop(block, None) is None:
                members = self._blocks[block]
                members.remove(id)
                if not members:
                    del self._blocks[block]

    def key(self, id: Id) -> str:
        """Give the form in which the name of a known id is compared."""
        return self._keys[id]

    def matches(self, name: str, cutoff: float = 90) -> list[tuple[Id, float]]:
        """List (id, score) of the names alike, best first, in order of arrival among equals."""
        return self._scored(self._key(name), cutoff=cutoff)

    def others(self, id: Id, cutoff: float = 90, *, without: Container[Id] = ()) -> list[tuple[Id, float]]:
        """List (id, score) of the names alike that of a known id, as `matches` does, without itself and those named."""
        return [(other, score) for other, score in self._scored(self._keys[id], cutoff=cutoff, without=without) if other != id]

    def pairs(self, cutoff: float = 90) -> Iterator[tuple[Id, Id, float]]:
        """Yield each pair of names alike once, the one that came first in front."""
        rank = {id: position for position, id in enumerate(self._keys)}
        for id, key in self._keys.items():
            yield from ((id, other, score) for other, score in self._scored(key, cutoff=cutoff) if rank[other] > rank[id])

    def _scored(self, key: str, *, cutoff: float, without: Container[Id] = ()) -> list[tuple[Id, float]]:
        if not key:
            return []
        ids = [id for id in self._candidates(key) if id not in without]
        keys = [self._keys[id] for id in ids]  # a list is read a quarter faster than a mapping
        found = process.extract(key, keys, scorer=fuzz.token_set_ratio, processor=None, score_cutoff=cutoff, limit=None)
        return [(ids[place], score) for _, score, place in found]

    def _candidates(self, key: str) -> dict[Id, None]:
        known = sorted((members for block in _blocks(key) if (members := self._members(block))), key=len)
        rare = [members for members in known if len(members) <= self._rare]
        if not rare:
            return self._sharing_all(known)
        together: dict[Id, None] = {}
        for members in rare:
            together.update(dict.fromkeys(members))
        return together

    def _members(self, block: str) -> list[Id]:
        return [self._lone[block]] if block in self._lone else self._blocks.get(block, [])

    @staticmethod
    def _sharing_all(known: list[list[Id]]) -> dict[Id, None]:
        """Take the names that have every one of these common words: "Maria Silva" among a hundred thousand people."""
        if not known:
            return {}
        others = [set(members) for members in known[1:]]
        return {id: None for id in known[0] if all(id in members for members in others)}


def near_pairs(
    left: Iterable[tuple[Id, str]], right: Iterable[tuple[Id, str]], *, cutoff: float = 90, key: Callable[[str], str] = company_key
) -> Iterator[tuple[Id, Id, float]]:
    """Yield (left id, right id, score) of the names alike between two lists."""
    index: NearIndex[Id] = NearIndex(key=key)
    for id, name in right:
        index.add(id, name)
    for id, name in left:
        yield from ((id, other, score) for other, score in index.matches(name, cutoff))


def _join_letters(parts: list[str]) -> list[str]:
    """Join runs of single letters: "s", "a" (from "S.A.") is "sa"."""
    joined: list[str] = []
    in_run = False
    for part in parts:
        single = len(part) == 1 and part.isalpha()
        if single and in_run:
            joined[-1] += part
        else:
            joined.append(part)
        in_run = single
    return joined


def _blocks(key: str) -> list[str]:
    """List the words to look under; a lone word also by its beginning and end, so that one slip in it does not hide it."""
    if " " in key or len(key) < 6:
        return list(dict.fromkeys(key.split()))
    return [key, f"^{key[:4]}", f"{key[-4:]}$"]
