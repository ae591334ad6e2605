"""PostgreSQL and Redis as child services of this checkout, for machines where none is given.

The only place (with embedded_postgres and embedded_redis behind it) that knows about embedded services:
everything else reads DATABASE_URL and REDIS_URL.
"""

import atexit
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from crmsync.embedded_postgres import APP_ROLE, OWNER_ROLE, Postgres, database_url
from crmsync.embedded_redis import Redis
from crmsync.processes import EmbeddedError, leave_alone

__all__ = ["ROOT", "EmbeddedError", "Services", "data_dir", "leave", "start", "start_if_needed", "stop"]
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Services:
    """Where the running services answer."""

    database_url: str
    owner_url: str
    redis_url: str


@dataclass
class _Attachment:
    """What this process holds so that nobody stops the services under it."""

    data_dir: Path
    handle: int
    pid: int = field(default_factory=os.getpid)


_attachments: dict[Path, _Attachment] = {}


def data_dir() -> Path:
    """The directory of the embedded services and files: CRMSYNC_DATA_DIR, else `.data/` of this checkout."""
    return Path(os.environ.get("CRMSYNC_DATA_DIR") or ROOT / ".data").expanduser().resolve()


def start_if_needed() -> None:
    """Start (or join) the services whose URL is not in the environment, and put their URLs there."""
    postgres = not os.environ.get("DATABASE_URL")
    bell = not os.environ.get("REDIS_URL")
    if not (postgres or bell):
        return
    services = start(data_dir(), postgres=postgres, bell=bell)
    if postgres:
        os.environ["DATABASE_URL"] = services.database_url
        os.environ["DATABASE_OWNER_URL"] = services.owner_url
    if bell:
        os.environ["REDIS_URL"] = services.redis_url


def start(directory: Path, *, postgres: bool = True, bell: bool = True) -> Services:
    """Start what is not running yet. The last process that leaves stops the services."""
    directory = directory.resolve()
    _make_directory(directory)
    with _lock(directory):
        _attach(directory)
        socket_dir = Postgres(directory / "postgres").ensure() if postgres else None
        redis_url = Redis(directory / "redis").ensure() if bell else ""
    return Services(
        database_url=database_url(socket_dir, role=APP_ROLE) if socket_dir else "",
        owner_url=database_url(socket_dir, role=OWNER_ROLE) if socket_dir else "",
        redis_url=redis_url,
    )


def stop(directory: Path) -> None:
    """Stop the services of a data directory, whoever uses them."""
    Redis(directory / "redis").stop()
    Postgres(directory / "postgres").stop()


def leave(directory: Path) -> None:
    """Give up this process's use of the services, and stop them when it was the last one."""
    attachment = _attachments.get(directory)
    if attachment is None or attachment.pid != os.getpid():
        return
    del _attachments[directory]
    with _lock(directory):
        os.close(attachment.handle)
        if _nobody_attached(directory):
            stop(directory)
    leave_alone()


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "lock").touch()
        (directory / "users").touch()
    except OSError as error:
        raise EmbeddedError(
            f"The data directory {directory} cannot be written ({error.strerror}). Set CRMSYNC_DATA_DIR to another one."
        ) from error


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """One process at a time starts or stops services. The kernel frees the lock of a killed process."""
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _attach(directory: Path) -> None:
    known = _attachments.get(directory)
    if known is not None and known.pid == os.getpid():
        return
    handle = os.open(directory / "users", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_SH)
    _attachments[directory] = _Attachment(directory, handle)
    atexit.register(leave, directory)


def _nobody_attached(directory: Path) -> bool:
    handle = os.open(directory / "users", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(handle)
