"""The inbox: records that a vendor's calls ask us to read again. They are read one by one and then treated like a pull of a few.

A hint is claimed by the moment until which nobody else looks at it, and forgotten in the transaction that stores what it led to;
so a worker that dies costs a repetition. A call that comes meanwhile changes the hint's time, and it stays.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F, Min, Q, QuerySet
from django.utils import timezone

from accounts.scoping import workspace_tx
from integrations import registry
from integrations.domain.access import Access, open_access
from integrations.domain.exchanges import store_exchanges
from integrations.domain.hinted import Told, read_hint, spoil, store
from integrations.domain.poison import POISON, words
from integrations.domain.readings import pulls
from integrations.domain.runs import lose_permission
from integrations.engine.errors import ProviderError, Reconnect, Retry
from integrations.engine.schedule import backoff
from integrations.engine.types import Reason
from integrations.enums import ConnectionStatus
from integrations.models import Connection, Hint

AT_ONCE = 100  # hints in one transaction
CLAIM = timedelta(minutes=2)
MOST_TRIES = 5
READING = 2.0  # seconds of reading after which what was read is stored


def drain_hints(connection: Connection, *, until: float) -> bool:
    """Read what the vendor told us about. True when more of it is due at once."""
    access: Access | None = None
    while hints := _claim(connection):
        access = access or open_access(connection)
        goes_on = _work(connection, access, hints)
        if not goes_on or time.monotonic() > until:
            break
    else:
        return False
    with workspace_tx(connection.workspace):
        return goes_on and _due(connection, timezone.now()).exists()


def next_hint(connection: Connection) -> datetime | None:
    """When to look again; None while there is nothing, or the first sync has still to read everything."""
    if connection.last_success_at is None:
        return None
    rows = Hint.objects.filter(workspace_id=connection.workspace_id, connection=connection)
    if rows.filter(not_before=None).exists():
        return timezone.now()
    moment: datetime | None = rows.aggregate(at=Min("not_before"))["at"]
    return moment


def _due(connection: Connection, now: datetime) -> QuerySet[Hint]:
    rows = Hint.objects.filter(workspace_id=connection.workspace_id, connection=connection)
    return rows.filter(Q(not_before=None) | Q(not_before__lte=now))


def _claim(connection: Connection) -> list[Hint]:
    now = timezone.now()
    with workspace_tx(connection.workspace):
        row = Connection.objects.filter(pk=connection.pk, status=ConnectionStatus.ACTIVE, last_success_at__isnull=False).first()
        due = _due(connection, now)
        if row is None or not due.exists():
            return []
        if not pulls(row, registry.manifest(row.provider)):
            due.delete()  # nothing comes in, as the settings say
            return []
        hints = list(due.select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:AT_ONCE])
        Hint.objects.filter(pk__in=[hint.pk for hint in hints]).update(not_before=now + CLAIM, tries=F("tries") + 1)
    for hint in hints:
        hint.tries += 1
    return hints


def _work(connection: Connection, access: Access, hints: Sequence[Hint]) -> bool:
    """Read, then store in one transaction. False: the vendor wants patience or a person."""
    told: list[Told] = []
    stop: ProviderError | None = None
    begun, left = time.monotonic(), list(hints)
    while left and stop is None and time.monotonic() - begun < READING:
        hint = left.pop(0)
        try:
            told.append(read_hint(connection, access.provider, hint))
        except (Retry, Reconnect) as error:
            left.insert(0, hint)
            stop = error
        except (ProviderError, *POISON) as error:
            _try_later(connection, hint, error)
    _store(connection, access, told)
    _give_back(connection, left, stop)
    return stop is None


def _store(connection: Connection, access: Access, told: Sequence[Told]) -> None:
    """All at once; when one of them poisons the others, one by one."""
    exchanges = access.recorder.take()
    if not told:
        with workspace_tx(connection.workspace):
            store_exchanges(connection, exchanges)
        return
    try:
        store(connection, access.provider, told, exchanges=exchanges)
    except POISON:
        for each in told:
            try:
                store(connection, access.provider, [each])
            except POISON as error:
                spoil(connection, each.hint, _broken(each.hint, type(error).__name__), words(error))


def _broken(hint: Hint, problem: str) -> Reason:
    return Reason("bad_record", {"id": hint.remote_id, "problem": problem})


def _try_later(connection: Connection, hint: Hint, error: BaseException) -> None:
    """What the vendor or our reader makes of this record may pass; what does not becomes visible."""
    reason = error.reason if isinstance(error, ProviderError) else _broken(hint, type(error).__name__)
    if hint.tries >= MOST_TRIES:
        spoil(connection, hint, reason, words(error))
        return
    with workspace_tx(connection.workspace):
        Hint.objects.filter(pk=hint.pk, at=hint.at).update(not_before=timezone.now() + backoff(hint.tries))


def _give_back(connection: Connection, hints: Sequence[Hint], stop: ProviderError | None) -> None:
    """Those that had no turn wait for theirs; the first was tried when it was the vendor who stopped us."""
    if not hints:
        return
    if isinstance(stop, Retry) and stop.after is None and hints[0].tries >= MOST_TRIES:
        spoil(connection, hints[0], stop.reason, stop.detail)
    pause = None
    if isinstance(stop, Retry):
        pause = timedelta(seconds=stop.after) if stop.after is not None else backoff(hints[0].tries)
    with workspace_tx(connection.workspace):
        tried = {hints[0].pk} if isinstance(stop, Retry) and stop.after is None else set()
        rows = Hint.objects.filter(pk__in=[hint.pk for hint in hints])
        rows.update(not_before=timezone.now() + pause if pause else None)
        rows.exclude(pk__in=tried).update(tries=F("tries") - 1)
        if isinstance(stop, Reconnect):
            lose_permission(connection, stop)
