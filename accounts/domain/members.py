"""Who belongs to a workspace and what they may do. The last owner stays; only owners make owners."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.domain.audit import record
from accounts.domain.errors import Refused
from accounts.domain.teams import known_teams, team_names
from accounts.domain.workspaces import hold
from accounts.enums import Role
from accounts.models import ApiToken, Membership


def assignable_roles(actor: Membership) -> list[Role]:
    """The roles that this member may give."""
    return [role for role in Role if role != Role.OWNER or actor.role == Role.OWNER]


def may_change(actor: Membership, member: Membership) -> bool:
    """Administrators leave owners alone."""
    return actor.is_admin and (member.role != Role.OWNER or actor.role == Role.OWNER)


def change_member(member: Membership, *, role: str, team_ids: Collection[int], actor: Membership) -> None:
    with transaction.atomic():
        member = _locked(member)
        _refuse_unless_allowed(member, actor=actor)
        if role != member.role and role not in assignable_roles(actor):
            raise Refused("role_not_allowed", _("Only an owner can make someone an owner."), field="role")
        if role != Role.OWNER:
            _refuse_last_owner(member, message=_("A workspace needs an owner. Make somebody else an owner first."))
        teams = known_teams(member.workspace, team_ids)
        changes = {
            "role": [member.role, role],
            "teams": [team_names(member.workspace, member.team_ids), team_names(member.workspace, teams)],
        }
        member.role, member.team_ids = role, teams
        member.save(update_fields=["role", "team_ids"])
        record(member.workspace, actor=actor.user, action="member.changed", target=str(member.user), data={"changes": changes})


def remove_member(member: Membership, *, actor: Membership) -> None:
    """Take the person out and switch their tokens off. What they wrote stays."""
    with transaction.atomic():
        member = _locked(member)
        if member.pk != actor.pk:
            _refuse_unless_allowed(member, actor=actor)
        _refuse_last_owner(member, message=_("The last owner cannot leave. Make somebody else an owner first."))
        ApiToken.objects.filter(workspace=member.workspace, user=member.user, revoked_at=None).update(revoked_at=timezone.now())
        record(member.workspace, actor=actor.user, action="member.removed", target=str(member.user), data={"role": member.role})
        member.delete()


def _locked(member: Membership) -> Membership:
    """The member as it is now, with the workspace held: two owners cannot demote each other at once. 404 when just removed."""
    workspace = hold(member.workspace)
    fresh: Membership = get_object_or_404(Membership.objects.select_related("user"), pk=member.pk)
    fresh.workspace = workspace
    return fresh


def _refuse_unless_allowed(member: Membership, *, actor: Membership) -> None:
    if not may_change(actor, member):
        raise Refused("owner_only", _("Only an owner can change an owner."))


def _refuse_last_owner(member: Membership, *, message: str) -> None:
    if member.role != Role.OWNER:
        return
    others = Membership.objects.filter(workspace=member.workspace, role=Role.OWNER, user__is_active=True).exclude(pk=member.pk)
    if not others.exists():
        raise Refused("last_owner", message, field="role")
