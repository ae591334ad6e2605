"""Other processes of this project, as the tests of the ground start and end them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crmsync.embedded import ROOT

GIVEN = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "REDIS_PREFIX", "SANDBOX", "PORT"}


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """An environment in which nothing is given but a data directory."""
    bare = {name: value for name, value in os.environ.items() if name not in GIVEN}
    return bare | {"CRMSYNC_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | more


def python(code: str, *, data_dir: Path, **more: str) -> "subprocess.Popen[str]":
    """Run a few lines of Python beside this process."""
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, env=environment(data_dir, **more), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def manage(*arguments: str, data_dir: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run a management command to its end."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, env=environment(data_dir, **more), cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


@contextmanager
def ended(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """Whatever happens in the test, this process ends with it."""
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def alive(pid: int) -> bool:
    """Does it run (a zombie does not)?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def descendants(pid: int) -> set[int]:
    """The children of a process, theirs, and so on."""
    found: set[int] = set()
    waiting = {pid}
    while waiting:
        with suppress(FileNotFoundError, ProcessLookupError):
            children = _children(waiting.pop())
            waiting |= children - found
            found |= children
    return found


def _children(pid: int) -> set[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return {int(child) for thread in threads for child in (thread / "children").read_text().split()}


def wait_until(so: Callable[[], object], *, seconds: float = 120) -> None:
    """Wait until something is so, or fail."""
    deadline = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)
