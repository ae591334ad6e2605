"""`python -m crmsync.probe web|worker|beat`: the health check of a container. Exit code 0 means healthy."""

import http.client
import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from crmsync.celery import app

BEAT_NOTES = Path("/tmp/beat-schedule")  # noqa: S108 - a private tmpfs of the container
# Beat writes its notes down every three minutes.
BEAT_SILENCE_SECONDS = 600


def web() -> bool:
    """Does this container's web server answer under its public name?"""
    host = urlsplit(os.environ.get("PUBLIC_URL", "")).netloc or "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT") or 8000), timeout=4)
    connection.request("GET", "/healthz", headers={"Host": host})
    return connection.getresponse().status == http.HTTPStatus.OK


def worker() -> bool:
    """Does this container's worker answer over the broker?"""
    own = [f"celery@{os.uname().nodename}"]
    return bool(app.control.ping(destination=own, timeout=10))


def beat() -> bool:
    """Has the scheduler shown life?"""
    notes = list(BEAT_NOTES.parent.glob(f"{BEAT_NOTES.name}*"))
    return any(time.time() - path.stat().st_mtime < BEAT_SILENCE_SECONDS for path in notes)


CHECKS = {"web": web, "worker": worker, "beat": beat}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        sys.stderr.write(f"usage: python -m crmsync.probe {'|'.join(CHECKS)}\n")
        return 2
    try:
        return 0 if CHECKS[arguments[0]]() else 1
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
