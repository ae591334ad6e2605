from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Team
from accounts.scoping import workspace_tx
from tests.accounts.api_client import api_client
from tests.fixtures import Cast


def test_teams_of_the_token_s_workspace_only(cast: Cast) -> None:
    with workspace_tx(cast.workspace):
        Team.objects.create(workspace=cast.workspace, name="Sales", slug="sales")

    assert [team["name"] for team in api_client(cast.alice, cast.workspace).get("/api/v1/teams/").json()["results"]] == ["Sales"]
    assert api_client(cast.charlie, cast.elsewhere).get("/api/v1/teams/").json() == {"results": [], "next": None}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic abc", "Bearer crm_12345678_" + "a" * 43, "Bearer caf\xe9"])
def test_without_a_good_token_401_with_a_challenge(db: None, header: str) -> None:
    response = Client(headers={"Authorization": header} if header else {}).get("/api/v1/teams/")

    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert set(response.json()) == {"type", "title", "status", "detail", "errors"}
