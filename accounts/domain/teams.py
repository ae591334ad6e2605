from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import ManyToOneRel, Model
from django.shortcuts import get_object_or_404
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.domain.audit import record
from accounts.domain.errors import Refused
from accounts.domain.workspaces import hold
from accounts.models import Invitation, Membership, Team, User, Workspace
from crmsync.lib.crypto import new_token
from crmsync.lib.text import fold


@dataclass(frozen=True, slots=True)
class TeamEffect:
    """What deleting a team touches: people in it, and rows of other tables that lose their team, by their plural name."""

    members: int
    rows: list[tuple[str, int]]


def known_teams(workspace: Workspace, team_ids: Collection[int]) -> list[int]:
    """Those of these ids that are teams of this workspace."""
    return list(Team.objects.filter(workspace=workspace, pk__in=team_ids).order_by("pk").values_list("pk", flat=True))


def team_names(workspace: Workspace, team_ids: Collection[int]) -> list[str]:
    return list(Team.objects.filter(workspace=workspace, pk__in=team_ids).order_by("name").values_list("name", flat=True))


def add_team(workspace: Workspace, *, name: str, actor: User) -> Team:
    hold(workspace)
    _refuse_taken(workspace, name=name)
    team = Team.objects.create(workspace=workspace, name=name, slug=_free_slug(workspace, name=name))
    record(workspace, actor=actor, action="team.created", target=name)
    return team


def rename_team(team: Team, *, name: str, actor: User) -> None:
    """The slug stays: scripts and connections name the team by it."""
    team = _held(team)
    if name == team.name:
        return
    _refuse_taken(team.workspace, name=name, but=team)
    record(team.workspace, actor=actor, action="team.renamed", target=name, data={"changes": {"name": [team.name, name]}})
    team.name = name
    team.save(update_fields=["name"])


def delete_effect(team: Team) -> TeamEffect:
    # Tables of the apps above point here; their relations are hidden ("+") and known to Django only.
    relations = [field for field in Team._meta.get_fields(include_hidden=True) if isinstance(field, ManyToOneRel)]
    found = [(relation.related_model, relation.field.name) for relation in relations]
    counts = [(model, _count(model, column, team)) for model, column in found if isinstance(model, type)]
    rows = [(str(model._meta.verbose_name_plural), count) for model, count in counts if count]
    return TeamEffect(members=len(_members(team)), rows=rows)


def delete_team(team: Team, *, actor: User) -> None:
    """Take the team away from everybody and everything."""
    team = _held(team)
    invitations = Invitation.objects.filter(workspace=team.workspace, team_ids__contains=team.pk)
    holders: list[Membership | Invitation] = [*_members(team), *invitations]
    for holder in holders:
        holder.team_ids = [team_id for team_id in holder.team_ids if team_id != team.pk]
        holder.save(update_fields=["team_ids"])
    record(team.workspace, actor=actor, action="team.deleted", target=team.name)
    team.delete()


def _held(team: Team) -> Team:
    """The team as it is now, with it and the workspace held; 404 when just deleted."""
    workspace = hold(team.workspace)
    fresh: Team = get_object_or_404(Team.objects.select_for_update(of=("self",)), pk=team.pk)
    fresh.workspace = workspace
    return fresh


def _members(team: Team) -> list[Membership]:
    return list(Membership.objects.filter(workspace=team.workspace, team_ids__contains=team.pk))


def _count(model: type[Model], column: str, team: Team) -> int:
    return int(model._default_manager.filter(**{column: team}).count())


def _refuse_taken(workspace: Workspace, *, name: str, but: Team | None = None) -> None:
    others = Team.objects.filter(workspace=workspace, name__iexact=name)
    if (others.exclude(pk=but.pk) if but else others).exists():
        raise Refused("taken", _("There is a team of this name already."), field="name")


def _free_slug(workspace: Workspace, *, name: str) -> str:
    base = slugify(fold(name))[:60] or "team"
    taken = set(Team.objects.filter(workspace=workspace, slug__startswith=base).values_list("slug", flat=True))
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next((slug for slug in numbered if slug not in taken), f"{base}-{new_token(6)}")
