"""Answers of the dashboard that are kept in Redis for as long as what they were made from stays as it is.

They depend on the nights (a run that ends makes others), on the settings of the curve, on the customers in the trash and on those that a
member may see. All of that is in the key, so nothing has to be thrown away when a contact is deleted, merged or given to another team.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib.postgres.aggregates import BitXor
from django.core.cache import cache
from django.db.models import BigIntegerField, Count, F, Func, QuerySet, Value
from redis.exceptions import RedisError

from accounts.models import Membership, Workspace
from contacts.domain.store import live
from contacts.domain.visibility import may_see
from contacts.models import Contact
from erp_history.enums import RunStatus
from erp_history.models import ErpRun

KEPT_SECONDS = 2 * 24 * 3600
Found = TypeVar("Found")
# So many contacts, and a number that every one of them changes.
SET = {"number": Count("pk"), "sign": BitXor(Func(F("pk"), Value(0), function="hashint8extended", output_field=BigIntegerField()))}


@dataclass(frozen=True, slots=True)
class Sight:
    """The customers that count for a member, named by what is not among them or (restricted members) by what is."""

    sees_all: bool
    name: str


def sight_of(membership: Membership) -> Sight:
    """Two queries, one for administrators; what most members see is what administrators see, and has the same name."""
    workspace = membership.workspace
    trash = _named(_with_figures(Contact.objects.filter(workspace=workspace, deleted_at__isnull=False)))
    if membership.is_admin:
        return Sight(sees_all=True, name=trash)
    condition = may_see(membership)
    own = _named(_with_figures(live(workspace)).filter(condition if membership.is_restricted else ~condition))
    if not membership.is_restricted and own.startswith("0."):
        return Sight(sees_all=True, name=trash)
    return Sight(sees_all=False, name=f"{membership.pk}:{membership.role}:{trash}:{own}")


def _with_figures(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    return contacts.filter(erp_figures__isnull=False)


def _named(contacts: QuerySet[Contact]) -> str:
    found: dict[str, Any] = contacts.order_by().aggregate(**SET)
    return f"{found['number']}.{found['sign'] or 0}"


def night_mark(workspace: Workspace) -> str:
    """Names the state that the nights have left; "" while one is at work: what is read then is not kept."""
    run = ErpRun.objects.filter(workspace=workspace).order_by("-id").first()
    if run is None or run.status != RunStatus.DONE or run.finished_at is None:
        return ""
    return f"{run.pk}.{run.finished_at.timestamp()}"


def kept(key: str, work: Callable[[], Found], *, still: Callable[[], str]) -> Found:
    """What is kept under the key ("": nothing is), or what the work gives; without Redis always the latter.

    It is kept only if the key is `still` the same afterwards: what changes meanwhile may be in the answer, or not.
    """
    found: Found | None = None
    with suppress(RedisError):
        found = cache.get(key) if key else None
    if found is None:
        found = work()
        if key and still() == key:
            with suppress(RedisError):
                cache.set(key, found, KEPT_SECONDS)
    return found
