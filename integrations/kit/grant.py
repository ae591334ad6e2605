"""Permissions that a vendor's page hands over in the address that it sends the browser back to (`Manifest.grant`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from integrations.engine.capabilities import GrantToken
from integrations.engine.errors import BadSettings, SkipRecord
from integrations.engine.types import Reason

_TOKEN = re.compile(r"[\x21-\x7e]{4,500}")


def grant_url(grant: GrantToken, env: Mapping[str, str], *, return_to: str) -> str:
    """The address of the vendor's page. A query that its variable has already is kept. Raises BadSettings."""
    app = env.get(grant.app, "").strip()
    if not app:
        raise BadSettings(Reason("not_configured", {"variable": grant.app}))
    parts = urlsplit(env.get(grant.url_variable, "").strip() or grant.url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise BadSettings(Reason("not_configured", {"variable": grant.url_variable}))
    ours = {grant.app_parameter: app, grant.return_parameter: return_to}
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in ours]
    return urlunsplit(parts._replace(query=urlencode([*kept, *ours.items()]), fragment=""))


def granted(grant: GrantToken, params: Mapping[str, str]) -> str:
    """The token that the browser came back with. Raises SkipRecord when it brought none."""
    return clean_token(params.get(grant.token_parameter, ""))


def clean_token(text: str) -> str:
    """A token as it was given or pasted: no blanks around it, nothing that could not stand in a header. Raises SkipRecord."""
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise SkipRecord(Reason("consent_failed"), detail="no token came back")
    return token


def must_be_configured(grant: GrantToken, env: Mapping[str, str]) -> None:
    """Raises BadSettings naming the variable when the app's own secret is not set: no token could work then."""
    if grant.shared and not env.get(grant.shared, "").strip():
        raise BadSettings(Reason("not_configured", {"variable": grant.shared}))
