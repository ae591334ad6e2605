"""What databases say when they cannot be read, in plain words. Their own words stand behind, for who looks after them."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any

import psycopg
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from erp_history.enums import Engine


class CannotRead(Exception):
    """The ERP's database cannot be read; the text is for the person in charge and holds no secret."""

    def __init__(self, text: str, *, is_about_view: bool = False) -> None:
        super().__init__(text)
        self.is_about_view = is_about_view  # one view alone is in trouble


LOGIN, DATABASE, RIGHTS, MISSING, SLOW, TLS, CUT = "login", "database", "rights", "missing", "slow", "tls", "cut"
WORDS: Mapping[str, str | Promise] = {
    LOGIN: gettext_lazy("The user name or the password is wrong, or this user may not log in from here."),
    DATABASE: gettext_lazy("There is no such database on this host."),
    RIGHTS: gettext_lazy("The user may not read this."),
    MISSING: gettext_lazy("The view, or something that it reads, is not there."),
    SLOW: gettext_lazy("The answer took too long. An index on the key and on data_alteracao may help."),
    TLS: gettext_lazy("No encrypted connection could be made as the settings want it."),
    CUT: gettext_lazy("The connection broke."),
}
# The numbers are the vendors' own; PostgreSQL's are of SQL's standard.
CODES: Mapping[Engine, Mapping[Any, str]] = {
    Engine.POSTGRESQL: {
        "28P01": LOGIN, "28000": LOGIN, "3D000": DATABASE, "42501": RIGHTS, "42P01": MISSING, "3F000": MISSING, "57014": SLOW,
    },
    Engine.MYSQL: {
        1045: LOGIN, 1698: LOGIN, 1130: LOGIN, 1049: DATABASE, 1044: RIGHTS, 1142: RIGHTS, 1143: RIGHTS, 1370: RIGHTS, 1146: MISSING,
        1356: MISSING, 1969: SLOW, 3024: SLOW, 2026: TLS, 3159: TLS, 2006: CUT, 2013: CUT, 1927: CUT,
    },
    Engine.SQLSERVER: {18456: LOGIN, 4060: DATABASE, 229: RIGHTS, 230: RIGHTS, 208: MISSING},
    Engine.ORACLE: {1017: LOGIN, 28000: LOGIN, 12514: DATABASE, 12505: DATABASE, 1031: RIGHTS, 942: MISSING, 4063: MISSING},
}  # fmt: skip
# Before the first answer PostgreSQL's library has no code, only words.
TEXTS = (
    (re.compile("authentication failed|no pg_hba.conf entry|role .* does not exist", re.IGNORECASE), LOGIN),
    (re.compile("database .* does not exist", re.IGNORECASE), DATABASE),
    (re.compile(r"\bssl\b|certificate|secure_transport|secure-transport", re.IGNORECASE), TLS),
)
SLOW_WORDS = re.compile(r"\btimed out\b|\btimeout expired\b", re.IGNORECASE)
# There is no such view. MySQL tells that only to those who might read it: to others a view that is not there is one they may not read.
ABSENT: Mapping[Engine, frozenset[Any]] = {
    Engine.POSTGRESQL: frozenset(["42P01", "3F000"]),
    Engine.MYSQL: frozenset([1146, 1142]),
    Engine.SQLSERVER: frozenset([208]),
    Engine.ORACLE: frozenset([942]),
}


def code_of(error: BaseException) -> Any:
    """The database's number for an error, wherever its driver keeps it."""
    if isinstance(error, psycopg.Error):
        return error.sqlstate
    first = error.args[0] if error.args else None
    if isinstance(first, tuple) and first:
        return first[0]
    return first if isinstance(first, int) else getattr(first, "code", None)


def is_missing(engine: Engine, error: BaseException) -> bool:
    return code_of(error) in ABSENT[engine]


def unreadable(engine: Engine, error: BaseException) -> CannotRead:
    """What is said of an error of the driver."""
    text, kind = _own_words(error), kind_of(engine, error)
    if not kind:
        return CannotRead(_("The ERP's database answered: %(error)s") % {"error": text})
    return CannotRead(f"{WORDS[kind]} ({text})", is_about_view=kind in {RIGHTS, MISSING, SLOW})


def kind_of(engine: Engine, error: BaseException) -> str:
    """Which of the known troubles an error is; empty: none of them."""
    cause = getattr(error, "original_exception", error)
    if isinstance(cause, ssl.SSLError):
        return TLS
    text = _own_words(error)
    if isinstance(cause, TimeoutError) or SLOW_WORDS.search(text):
        return SLOW
    known = CODES[engine].get(code_of(error))
    return known or next((kind for pattern, kind in TEXTS if pattern.search(text)), "")


def _own_words(error: BaseException) -> str:
    first = error.args[0] if error.args else ""
    parts = first if isinstance(first, tuple) else error.args
    words = [part.decode("utf-8", errors="replace") if isinstance(part, bytes) else str(part) for part in parts]
    return " ".join(" ".join(words).split())[:500] or type(error).__name__
