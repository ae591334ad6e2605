"""By what a record may be told from another one: the keys of the provider's rules, made comparable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping

from django.db import connection as database

from crmsync.lib.text import clip, exact_name
from integrations.engine.capabilities import MatchBy
from integrations.engine.provider import Manifest
from integrations.engine.types import Remote
from integrations.models import Run

LONGEST = 300


def code_of(value: object) -> str:
    """A tax id without punctuation and country: "DK 13.58.56.28" and "13585628" are one."""
    text = str(value or "").upper()
    code = text if text.isalnum() else "".join(char for char in text if char.isalnum())
    return code[2:] if len(code) > 4 and code[:2].isalpha() and code[2:].isdigit() else code


def folded(value: object) -> str:
    return str(value or "").strip().casefold()


def _named(value: object) -> str:
    return exact_name(str(value or ""))


PLAIN_KEYS: Mapping[str, Callable[[object], str]] = {"name": _named, "tax_id": code_of}


def plain_key(way: MatchBy, remote: Remote) -> str:
    return PLAIN_KEYS.get(way.field, folded)(remote.party.fields.get(way.field))


def staged_keys(manifest: Manifest, remote: Remote) -> list[str]:
    """What is kept beside a record that was read, so that those of another batch with the same key are found."""
    ways = (way for way in manifest.match_by if way.remote_kind == remote.ref.kind)
    return sorted({key for way in ways if (key := staged_key(way, remote))})


def staged_key(way: MatchBy, remote: Remote) -> str:
    """ "" where there is nothing to compare, and for names of the whole list, which have a column of their own."""
    key = plain_key(way, remote)
    if not key or (way.field == "name" and not way.within_parent):
        return ""
    home = f"{remote.parent.kind}:{remote.parent.id}" if way.within_parent and remote.parent else ""
    return "" if way.within_parent and not home else clip(f"{way.field}:{home}:{key}", LONGEST).replace("\x00", "")


def shared_keys(run: Run, kind: str, keys: Collection[str]) -> frozenset[str]:
    """Those of the keys that more than one record of this pull has."""
    if not keys:
        return frozenset()
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT remote_id, keys FROM integrations_staged WHERE workspace_id = %s AND run_id = %s AND remote_kind = %s AND keys && %s",
            [run.workspace_id, run.pk, kind, list(keys)],
        )
        rows: list[tuple[str, list[str]]] = cursor.fetchall()
    holders: dict[str, set[str]] = defaultdict(set)
    for id_, found in rows:
        for key in found:
            holders[key].add(id_)
    return frozenset(key for key, ids in holders.items() if len(ids) > 1)
