from __future__ import annotations

import pytest

from accounts.enums import Role
from accounts.models import Membership, Team, Workspace
from accounts.scoping import workspace_tx
from tests.fixtures import Cast


@pytest.fixture
def south(cast: Cast) -> Team:
    with workspace_tx(cast.workspace):
        return Team.objects.create(workspace=cast.workspace, name="South", slug="south")


@pytest.fixture
def restricted(cast: Cast, south: Team) -> Membership:
    """Bob, who sees only the team South and what he owns."""
    Membership.objects.filter(workspace=cast.workspace, user=cast.bob).update(role=Role.RESTRICTED, team_ids=[south.pk])
    return Membership.objects.select_related("workspace", "user").get(workspace=cast.workspace, user=cast.bob)


@pytest.fixture
def member(cast: Cast, workspace: Workspace) -> Membership:
    """Alice, the owner."""
    return Membership.objects.select_related("workspace", "user").get(workspace=workspace, user=cast.alice)
