from integrations.models.connection import Connection, OAuthAttempt, Wake
from integrations.models.exchange import Exchange
from integrations.models.link import Link
from integrations.models.outbox import Outbox
from integrations.models.run import Run, RunLine, Seen, Staged

__all__ = ["Connection", "Exchange", "Link", "OAuthAttempt", "Outbox", "Run", "RunLine", "Seen", "Staged", "Wake"]
