from __future__ import annotations

from rest_framework.request import Request

from accounts.models import ApiToken, Membership, User, Workspace
from accounts.scoping import Origin


class ApiRequest(Request):
    """A request as TokenAuthentication leaves it."""

    workspace: Workspace
    membership: Membership
    origin: Origin
    user: User
    auth: ApiToken | None
