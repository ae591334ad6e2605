from integrations.models.connection import Connection, Hint, HookDoor, OAuthAttempt, Wake
from integrations.models.exchange import Exchange
from integrations.models.link import Link
from integrations.models.outbox import Outbox
from integrations.models.pagemark import PageMark
from integrations.models.pairing import Pairing
from integrations.models.run import Run, RunLine, Seen, Staged

__all__ = [
    "Connection",
    "Exchange",
    "Hint",
    "HookDoor",
    "Link",
    "OAuthAttempt",
    "Outbox",
    "PageMark",
    "Pairing",
    "Run",
    "RunLine",
    "Seen",
    "Staged",
    "Wake",
]
