"""Which way a run reads, and what is remembered of it for the next one.

A connection's history says from where changes are read. It moves on when a run succeeds, and never back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils import timezone

from integrations.domain.reach import AGAIN, CHANGES, PARENTS
from integrations.engine import budget
from integrations.engine.capabilities import Eligibility, Incremental
from integrations.engine.incremental import History, Marks, Reading, noted, reading
from integrations.engine.provider import Manifest, Provider, ResourceKind
from integrations.engine.types import Page, Reason
from integrations.enums import LinkState, RunKind
from integrations.kit.fingerprint import fingerprint
from integrations.models import Connection, Link, Run

MOST_AGAIN = 200  # records asked for one by one; of more than that the whole is read
NO_LIMIT = 10**9


def opened(run: Run, provider: Provider) -> tuple[dict[str, Any], Reason | None]:
    """The run's cursor with the way to read in it, and what the log says about it."""
    manifest, cursor = provider.manifest, dict(run.cursor)
    if run.kind == RunKind.MATCH:
        return cursor, None
    if not pulls(run.connection, manifest):
        return cursor | {"resources": [], "reading": Reading.NOTHING.value}, Reason("pull_off")
    facts = manifest.incremental
    if facts is None:
        return cursor, None
    covered = [key for key in cursor["resources"] if key in _covered(manifest, facts)]
    history = history_of(run.connection)
    way = _choose(run, manifest, facts, history)
    cursor |= {"reading": way.value, "covered": covered, "settings": _settings(run.connection)}
    others = [key for key in cursor["resources"] if key not in covered]
    if way is Reading.WHOLE:
        return cursor, Reason("reading_whole")
    if way is Reading.NOTHING:
        return cursor | {"resources": others}, Reason("reading_nothing")
    steps = [CHANGES, AGAIN, *([PARENTS] if isinstance(provider, Eligibility) else []), *others]
    return cursor | {"lists": steps, "changes": covered, "since": history.watermark}, Reason(
        "reading_changes", {"since": history.watermark}
    )


def pulls(connection: Connection, manifest: Manifest) -> bool:
    """Whether anything comes in at all, as the settings say."""
    return manifest.directions is None or bool(connection.settings.get(manifest.directions.pull, True))


def whole_instead(run: Run) -> dict[str, Any]:
    """The cursor of a run whose changes cannot be read by themselves: from the beginning, everything."""
    kept = {name: value for name, value in run.cursor.items() if name not in {"lists", "changes", "since", "marks", "gone", "bad"}}
    return kept | {"reading": Reading.WHOLE.value, "at": 0, "page": None, "round": 1, "read": 0}


def note_refusal(connection: Connection) -> None:
    _keep(connection, {"refused_at": timezone.now().isoformat()})


def with_marks(run: Run, resource: str, pages: Sequence[Page], cursor: Mapping[str, Any]) -> dict[str, Any]:
    """The cursor with what these pages tell of times of change and of the deleted."""
    covered = run.cursor.get("covered", ())
    if not pages or (resource not in covered and resource != CHANGES):
        return dict(cursor)
    marks = Marks(**cursor.get("marks", {}))
    for page in pages:
        marks = noted(marks, page)
    gone = [*cursor.get("gone", ()), *_linked_among(run, [(ref.kind, ref.id) for page in pages for ref in page.gone])]
    return {**cursor, "marks": asdict(marks), "calls": cursor.get("calls", 0) + len(pages), **({"gone": gone} if gone else {})}


def keep_history(run: Run) -> None:
    """The run has succeeded: the next one reads from here. Call it in the transaction that ends the run."""
    way, partial = run.cursor.get("reading"), set(run.cursor.get("partial", ())) - set(run.connection.denied)
    if run.kind == RunKind.PREVIEW or way not in {Reading.WHOLE, Reading.CHANGES} or partial & set(run.cursor["covered"]):
        return
    mark = Marks(**run.cursor.get("marks", {})).watermark
    news = {"watermark": max(mark, history_of(run.connection).watermark)}
    if way == Reading.WHOLE:
        begun = run.started_at or timezone.now()
        news |= {"whole_at": begun.isoformat(), "whole_calls": run.cursor.get("calls", 0), "settings": run.cursor["settings"]}
    _keep(run.connection, news)


def history_of(connection: Connection) -> History:
    """A refusal counts until somebody connects anew: the account may allow more then."""
    kept = connection.history
    refused_at = _moment(kept.get("refused_at"))
    return History(
        watermark=str(kept.get("watermark") or ""),
        whole_at=_moment(kept.get("whole_at")),
        whole_calls=int(kept.get("whole_calls") or 0),
        refused=refused_at is not None and (connection.connected_at is None or refused_at >= connection.connected_at),
    )


def remark(connection: Connection) -> Reason | None:
    """What people should know about how this connection is read."""
    return Reason("filter_refused") if history_of(connection).refused else None


def asked_again(connection: Connection) -> QuerySet[Link]:
    """Links whose record is wanted whatever its version: somebody decided, deleted or restored, or a write left something open."""
    rows = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, version="")
    restored = Q(reason__code="deleted_here_kept_away", contact__deleted_at=None)
    return rows.filter(Q(state=LinkState.LINKED) & (Q(reason={}) | restored) | Q(state=LinkState.HELD)).order_by("pk")


def _choose(run: Run, manifest: Manifest, facts: Incremental, history: History) -> Reading:
    connection = run.connection
    changed = connection.history.get("settings") != _settings(connection)
    if run.kind == RunKind.PREVIEW or run.cursor.get("whole") or connection.restores_links or changed:
        return Reading.WHOLE
    now = timezone.now().astimezone(ZoneInfo(connection.workspace.time_zone))
    way = reading(facts, history, now=now, calls=_calls(connection, manifest))
    if way is Reading.CHANGES and asked_again(connection)[: MOST_AGAIN + 1].count() > MOST_AGAIN:
        return Reading.WHOLE
    return way


def _covered(manifest: Manifest, facts: Incremental) -> set[str]:
    return set(facts.resources) or {each.key for each in manifest.resources if each.kind is ResourceKind.CONTACTS}


def _calls(connection: Connection, manifest: Manifest) -> int:
    """How many calls fit into one cadence."""
    if manifest.budget is None:
        return NO_LIMIT
    return int(budget.allowed(manifest.budget, connection.settings) * (manifest.cadence / timedelta(seconds=manifest.budget.per)))


def _settings(connection: Connection) -> str:
    """Other settings may decide differently about records that have not changed."""
    return fingerprint([connection.settings, connection.field_choices])


def _linked_among(run: Run, names: Sequence[tuple[str, str]]) -> list[list[str]]:
    if not names:
        return []
    rows = Link.objects.filter(
        workspace_id=run.workspace_id,
        connection=run.connection,
        remote_kind__in={kind for kind, _id in names},
        remote_id__in=[id_ for _kind, id_ in names],
    )
    known = rows.exclude(state__in=[LinkState.GONE, LinkState.HIDDEN]).values_list("remote_kind", "remote_id")
    return [list(name) for name in known if name in set(names)]


def _keep(connection: Connection, news: Mapping[str, Any]) -> None:
    row = Connection.objects.select_for_update(no_key=True, of=("self",)).get(pk=connection.pk)
    row.history = {**row.history, **news}
    row.save(update_fields=["history"])
    connection.history = row.history


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
