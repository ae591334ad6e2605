"""A MariaDB of its own for a test run: Debian's server in a temporary directory, also as root, gone afterwards."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pymysql
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crmsync.processes import last_line, wait

START_SECONDS = 60
PASSWORD = "of the administrator"
TABLES = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
PLACES = (Path("/usr/share/mysql"), Path("/usr/share/mariadb"))
MISSING = "The tests of View mode need a MariaDB server: apt-get install mariadb-server-core"
ACCOUNT = f"CREATE USER admin@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO admin@'%' WITH GRANT OPTION;\n"


class NoServer(RuntimeError):
    """There is no MariaDB here, or it does not start."""


@dataclass(slots=True)
class MariaDb:
    """A server that runs."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def path(self) -> str:
        return str(self.directory / "socket")

    @property
    def certificates(self) -> str:
        return (self.directory / "cert.pem").read_text()

    def admin(self, database: str = "", **options: Any) -> Any:
        """A connection that may do everything."""
        return pymysql.connect(
            unix_socket=self.path, user="admin", password=PASSWORD, database=database or None, autocommit=True, charset="utf8mb4",
            ssl_disabled=True, **options,
        )  # fmt: skip

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def start(directory: Path) -> MariaDb:
    """Make the server's own tables, and start it on a free port. Raises NoServer."""
    program = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin:/usr/libexec")
    place = next((place for place in PLACES if (place / TABLES[0]).exists()), None)
    if program is None or place is None:
        raise NoServer(MISSING)
    (directory / "data").mkdir()
    (directory / "init.sql").write_text(ACCOUNT)
    write_certificate(directory)
    basis = [program, "--no-defaults", f"--datadir={directory}/data", "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0"]
    basis += ["--user=root"] if os.geteuid() == 0 else []
    log = directory / "log"
    with log.open("wb") as output:
        made = _make_tables([*basis, "--bootstrap", "--skip-log-bin"], place, output)
        server = _listening(basis, directory, output) if made else None
    if server is None:
        raise NoServer(f"MariaDB does not start: {last_line(log.read_text(errors='replace'))}")
    return server


def _make_tables(command: list[str], place: Path, output: IO[bytes]) -> bool:
    text = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n" + "".join((place / name).read_text() for name in TABLES)
    done = subprocess.run(command, input=text.encode(), stdout=output, stderr=output, check=False, timeout=START_SECONDS)
    return done.returncode == 0


def _listening(basis: list[str], directory: Path, output: IO[bytes]) -> MariaDb | None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [
        *basis, "--skip-networking=0", "--bind-address=127.0.0.1", f"--port={port}", f"--socket={directory}/socket",
        f"--pid-file={directory}/pid", "--skip-name-resolve", f"--init-file={directory}/init.sql",
        f"--ssl-cert={directory}/cert.pem", f"--ssl-key={directory}/key.pem",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
    server = MariaDb(directory, port, process)
    if wait(lambda: process.poll() is not None or _answers(server), seconds=START_SECONDS) and process.poll() is None:
        return server
    server.stop()
    return None


def _answers(server: MariaDb) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(server.path) == 0


def write_certificate(directory: Path, *, name: str = "localhost") -> str:
    """A certificate that signed itself, as cert.pem and key.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = made.public_bytes(serialization.Encoding.PEM).decode()
    (directory / "cert.pem").write_text(text)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "key.pem").write_bytes(private)
    return text
