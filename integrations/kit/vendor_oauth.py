"""The authorisation server of a sandbox vendor: consent page, code with PKCE S256, refresh with or without rotation.

Switches: `rotate` (a refresh replaces the refresh token, the old one dies), `refresh_tokens` (hand any out), `token_seconds`,
`name_account` (the token reply tells whose books they are).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any
from urllib.parse import urlencode

from integrations.kit.vendor import Refusal, Reply, Request, Vendor, as_html, as_json

SWITCHES = {"rotate": True, "refresh_tokens": True, "token_seconds": 3600, "name_account": True}
_CODE_SECONDS = 600
_FOR_EVER = 4e9


@dataclass(slots=True)
class Grant:
    """What a user allowed: some scopes on one company's books."""

    company: str
    scopes: list[str]
    expires: float
    redirect_uri: str = ""
    challenge: str = ""


@dataclass(slots=True)
class Authority:
    """Codes and tokens that are good."""

    codes: dict[str, Grant] = field(default_factory=dict)
    access: dict[str, Grant] = field(default_factory=dict)
    refresh: dict[str, Grant] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, tables: Mapping[str, Mapping[str, Any]]) -> Authority:
        return cls(**{table: {token: Grant(**grant) for token, grant in grants.items()} for table, grants in tables.items()})


