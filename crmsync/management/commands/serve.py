"""`manage.py serve`: web, worker, beat (and sandbox vendors) under one supervisor."""

import http.client
import os
import socket
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crmsync import sandbox
from crmsync.embedded import ROOT, data_dir
from crmsync.processes import free_port
from crmsync.supervisor import Program, Supervisor

MANAGE = str(ROOT / "manage.py")


class Command(BaseCommand):
    help = "Run crmsync: web server, worker and scheduler, and the sandbox vendors when SANDBOX=1."
    requires_system_checks: list[str] = []
    log_in = ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
        parser.add_argument(
            "--port", type=int, default=int(os.environ.get("PORT") or 8000), help="port of the web server (default PORT or 8000)"
        )
        parser.add_argument("--workers", type=int, default=2, help="web processes (default 2)")
        parser.add_argument("--threads", type=int, default=4, help="threads of each web process (default 4)")
        parser.add_argument("--concurrency", type=int, default=2, help="worker processes for background work (default 2)")
        parser.add_argument("--no-worker", action="store_true", help="without background work")
        parser.add_argument("--no-beat", action="store_true", help="without the scheduler (another process runs it)")
        parser.add_argument("--demo-data", action="store_true", help="lay out the demo workspace first (it is made once)")
        parser.add_argument("--no-migrate", action="store_true", help="do not bring the database up to date first")

    def handle(self, *_args: object, **options: Any) -> None:
        host, port = options["host"], options["port"]
        if not _is_free(host, port):
            raise CommandError(f"Port {port} is in use. Choose another one, e.g. PORT={port + 10}.")
        environment = {**os.environ, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
        programs = self._sandbox(environment) if sandbox.wanted() else []
        if not options["no_migrate"]:
            migrate(environment)
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        self.log_in = demo_data(environment) if options["demo_data"] else ""
        programs += programs_of(options, environment=environment)
        try:
            Supervisor(programs).run(
                until_ready=lambda: answers(host, port),
                on_ready=lambda: self._tell(port, environment),
            )
        finally:
            sandbox.forget()

    def _tell(self, port: int, environment: dict[str, str]) -> None:
        self.stdout.write(self.style.SUCCESS(f"\ncrmsync is ready: {public_url(port)}   (Ctrl-C stops it)"))
        self.stdout.write(self.log_in)
        self.stdout.flush()
        if self.log_in and sandbox.wanted():
            # The vendors answer by now; a demo that cannot be connected is still a demo.
            self.stdout.write(connect_demo(environment))
            self.stdout.write(demo_erp(environment, port))
            self.stdout.flush()

    def _sandbox(self, environment: dict[str, str]) -> list[Program]:
        environment.pop("SANDBOX_PORT", None)
        usual = int(os.environ.get("SANDBOX_PORT") or int(environment["PORT"]) + 1)
        port = usual if _is_free("127.0.0.1", usual) else free_port()
        if port != usual:
            self.stdout.write(f"Port {usual} is in use: the sandbox vendors answer at http://127.0.0.1:{port} instead.")
            self.stdout.flush()
        sandbox.note(port)
        sandbox.use(environment, at_port=port)
        books = str(data_dir() / "sandbox")
        command = [sys.executable, "-m", "integrations.kit.sandbox", "--port", str(port), "--data", books]
        return [Program("sandbox", command, environment)]


def migrate(environment: dict[str, str]) -> None:
    """Bring the database up to date, in a process of its own: it may need another role."""
    result = subprocess.run([sys.executable, MANAGE, "migrate", "--noinput", "--verbosity", "0"], env=environment, check=False)
    if result.returncode:
        raise CommandError("The database could not be brought up to date (see above).")


def demo_data(environment: dict[str, str]) -> str:
    """Lay out the demo workspace; the answer is what to tell the person, with the log-in."""
    command = [sys.executable, MANAGE, "demo_data"]
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        raise CommandError("The demo workspace could not be laid out (see above).")
    return result.stdout


def connect_demo(environment: dict[str, str]) -> str:
    """Connect the demo workspace to the sandbox vendors, once; what to tell the person about it."""
    command = [sys.executable, MANAGE, "demo_data", "--connect"]
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        return "The demo workspace is not connected to the sandbox (see above). You can connect it under Settings, Integrations."
    return result.stdout


def demo_erp(environment: dict[str, str], port: int) -> str:
    """Let the demo's ERP push a year of data, once; what to tell the person about it."""
    command = [sys.executable, MANAGE, "erp_demo", "--url", f"http://127.0.0.1:{port}"]
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    return "" if result.returncode else result.stdout


def programs_of(options: dict[str, Any], *, environment: dict[str, str]) -> list[Program]:
    """The web server and, unless told otherwise, worker and scheduler."""
    programs = [Program("web", web_command(options), environment)]
    if not options["no_worker"]:
        programs.append(Program("worker", worker_command(options["concurrency"]), environment))
    if not options["no_beat"]:
        programs.append(Program("beat", beat_command(), environment))
    return programs


def web_command(options: dict[str, Any]) -> list[str]:
    """Gunicorn with threads: a slow reader holds a thread, not a process."""
    return [
        *(sys.executable, "-m", "gunicorn", "crmsync.wsgi:application"),
        *("--bind", f"{options['host']}:{options['port']}", "--worker-class", "gthread", "--chdir", str(ROOT)),
        *("--workers", str(options["workers"]), "--threads", str(options["threads"])),
        *("--timeout", "60", "--graceful-timeout", "20", "--keep-alive", "5", "--log-level", "warning", "--no-control-socket"),
        *("--max-requests", "20000", "--max-requests-jitter", "2000"),
    ]


def worker_command(concurrency: int) -> list[str]:
    """One worker for both queues; it takes from `default` first."""
    name = f"serve{os.getpid()}@%h"
    return [
        # Embedded services in a container run as root; the tasks are ours.
        *(sys.executable, "-W", "ignore:You're running the worker"),
        *("-m", "celery", "--app", "crmsync", "--workdir", str(ROOT), "--quiet", "worker"),
        *("--pool", "prefork", "--concurrency", str(concurrency), "--queues", "default,sync", "--hostname", name),
        *("--loglevel", "INFO", "--without-gossip", "--without-mingle"),
    ]


def beat_command() -> list[str]:
    """The scheduler; its notes are disposable, what is due is in the database."""
    notes = str(data_dir() / "beat-schedule")
    return [
        *(sys.executable, "-m", "celery", "--app", "crmsync", "--workdir", str(ROOT), "--quiet", "beat"),
        *("--schedule", notes, "--pidfile", "", "--loglevel", "WARNING"),
    ]


def public_url(port: int) -> str:
    """The address to show to people."""
    return os.environ.get("PUBLIC_URL") or f"http://localhost:{port}"


def answers(host: str, port: int) -> bool:
    """Does the web server say that it is alive?"""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=3)
    try:
        connection.request("GET", "/healthz", headers={"Host": public_url(port).split("://")[-1]})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("", "0.0.0.0") else host  # noqa: S104 - compared, not bound


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
