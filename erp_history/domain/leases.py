"""Whose work it is: host, process and a nonce. Where the process runs can be seen from its own machine."""

from __future__ import annotations

import os
import secrets
import socket


def new_lease() -> str:
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(8)}"


def holder_is_dead(lease: str) -> bool:
    """A process of this machine that is no more; of other machines the lease's end tells."""
    host, pid, _nonce = lease.rsplit(":", 2)
    if host != socket.gethostname()[:60]:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
