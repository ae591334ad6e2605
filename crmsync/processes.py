"""Small questions about processes, shared by the embedded services and the supervisor."""

import importlib.util
import random
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class EmbeddedError(RuntimeError):
    """An embedded service cannot be started; the message is one line for the person at the keyboard."""


# Services outlive the object that started them: kept here, Python does not complain about them.
_left_running: list["subprocess.Popen[bytes]"] = []


def leave_running(process: "subprocess.Popen[bytes]") -> "subprocess.Popen[bytes]":
    """This process runs on when nobody refers to it any more."""
    _left_running.append(process)
    return process


def leave_alone() -> None:
    """What still runs now runs on after this process: nothing to wait for, nothing to warn about."""
    for process in _left_running:
        if process.poll() is None:
            process.returncode = 0


def runs(pid: int, *, programs: tuple[str, ...]) -> bool:
    """Is this process alive and one of these programs? The process id of an old run may belong to anybody by now."""
    for child in _left_running:
        child.poll()
    state, command = _state_and_command(pid)
    return state not in ("", "Z", "X") and any(program in command for program in programs)


def wait(done: Callable[[], bool], *, seconds: float) -> bool:
    """Wait until something is so; False when it took too long."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def free_port() -> int:
    """Below those that the system lends to outgoing connections, which could take it before its server is there."""
    lent = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(lent.read_text().split()[0]) if lent.exists() else 32_768
    below = range(10_240, lowest) if lowest > 12_000 else range(10_240, 32_768)
    while True:
        with suppress(OSError), socket.create_server(("127.0.0.1", random.SystemRandom().choice(below))) as probe:
            return int(probe.getsockname()[1])


def last_line(text: str) -> str:
    """The last line with something on it."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def package_directory(name: str) -> Path | None:
    """Where an installed package lies. Found, not imported: importing these packages has side effects."""
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None


def _state_and_command(pid: int) -> tuple[str, str]:
    process = Path("/proc") / str(pid)
    if not Path("/proc/self").exists():
        return _asked_of_ps(pid)
    try:
        # "pid (name) state ...": the name may itself hold blanks and brackets.
        state = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
        return state, (process / "cmdline").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "", ""


def _asked_of_ps(pid: int) -> tuple[str, str]:
    shown = subprocess.run(["ps", "-o", "stat=", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    state, _, command = shown.strip().partition(" ")
    return state[:1], command
