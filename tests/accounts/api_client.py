from __future__ import annotations

from collections.abc import Sequence

from django.test import Client

from accounts.domain.tokens import create_token
from accounts.enums import TokenScope
from accounts.models import Membership, User, Workspace


def api_client(user: User, workspace: Workspace, *, scopes: Sequence[str] | None = None) -> Client:
    """A client that sends a fresh token of this member: of all scopes that the role allows unless told."""
    membership = Membership.objects.select_related("workspace", "user").get(user=user, workspace=workspace)
    if scopes is None:
        scopes = TokenScope.values if membership.is_admin else ["read", "write"]
    _token, text = create_token(membership, name="Test", scopes=scopes)
    return Client(headers={"Authorization": f"Bearer {text}"})
