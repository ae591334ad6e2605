"""Which contacts a member may see, and which people and teams may be chosen. One place; every screen and API asks here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from accounts.enums import Role
from accounts.models import Membership, Team, User, Workspace
from contacts.domain.faults import FieldError, Invalid
from contacts.domain.store import live
from contacts.enums import Kind
from contacts.models import Contact


def may_see(membership: Membership, *, prefix: str = "") -> Q:
    """Administrators see all; members what has no team, their teams' and their own; restricted members the last two only."""
    if membership.is_admin:
        return Q()
    own = Q(**{f"{prefix}owner_id": membership.user_id})
    if membership.team_ids:
        own |= Q(**{f"{prefix}team_id__in": membership.team_ids})
    return own if membership.role == Role.RESTRICTED else own | Q(**{f"{prefix}team_id": None})


def visible_to(membership: Membership) -> QuerySet[Contact]:
    """Contacts that are not in the trash and that this member may see."""
    return live(membership.workspace).filter(may_see(membership))


def trash_of(membership: Membership) -> QuerySet[Contact]:
    """Deleted contacts that this member could see; merged ones are undone through their merge."""
    return Contact.objects.filter(may_see(membership), workspace=membership.workspace, deleted_at__isnull=False, merged_into=None)


def visible_or_404(membership: Membership, contact_id: int) -> Contact:
    return _first_or_404(membership, visible_to(membership).filter(pk=contact_id))


def to_change_or_404(membership: Membership, contact_id: int) -> Contact:
    """The same for whoever is about to change it: nobody else does until the transaction ends, so nothing of theirs is overwritten."""
    return _first_or_404(membership, visible_to(membership).filter(pk=contact_id).select_for_update(of=("self",)))


def _first_or_404(membership: Membership, contacts: QuerySet[Contact]) -> Contact:
    found = contacts.select_related("organisation", "owner", "team").first()
    if found is None:
        raise Http404
    found.workspace = membership.workspace
    return found


def owners(workspace: Workspace) -> QuerySet[User]:
    """People who may own a contact."""
    return User.objects.filter(memberships__workspace=workspace).order_by("name", "email")


def teams(membership: Membership) -> QuerySet[Team]:
    """Teams a contact may be given to: a restricted member cannot hand it out of sight of their teams."""
    found = Team.objects.filter(workspace=membership.workspace).order_by("name")
    return found.filter(pk__in=membership.team_ids) if membership.is_restricted else found


def check_references(membership: Membership, clean: Mapping[str, Any], *, current: Contact | None = None) -> None:
    """Refuse an organisation, owner or team that does not exist here or that the member may not see."""
    faults = []
    for column, (name, message, allowed) in _references(membership).items():
        chosen = clean.get(column)
        if chosen is None or (current is not None and chosen == getattr(current, column)):
            continue
        if column == "team_id":
            _hold_team(chosen)
        if not allowed.filter(pk=chosen).exists():
            faults.append(FieldError(name, "unknown", message))
    if _would_lose_sight(membership, clean, current=current):
        faults.append(
            FieldError("team", "required", _("Choose one of your teams or own the contact: otherwise you would not see it any more."))
        )
    if faults:
        raise Invalid(faults)


def _hold_team(team_id: int) -> None:
    """It stays until the transaction ends, or is gone before: the foreign key itself looks at the end only, too late to say so nicely."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM accounts_team WHERE id = %s FOR KEY SHARE", [team_id])


def _references(membership: Membership) -> dict[str, tuple[str, str, QuerySet[Any]]]:
    return {
        "organisation_id": ("organisation", _("There is no such organisation."), visible_to(membership).filter(kind=Kind.ORGANISATION)),
        "owner_id": ("owner", _("There is no such member."), owners(membership.workspace)),
        "team_id": ("team", _("There is no such team."), teams(membership)),
    }


def _would_lose_sight(membership: Membership, clean: Mapping[str, Any], *, current: Contact | None) -> bool:
    if not membership.is_restricted:
        return False
    owner = clean.get("owner_id", current.owner_id if current else None)
    team = clean.get("team_id", current.team_id if current else None)
    return owner != membership.user_id and team not in membership.team_ids
