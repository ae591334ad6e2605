"""A workspace and a vendor whose connection is being set up."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from django.test import Client

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from integrations.domain.vault import read_secrets
from integrations.models import Connection, OAuthAttempt, Run
from tests.sandboxes import Sandbox

TOKENS = {"movidesk": "sandbox-movidesk", "nectar": "sandbox-nectar"}
MOVIDESK = {
    "name": "Our desk",
    "tenant": "acme",
    "pull": "on",
    "pull_mode": "create",
    "push": "on",
    "ticket_link_field": "",
    "ticket_link": "",
    "requests_per_minute": "600",
    "quiet_hours": "",
}
NECTAR = {"discarded": "import", "inactive": "leave_out", "confidential": "leave_out", "team": ""}
ECONOMIC = {
    "create_when": "manual",
    "webhooks": "on",
    "team": "",
    "deleted_here": "bring_back",
    "conflict": "ask",
    "preview_first": "on",
}
ANSWERS = {"movidesk": MOVIDESK, "nectar": NECTAR, "economic": ECONOMIC}


class Place:
    def __init__(self, workspace: Workspace, sandbox: Sandbox) -> None:
        self.workspace = workspace
        self.sandbox = sandbox

    @property
    def setup(self) -> str:
        return f"/w/{self.workspace.slug}/settings/integrations/{self.sandbox.key}/"

    def page(self, name: str = "") -> str:
        return f"/w/{self.workspace.slug}/integrations/{self.connection().pk}/{name}"

    def answers(self, **changed: str | None) -> dict[str, Any]:
        """What the set-up form sends; None leaves a field out (a box that is not marked)."""
        found: dict[str, Any] = {**ANSWERS[self.sandbox.key], **changed}
        if self.sandbox.key in TOKENS:
            found.setdefault("secret-token", TOKENS[self.sandbox.key])
        return {key: value for key, value in found.items() if value is not None}

    def send(self, client: Client, **changed: str | None) -> Any:
        return client.post(self.setup, self.answers(**changed))

    def connections(self) -> list[Connection]:
        with workspace_tx(self.workspace):
            return list(Connection.objects.filter(workspace=self.workspace).order_by("pk").select_related("workspace"))

    def connection(self) -> Connection:
        return self.connections()[-1]

    def secrets(self) -> dict[str, Any]:
        return read_secrets(self.connection())

    def runs(self) -> list[Run]:
        with workspace_tx(self.workspace):
            return list(Run.objects.order_by("pk"))

    def attempts(self) -> list[OAuthAttempt]:
        with workspace_tx(self.workspace):
            return list(OAuthAttempt.objects.order_by("pk"))

    # e-conomic's page

    def begin(self, client: Client) -> str:
        """Enable, press Connect; the address of the vendor's page."""
        if not self.connections():
            assert self.send(client).status_code == 302
        answer = client.post(self.page("connect/"))
        assert answer.status_code == 302, answer.content
        return str(answer["Location"])

    def decided(self, address: str, **form: str) -> str:
        """What the vendor's page sends the browser back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        data = {"answer": "yes", "superuser": "1", **query, **form}
        answer = requests.post(address.partition("?")[0], data=data, allow_redirects=False, timeout=90)
        parts = urlsplit(answer.headers["Location"])
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def connect(self, client: Client) -> Connection:
        """All the way through the vendor's page."""
        confirm = client.get(self.decided(self.begin(client)))["Location"]
        assert client.post(confirm, {"answer": "yes"}).status_code == 302
        return self.connection()
