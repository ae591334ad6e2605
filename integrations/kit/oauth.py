"""OAuth 2.0 as a client: authorisation code with PKCE (RFC 6749, RFC 7636), over the same guarded door as everything else."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from oauthlib.oauth2 import OAuth2Error, WebApplicationClient
from requests import PreparedRequest, Response
from requests.auth import HTTPBasicAuth
from requests.exceptions import RequestException
from requests_oauthlib import OAuth2Session
from urllib3.exceptions import HTTPError

from integrations.engine.errors import BadAnswer, BadSettings, ProviderError, Reconnect, Retry
from integrations.engine.provider import OAuth2
from integrations.engine.types import Reason
from integrations.kit.answers import transport_reason
from integrations.kit.guard import BlockedAddress, Guard, GuardedAdapter
from integrations.kit.redact import redact

_TIMES = (5.0, 10.0)
_TOTAL = 15.0
_TOKEN_FIELDS = {"access_token", "refresh_token", "token_type", "expires_in", "expires_at", "scope", "id_token"}
_OWN_FAULT = {"invalid_client", "unauthorized_client", "invalid_scope", "redirect_uri_mismatch"}
_PASSING = {"temporarily_unavailable", "server_error", "slow_down"}


@dataclass(frozen=True, slots=True)
class Client:
    """This deployment as the vendor knows it. `auth`: how it proves itself at the token endpoint (basic | body | public)."""

    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: str = ""
    auth: str = "basic"
    redirect_uri: str = ""
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Where to send the person, and what to remember in their session until they come back."""

    url: str
    state: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenSet:
    """A token reply. `told` is what it says besides (some vendors name the account there)."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_in: int | None = None
    scope: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)


def client_from_env(env: Mapping[str, str], auth: OAuth2, *, redirect_uri: str, allow_private: bool) -> Client:
    """Read `<PREFIX>_AUTHORIZE_URL` and the others. Raises BadSettings naming the variable that is not set."""

    def read(name: str, default: str | None = None) -> str:
        value = env.get(f"{auth.env_prefix}_{name}", "").strip() or default
        if value is None:
            raise BadSettings(Reason("not_configured", {"variable": f"{auth.env_prefix}_{name}"}))
        return value

    style = read("CLIENT_AUTH", "basic").lower()
    if style not in {"basic", "body", "public"}:
        raise BadSettings(Reason("not_configured", {"variable": f"{auth.env_prefix}_CLIENT_AUTH"}))
    return Client(
        authorize_url=read("AUTHORIZE_URL"),
        token_url=read("TOKEN_URL"),
        client_id=read("CLIENT_ID"),
        client_secret=read("CLIENT_SECRET", "" if style == "public" else None),
        scopes=read("SCOPES", auth.default_scopes),
        auth=style,
        redirect_uri=redirect_uri,
        allow_private=allow_private,
    )


def authorize_url(client: Client) -> Authorisation:
    """Begin: a fresh state and code verifier, and the address of the consent page."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    request = WebApplicationClient(client.client_id)
    url: str = request.prepare_request_uri(
        _secure(client.authorize_url),
        redirect_uri=client.redirect_uri,
        scope=client.scopes,
        state=state,
        code_challenge=request.create_code_challenge(verifier, "S256"),
        code_challenge_method="S256",
    )
    return Authorisation(url=_as_given(url, client.authorize_url), state=state, verifier=verifier)


def exchange_code(client: Client, *, code: str, verifier: str) -> TokenSet:
    """Turn the code from the redirect into tokens. Raises Reconnect when the vendor does not accept it."""
    session = _session(client, redirect_uri=client.redirect_uri)
    extra: dict[str, Any] = {"client_secret": client.client_secret} if client.auth == "body" else {}
    return _tokens(
        lambda: session.fetch_token(
            _secure(client.token_url),
            code=code,
            code_verifier=verifier,
            auth=_basic(client),
            include_client_id=client.auth != "basic",
            timeout=_TIMES,
            **extra,
        ),
        hide=(code, verifier, client.client_secret),
    )


