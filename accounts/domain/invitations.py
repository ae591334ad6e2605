"""Places offered by e-mail. The link's secret is known to the mail alone; here is its digest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from accounts.domain.audit import record
from accounts.domain.errors import Refused
from accounts.domain.members import assignable_roles
from accounts.domain.teams import known_teams
from accounts.domain.workspaces import hold, remember
from accounts.models import Invitation, Membership, User, Workspace
from accounts.scoping import workspace_tx
from crmsync.lib.crypto import digest, new_token

VALID_FOR = dt.timedelta(days=7)
MAX_OPEN = 200


def invite(
    workspace: Workspace, *, email: str, role: str, team_ids: Collection[int], actor: Membership, now: dt.datetime
) -> tuple[Invitation, str]:
    """Open a place; the second value is the secret for the link. An open invitation of the same person is replaced."""
    hold(workspace)
    email = email.strip().lower()
    if role not in assignable_roles(actor):
        raise Refused("role_not_allowed", _("Only an owner can make someone an owner."), field="role")
    if Membership.objects.filter(workspace=workspace, user__email=email).exists():
        raise Refused("already_member", _("This person is a member already."), field="email")
    Invitation.objects.filter(workspace=workspace, email=email, accepted_at=None).delete()
    if Invitation.objects.filter(workspace=workspace, accepted_at=None).count() >= MAX_OPEN:
        raise Refused("too_many", _("There are too many open invitations. Revoke some first."))
    secret = new_token()
    invitation = Invitation.objects.create(
        workspace=workspace,
        email=email,
        role=role,
        team_ids=known_teams(workspace, team_ids),
        digest=digest(secret),
        invited_by=actor.user,
        expires_at=now + VALID_FOR,
    )
    record(workspace, actor=actor.user, action="invitation.sent", target=email, data={"role": role})
    return invitation, secret


def may_handle(actor: Membership, invitation: Invitation) -> bool:
    """Whoever sends an invitation anew is shown its link: for a place that they may not give, that would be the place itself."""
    return invitation.role in assignable_roles(actor)


def renew(invitation: Invitation, *, actor: Membership, now: dt.datetime) -> str:
    """A new secret and seven more days; the old link stops working."""
    _refuse_unless_allowed(invitation, actor=actor)
    _hold_open(invitation)
    secret = new_token()
    invitation.digest, invitation.expires_at = digest(secret), now + VALID_FOR
    invitation.save(update_fields=["digest", "expires_at"])
    record(invitation.workspace, actor=actor.user, action="invitation.sent_again", target=invitation.email)
    return secret


def revoke(invitation: Invitation, *, actor: Membership) -> None:
    _refuse_unless_allowed(invitation, actor=actor)
    _hold_open(invitation)
    record(invitation.workspace, actor=actor.user, action="invitation.revoked", target=invitation.email)
    invitation.delete()


def _hold_open(invitation: Invitation) -> None:
    """404 when it was just accepted or revoked."""
    get_object_or_404(Invitation.objects.select_for_update(of=("self",)), pk=invitation.pk, accepted_at=None)


def _refuse_unless_allowed(invitation: Invitation, *, actor: Membership) -> None:
    if not may_handle(actor, invitation):
        raise Refused("owner_only", _("Only an owner can change an owner."))


def find_open(slug: str, secret: str, *, now: dt.datetime) -> Invitation | None:
    """The open invitation behind a link. A wrong workspace, a wrong secret and an old link look the same."""
    workspace = Workspace.objects.filter(slug=slug).first()
    if workspace is None:
        return None
    with workspace_tx(workspace):
        found = Invitation.objects.select_related("invited_by").filter(digest=digest(secret), accepted_at=None, expires_at__gt=now).first()
    if found is not None:
        found.workspace = workspace
    return found


def is_for(invitation: Invitation, user: User) -> bool:
    """The link alone is not enough for somebody else's account."""
    return user.email == invitation.email or EmailAddress.objects.filter(user=user, email=invitation.email, verified=True).exists()


def accept(invitation: Invitation, *, user: User, now: dt.datetime) -> Membership:
    """Make the person a member. The invitation can be used once."""
    with workspace_tx(invitation.workspace):
        taken = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, digest=invitation.digest).update(accepted_at=now)
        if not taken or not is_for(invitation, user):
            raise Refused("invitation_gone", _("This invitation is not valid any more. Ask for a new one."))
        member, _made = Membership.objects.get_or_create(
            workspace=invitation.workspace, user=user, defaults={"role": invitation.role, "team_ids": invitation.team_ids}
        )
        record(invitation.workspace, actor=user, action="invitation.accepted", target=invitation.email, data={"role": member.role})
        remember(user, invitation.workspace)
    return member


def accept_as_new(invitation: Invitation, *, name: str, password: str, language: str, now: dt.datetime) -> User:
    """Make an account for the invited address, which the link has proven, and accept."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(invitation.email, password, name=name, language=language)
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
            accept(invitation, user=user, now=now)
    except IntegrityError as error:
        raise Refused("account_exists", _("There is an account with this e-mail address. Log in to accept.")) from error
    return user
