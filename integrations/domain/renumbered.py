"""A record that came by a new number while the vendor's word about it was lost: suspected, then proved by asking for both numbers.

The proof is that of a hint (`hinted`): nothing under the old number any more, and the new one shares what was agreed. Only what is all but
certain is asked about; everything else waits until complete readings have shown that the old number is gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.utils import timezone

from crmsync.lib.text import exact_name
from integrations.domain.keys import code_of, folded
from integrations.engine.capabilities import ReusesIds
from integrations.engine.matching import name_key
from integrations.engine.provider import Provider
from integrations.engine.types import Decision, Fields, Remote
from integrations.enums import LinkState, RunKind
from integrations.models import Hint, Link, Run

DOUBTS = frozenset({"perhaps_made_anew", "two_there"})
AT_ONCE = 20  # of a batch: each costs three calls


def suspect(run: Run, provider: Provider, decisions: Sequence[Decision]) -> None:
    """Put the pairs of old and new number into the inbox. What a hint has led to is not asked about again."""
    if not isinstance(provider, ReusesIds) or run.kind == RunKind.WEBHOOK:
        return
    held = [d.remote for d in decisions if d.remote is not None and d.reason is not None and d.reason.code in DOUBTS][:AT_ONCE]
    known = _of_the_name(run, held) if held else {}
    pairs = {remote.ref: found for remote in held if len(found := _surely(known, remote)) == 1}
    mine = {"workspace_id": run.workspace_id, "connection": run.connection, "at": timezone.now()}
    hints = [Hint(**mine, remote_kind=ref.kind, remote_id=ref.id, was_id=link.remote_id) for ref, [link] in pairs.items()]
    Hint.objects.bulk_create(hints, ignore_conflicts=True)


def is_surely(known: Fields, today: Fields) -> bool:
    """Whether two records are one by more than a name: the tax id, or the name and one more thing."""
    before, after = (code_of(fields.get("tax_id")) for fields in (known, today))
    if before or after:
        return before == after
    names = {exact_name(str(fields.get("name") or "")) for fields in (known, today)}
    return len(names) == 1 and any(_shares(name, known, today) for name in ("email", "phone", "address"))


def _shares(name: str, known: Fields, today: Fields) -> bool:
    one, other = (fields.get(name) for fields in (known, today))
    if name == "address":
        one, other = (f"{part.get('line1')}|{part.get('postcode')}" if part and part.get("line1") else "" for part in (one, other))
    return bool(one) and folded(one) == folded(other)


def _surely(known: Mapping[str, Sequence[Link]], remote: Remote) -> list[Link]:
    links = known.get(name_key(remote), ())
    return [link for link in links if link.remote_kind == remote.ref.kind and is_surely(link.base_theirs, remote.party.fields)]


def _of_the_name(run: Run, remotes: Sequence[Remote]) -> dict[str, list[Link]]:
    rows = Link.objects.filter(workspace_id=run.workspace_id, connection=run.connection, state=LinkState.LINKED, contact__isnull=False)
    found: dict[str, list[Link]] = defaultdict(list)
    for link in rows.filter(match_key__in={name_key(remote) for remote in remotes} - {""}):
        found[link.match_key].append(link)
    return found
