"""`manage.py serve` on an empty machine: it comes up, answers, stops cleanly, and leaves nothing behind when killed."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crmsync import embedded
from crmsync.processes import free_port
from tests.ground.processes import alive, descendants, ended, environment, manage, wait_until

LEAN = ("--no-worker", "--no-beat")


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    embedded.stop(tmp_path / "data")


def serve(*arguments: str, data_dir: Path, port: int, **variables: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "manage.py", "serve", *arguments]
    given = environment(data_dir, PORT=str(port), **variables)
    return subprocess.Popen(command, env=given, cwd=embedded.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def read_until(process: "subprocess.Popen[str]", words: str) -> list[str]:
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"{words!r} never came: {lines}")


def answer(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", path)
    response = connection.getresponse()
    result = response.status, response.read()
    connection.close()
    return result


@contextmanager
def taken(port: int) -> Iterator[None]:
    try:
        server = socket.create_server(("127.0.0.1", port))
    except OSError:
        yield  # by somebody else
    else:
        with server:
            yield


def test_it_serves_and_stops_cleanly_and_leaves_nothing(data_dir: Path) -> None:
    port = free_port()
    with ended(serve(data_dir=data_dir, port=port)) as process:
        assert f"crmsync is ready: http://localhost:{port} " in read_until(process, "ready:")[-1]
        assert answer(port, "/healthz") == (200, b"ok\n")
        assert answer(port, "/readyz") == (200, b'{"database": true, "redis": true}')
        read_until(process, "ready.")
        family = descendants(process.pid)
        assert len(family) > 6
        process.terminate()
        rest = process.communicate(timeout=120)[0]
        assert process.returncode == 0, rest
        assert "Traceback" not in rest
        wait_until(lambda: not any(alive(pid) for pid in family))


def test_killing_it_leaves_only_services_and_the_next_start_takes_them_over(data_dir: Path) -> None:
    port = free_port()
    with ended(serve(data_dir=data_dir, port=port)) as process:
        read_until(process, "ready.")
        ours = {pid for pid in descendants(process.pid) if b"celery" in command_line(pid) or b"gunicorn" in command_line(pid)}
        assert len(ours) > 4
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not any(alive(pid) for pid in ours))
    with ended(serve(*LEAN, data_dir=data_dir, port=port)) as process:
        read_until(process, "is ready:")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 0


def test_a_port_in_use_is_named_in_one_line(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = manage("serve", data_dir=data_dir, PORT=str(port))
    assert result.returncode == 1
    assert result.stderr == f"CommandError: Port {port} is in use. Choose another one, e.g. PORT={port + 10}.\n"


def test_a_sandbox_that_has_to_move_says_so_and_is_found_there(data_dir: Path) -> None:
    port = free_port()
    # The vendors' usual place is the next one; whoever is there already, it is taken.
    with taken(port + 1), ended(serve(*LEAN, data_dir=data_dir, port=port, SANDBOX="1")) as process:
        said = "".join(read_until(process, "is ready:"))
        found = re.search(rf"Port {port + 1} is in use: the sandbox vendors answer at http://127.0.0.1:(\d+) instead\.", said)
        assert found, said
        web = [pid for pid in descendants(process.pid) if b"gunicorn" in command_line(pid)]
        addresses = [Path(f"/proc/{pid}/environ").read_bytes() for pid in web]
        assert addresses
        assert all(f"CRUNCH_API_URL=http://127.0.0.1:{found[1]}/".encode() in each for each in addresses)
        assert answer(int(found[1]), "/crunch/_control/log")[0] == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 0


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
