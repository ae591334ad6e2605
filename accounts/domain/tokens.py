"""API tokens: made, checked, revoked."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.domain.audit import record
from accounts.domain.errors import Refused
from accounts.domain.fetching import columns_of, fetch_built
from accounts.enums import ADMIN_SCOPES, IMPLIED_SCOPES, TokenScope
from accounts.models import ApiToken, Membership, User, Workspace
from crmsync.lib.crypto import api_token, digest, same, split_api_token

NOTED_EVERY = dt.timedelta(minutes=1)
NO_DIGEST = "0" * 64


def allowed_scopes(membership: Membership) -> list[TokenScope]:
    """The scopes that this member may give away."""
    return [scope for scope in TokenScope if membership.is_admin or scope not in ADMIN_SCOPES]


@transaction.atomic
def create_token(
    membership: Membership, *, name: str, scopes: Collection[str], expires_at: dt.datetime | None = None
) -> tuple[ApiToken, str]:
    """Make a token of this member; the second value is the text to show once."""
    if set(scopes) - set(allowed_scopes(membership)):
        raise Refused("scope_not_allowed", _("Your role does not allow this scope."), field="scopes")
    made = api_token()
    token = ApiToken.objects.create(
        workspace=membership.workspace,
        user=membership.user,
        name=name,
        prefix=made.prefix,
        digest=digest(made.secret),
        scopes=[scope for scope in TokenScope.values if scope in scopes],
        expires_at=expires_at,
    )
    record(
        membership.workspace,
        actor=membership.user,
        action="token.created",
        target=name,
        data={"scopes": token.scopes, "prefix": made.prefix},
    )
    return token, made.text


@transaction.atomic
def revoke_token(token: ApiToken, *, actor: Membership, now: dt.datetime) -> None:
    if token.revoked_at is not None:
        return
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])
    record(token.workspace, actor=actor.user, action="token.revoked", target=token.name, data={"prefix": token.prefix})


def find_token(text: str, *, now: dt.datetime) -> tuple[ApiToken, Membership] | None:
    """The live token behind this text and the membership it acts for."""
    parts = split_api_token(text)
    prefix, secret = parts or ("", "")
    found = fetch_built(_of_prefix(), [prefix], ApiToken, User, Workspace, Membership)
    # Compare in any case: the time taken says nothing about which prefixes exist.
    matches = same(digest(secret), found[0].digest if found else NO_DIGEST)
    if not found or not matches:
        return None
    token, user, workspace, membership = found
    token.user, token.workspace = membership.user, membership.workspace = user, workspace
    return (token, membership) if _is_live(token, now=now) else None


@functools.cache
def _of_prefix() -> str:
    """The token with the person, the workspace and what the person is there: every request of the API begins with this.

    Each is looked up by itself (OFFSET 0): to weigh in which order takes the planner twice as long as all the rest.
    """
    names = ", ".join(columns_of(model, alias) for model, alias in ((ApiToken, "t"), (User, "u"), (Workspace, "w"), (Membership, "m")))
    return f"""
    SELECT {names} FROM (SELECT * FROM {ApiToken._meta.db_table} WHERE prefix = %s OFFSET 0) t,
    LATERAL (SELECT * FROM {User._meta.db_table} WHERE id = t.user_id OFFSET 0) u,
    LATERAL (SELECT * FROM {Workspace._meta.db_table} WHERE id = t.workspace_id OFFSET 0) w,
    LATERAL (SELECT * FROM {Membership._meta.db_table} WHERE workspace_id = t.workspace_id AND user_id = t.user_id OFFSET 0) m
    """  # noqa: S608  names are of models


def _is_live(token: ApiToken, *, now: dt.datetime) -> bool:
    expired = token.expires_at is not None and token.expires_at <= now
    return token.revoked_at is None and not expired and token.user.is_active


def note_use(token: ApiToken, *, now: dt.datetime) -> None:
    """Remember when the token was used, at most once a minute."""
    stale = now - NOTED_EVERY
    if token.last_used_at is not None and token.last_used_at > stale:
        return
    ApiToken.objects.filter(Q(last_used_at__isnull=True) | Q(last_used_at__lte=stale), pk=token.pk).update(last_used_at=now)


def effective_scopes(scopes: Iterable[str], *, is_admin: bool) -> frozenset[str]:
    """What a token with these scopes may do today: its owner may have lost a role since."""
    granted = frozenset(implied for scope in scopes if scope in IMPLIED_SCOPES for implied in IMPLIED_SCOPES[TokenScope(scope)])
    return frozenset(granted if is_admin else granted - ADMIN_SCOPES)
