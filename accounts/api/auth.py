from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.domain.audit import origin_of
from accounts.domain.tokens import find_token, note_use
from accounts.models import ApiToken, User

CHALLENGE = 'Bearer realm="crmsync"'


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer crm_<prefix>_<secret>`. Sets `request.workspace`, `request.membership` and `request.origin`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        kind, _space, text = get_authorization_header(request).decode("latin-1").strip().partition(" ")
        if not kind:
            return None
        now = timezone.now()
        found = find_token(text.strip(), now=now) if kind.lower() == "bearer" else None
        if found is None:
            raise AuthenticationFailed(_("This API token is not known, has expired or was revoked."), code="bad_token")
        token, membership = found
        note_use(token, now=now)
        plain = request._request
        plain.workspace, plain.membership = membership.workspace, membership  # type: ignore[attr-defined]  # as WorkspaceMiddleware does
        plain.origin = origin_of(membership.user, kind="api")  # type: ignore[attr-defined]
        return membership.user, token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE
