"""Whose fault a refusal is: where a secret of the installation goes with every call, a wrong one looks like lost permissions."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from accounts.scoping import workspace_tx
from integrations import registry
from integrations.domain.access import open_access
from integrations.engine.errors import ProviderError, Reconnect, Retry
from integrations.engine.types import Reason
from integrations.enums import ConnectionStatus
from integrations.models import Connection, HookDoor

log = logging.getLogger(__name__)
PAUSE = 900.0  # seconds until the operator may have mended it
WITNESSES = 3  # other connections that are asked at most


def weighed(connection: Connection, error: ProviderError) -> ProviderError:
    """The error as it is to be understood. Call it outside a transaction: it may ask the vendor about another connection."""
    grant = registry.manifest(connection.provider).grant
    if not isinstance(error, Reconnect) or error.reason.code != "unauthorised" or grant is None or not grant.shared:
        return error
    refused = 0
    for other in _others(connection):
        try:
            open_access(other).provider.check()
        except Reconnect:
            refused += 1
            continue
        except ProviderError:
            continue
        return error
    if not refused:
        return error
    log.error("%s refuses several connections at once: check %s", connection.provider, grant.shared)
    return Retry(Reason("client_refused"), after=PAUSE, detail=f"other connections are refused as well: {grant.shared}")


def _others(connection: Connection) -> Iterator[Connection]:
    """Live connections to the same vendor, of any workspace. The doors are the one table that tells of all of them."""
    asked = 0
    for door in HookDoor.objects.exclude(connection_id=connection.pk).select_related("workspace").order_by("-connection_id")[:50]:
        with workspace_tx(door.workspace):
            found = Connection.objects.filter(pk=door.connection_id, provider=connection.provider, status=ConnectionStatus.ACTIVE).first()
        if found is not None:
            found.workspace = door.workspace
            yield found
            asked += 1
        if asked == WITNESSES:
            return
