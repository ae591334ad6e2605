"""Asking a provider something for an open page: never while the connection rests, and an answer of any shape is no accident of ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from accounts.scoping import workspace_tx
from integrations.domain.access import Access, open_access
from integrations.domain.exchanges import store_exchanges
from integrations.domain.poison import POISON, words
from integrations.engine.errors import BadAnswer, Denied
from integrations.engine.types import Reason
from integrations.enums import ConnectionStatus
from integrations.models import Connection

log = logging.getLogger(__name__)


@contextmanager
def asking(connection: Connection) -> Iterator[Access]:
    """Raises ProviderError, whatever comes. Outside a transaction."""
    if connection.status != ConnectionStatus.ACTIVE:
        raise Denied(Reason("not_connected"))
    access = open_access(connection)
    try:
        with readable(connection):
            yield access
    finally:
        remember_calls(access, connection)


@contextmanager
def readable(connection: Connection, *, in_doubt: bool = False) -> Iterator[None]:
    """What was told has not the shape that the provider knows: its answer is bad, the page is not. `in_doubt`: it may have been written."""
    try:
        yield
    except POISON as error:
        log.warning("Connection %s: an answer that cannot be read: %s", connection.pk, type(error).__name__)
        raise BadAnswer(Reason("bad_answer"), detail=words(error), in_doubt=in_doubt) from error


def remember_calls(access: Access, connection: Connection) -> None:
    if said := access.recorder.take():
        with workspace_tx(connection.workspace):
            store_exchanges(connection, said)