class OAuthVendor(Vendor):
    """A vendor with `/oauth/authorize` and `/oauth/token`. `companies` maps a company's id to its name."""

    companies: Mapping[str, str] = {}
    scopes: Mapping[str, str] = {}  # scope -> what the consent page calls it

    def __init__(self) -> None:
        super().__init__()
        self.switches.update(SWITCHES)
        self.authority = Authority()
        self.route("GET", "/oauth/authorize", self._consent)
        self.route("POST", "/oauth/authorize", self._decide)
        self.route("POST", "/oauth/token", self._token)

    def grant(self, company: str, scopes: list[str]) -> dict[str, Any]:
        """Hand out tokens as the token endpoint does."""
        access = secrets.token_urlsafe(24)
        seconds = float(self.switches["token_seconds"])
        self.authority.access[access] = Grant(company, scopes, time.time() + seconds)
        answer: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": int(seconds), "scope": " ".join(scopes)}
        if self.switches["refresh_tokens"]:
            refresh = secrets.token_urlsafe(24)
            self.authority.refresh[refresh] = Grant(company, scopes, _FOR_EVER)
            answer["refresh_token"] = refresh
        if self.switches["name_account"]:
            answer |= {"company_id": company, "company_name": self.companies[company]}
        return answer

    def allowed(self, request: Request, scope: str) -> Grant:
        """The grant behind the request's bearer token; 401 or 403 when there is none."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self.authority.access.get(token) if kind == "Bearer" else None
        if grant is None or grant.expires < time.time():
            raise Refusal(401, "The access token is missing, unknown or expired.")
        if scope not in grant.scopes:
            raise Refusal(403, f"The scope {scope} was not granted.")
        return grant

    def steer(self, commands: dict[str, Any]) -> dict[str, Any]:
        """`token`: hand out tokens without a browser. `expire_tokens`: access tokens are over. `revoke`: nothing is good any more."""
        if commands.get("expire_tokens"):
            self.authority.access.clear()
        if commands.get("revoke"):
            self.authority = Authority()
        if wish := commands.get("token"):
            wish = wish if isinstance(wish, dict) else {}
            company = wish.get("company") or next(iter(self.companies))
            return {"token": self.grant(company, wish.get("scopes") or list(self.scopes))}
        return {}

    def _consent(self, request: Request) -> Reply:
        query = request.query
        problem = _unfit(query)
        if problem:
            return as_html(_page(self.label, f"<p class=bad>{escape(problem)}</p>"), 400)
        hidden = "".join(f'<input type=hidden name="{escape(name)}" value="{escape(value)}">' for name, value in query.items())
        asked = [scope for scope in query.get("scope", "").split() if scope in self.scopes]
        rights = "".join(f"<li>{escape(self.scopes[scope])} <code>{escape(scope)}</code></li>" for scope in asked)
        choice = "".join(f'<option value="{escape(key)}">{escape(name)}</option>' for key, name in self.companies.items())
        buttons = "<button name=answer value=allow class=primary>Allow</button> <button name=answer value=refuse>Refuse</button>"
        body = (
            f"<h1>Allow <b>{escape(query.get('client_id', ''))}</b> to use your books?</h1>"
            f'<form method=post action="{request.base}/oauth/authorize">{hidden}'
            f"<label>Company <select name=company>{choice}</select></label>"
            f"<p>It will be able to:</p><ul>{rights}</ul><p>{buttons}</p></form>"
        )
        return as_html(_page(self.label, body))

    def _decide(self, request: Request) -> Reply:
        form = request.form()
        if problem := _unfit(form):
            return as_html(_page(self.label, f"<p class=bad>{escape(problem)}</p>"), 400)
        answer = {"state": form["state"]} if form.get("state") else {}
        if form.get("answer") != "allow":
            answer = {"error": "access_denied", "error_description": "The user refused.", **answer}
        else:
            code = secrets.token_urlsafe(24)
            scopes = [scope for scope in form.get("scope", "").split() if scope in self.scopes]
            company = form.get("company") if form.get("company") in self.companies else next(iter(self.companies))
            self.authority.codes[code] = Grant(
                str(company), scopes, time.time() + _CODE_SECONDS, form["redirect_uri"], form["code_challenge"]
            )
            answer = {"code": code, **answer}
        glue = "&" if "?" in form["redirect_uri"] else "?"
        return Reply(302, headers={"Location": f"{form['redirect_uri']}{glue}{urlencode(answer)}"})

    def _token(self, request: Request) -> Reply:
        form = request.form()
        if not form.get("client_id") and not request.headers.get("authorization", "").startswith("Basic "):
            return as_json({"error": "invalid_client"}, 401)
        if form.get("grant_type") == "authorization_code":
            return self._exchange(form)
        if form.get("grant_type") == "refresh_token":
            return self._refresh(form)
        return as_json({"error": "unsupported_grant_type"}, 400)

    def _exchange(self, form: dict[str, str]) -> Reply:
        grant = self.authority.codes.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if grant is None or grant.expires < time.time() or grant.redirect_uri != form.get("redirect_uri"):
            return as_json({"error": "invalid_grant", "error_description": "The code is unknown, used or too old."}, 400)
        if not secrets.compare_digest(proof, grant.challenge):
            return as_json({"error": "invalid_grant", "error_description": "The code verifier does not fit."}, 400)
        return as_json(self.grant(grant.company, grant.scopes))

    def _refresh(self, form: dict[str, str]) -> Reply:
        token = form.get("refresh_token", "")
        grant = self.authority.refresh.get(token)
        if grant is None:
            return as_json({"error": "invalid_grant", "error_description": "The refresh token is unknown or used."}, 400)
        if self.switches["rotate"]:
            del self.authority.refresh[token]
            return as_json(self.grant(grant.company, grant.scopes))
        answer = self.grant(grant.company, grant.scopes)
        if "refresh_token" in answer:
            del self.authority.refresh[answer.pop("refresh_token")]
        return as_json(answer)


def _unfit(query: Mapping[str, str]) -> str:
    if query.get("response_type") != "code":
        return "response_type must be code."
    if not query.get("redirect_uri", "").startswith(("http://", "https://")):
        return "redirect_uri is missing."
    if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
        return "A code challenge with the method S256 is required."
    return ""


def _page(label: str, body: str) -> str:
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(label)}: allow access</title><style>
body{{font:16px/1.5 system-ui,sans-serif;background:#f2f4f3;color:#17211c;margin:0;display:grid;place-items:center;min-height:100vh}}
main{{background:#fff;border:1px solid #d5dcd8;border-radius:12px;padding:2rem;max-width:26rem;margin:1rem}}
h1{{font-size:1.25rem}} select{{font:inherit}} .bad{{color:#a11}} .brand{{color:#12684a;font-weight:700}}
button{{font:inherit;padding:.5rem 1.25rem;border-radius:8px;border:1px solid #8a9a91;background:#fff;cursor:pointer}}
.primary{{background:#12684a;border-color:#12684a;color:#fff}}
</style><main><p class=brand>{escape(label)} (sandbox)</p>{body}</main></html>"""