def refresh(client: Client, *, refresh_token: str) -> TokenSet:
    """Get new tokens; keeps the refresh token when the reply brings none. Raises Reconnect when the permission is gone."""
    session = _session(client)
    extra: dict[str, Any] = {} if client.auth == "basic" else {"client_id": client.client_id}
    extra |= {"client_secret": client.client_secret} if client.auth == "body" else {}
    return _tokens(
        lambda: session.refresh_token(_secure(client.token_url), refresh_token=refresh_token, auth=_basic(client), timeout=_TIMES, **extra),
        hide=(refresh_token, client.client_secret),
    )


class _Refused(Exception):
    """The token endpoint answered with a status that carries no OAuth answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"status {response.status_code}")
        self.status = response.status_code


class _Door(GuardedAdapter):
    """oauthlib insists on https; where the guard allows plain http (private addresses only), the address given is used after all."""

    def __init__(self, client: Client) -> None:
        super().__init__(Guard(allow_private=client.allow_private), total=_TOTAL)
        self._given = client.token_url

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        request.url = _as_given(request.url or "", self._given)
        return super().send(request, *args, **kwargs)


class _Session(OAuth2Session):
    def get_redirect_target(self, resp: Response) -> None:
        """A token endpoint that points elsewhere is not followed: the request carries secrets."""


def _session(client: Client, **options: Any) -> OAuth2Session:
    session = _Session(client.client_id, **options)
    session.trust_env = False
    door = _Door(client)
    session.mount("https://", door)
    session.mount("http://", door)
    for hook in ("access_token_response", "refresh_token_response"):
        session.register_compliance_hook(hook, _check_status)
    return session


def _check_status(response: Response) -> Response:
    if response.status_code >= 500 or response.status_code == 429 or 300 <= response.status_code < 400:
        raise _Refused(response)
    return response


def _basic(client: Client) -> HTTPBasicAuth | None:
    return HTTPBasicAuth(client.client_id, client.client_secret) if client.auth == "basic" else None


def _tokens(call: Any, *, hide: tuple[str, ...]) -> TokenSet:
    known = [value for value in hide if value]
    try:
        reply: Mapping[str, Any] = call()
    except BlockedAddress as error:
        raise BadSettings(Reason("blocked_address"), detail=str(error)) from None
    except _Refused as error:
        raise _by_status(error) from None
    except OAuth2Error as error:
        raise _by_code(str(error.error or ""), redact(str(error), known)) from None
    except (RequestException, HTTPError, OSError) as error:
        raise Retry(Reason(transport_reason(error)), detail=redact(f"token endpoint: {error}", known)[:500]) from None
    except (ValueError, TypeError) as error:
        raise BadAnswer(Reason("bad_answer"), detail=redact(f"token endpoint: {error}", known)[:500]) from None
    return _token_set(reply)


def _by_status(error: _Refused) -> ProviderError:
    if 300 <= error.status < 400:
        return BadAnswer(Reason("redirected"), detail=f"token endpoint: {error}")
    return Retry(Reason("rate_limited" if error.status == 429 else "vendor_down"), detail=f"token endpoint: {error}")


def _by_code(code: str, detail: str) -> ProviderError:
    detail = f"token endpoint: {detail}"[:500]
    if code == "invalid_grant":
        return Reconnect(Reason("unauthorised"), detail=detail)
    if code in _OWN_FAULT:
        return BadSettings(Reason("client_refused"), detail=detail)
    if code in _PASSING:
        return Retry(Reason("vendor_down"), detail=detail)
    return BadAnswer(Reason("bad_answer"), detail=detail)


def _token_set(reply: Mapping[str, Any]) -> TokenSet:
    scope = reply.get("scope") or ""
    return TokenSet(
        access=str(reply["access_token"]),
        refresh=str(reply["refresh_token"]) if reply.get("refresh_token") else None,
        expires_in=_seconds(reply.get("expires_in")),
        scope=scope if isinstance(scope, str) else " ".join(map(str, scope)),
        told={key: value for key, value in reply.items() if key not in _TOKEN_FIELDS},
    )


def _seconds(value: Any) -> int | None:
    try:
        return max(0, int(float(value)))
    except (TypeError, ValueError, OverflowError):
        return None


def _secure(url: str) -> str:
    return f"https{url[4:]}" if url.startswith("http:") else url


def _as_given(url: str, given: str) -> str:
    """Undo `_secure` for the host that was given with plain http."""
    plain = given.startswith("http:") and url.startswith("https:") and urlsplit(url).netloc == urlsplit(given).netloc
    return f"http{url[5:]}" if plain else url
