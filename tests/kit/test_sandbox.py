"""The host of the sandbox vendors: found without being named, served over HTTP/1.1, with faults on demand."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from integrations.kit.sandbox import Running, find_vendors
from integrations.kit.vendor import FAULTS, Fault, Reply, as_json
from tests.kit.servers import Scripted, serving


def test_vendors_are_found_by_their_folders() -> None:
    folders = {path.parent.name for path in Path("integrations/providers").glob("*/sandbox.py")}

    assert set(find_vendors()) == folders


def test_index_and_unknown_vendor() -> None:
    with Running({"vendor": Scripted(as_json({}))}) as server:
        index = requests.get(f"{server.url}/", timeout=90)
        assert index.status_code == 200
        assert "/vendor/books" in index.text
        assert requests.get(f"{server.url}/nobody/", timeout=90).status_code == 404


def test_one_connection_serves_many_requests() -> None:
    with Running({"vendor": Scripted(as_json({"a": 1}))}) as server, socket.create_connection(("127.0.0.1", server.port)) as line:
        line.settimeout(5)
        for _ in range(3):
            line.sendall(b"POST /vendor/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            assert line.recv(4096).startswith(b"HTTP/1.1 200 OK")


def test_connection_close_is_honoured() -> None:
    with Running({"vendor": Scripted(as_json({"a": 1}))}) as server, socket.create_connection(("127.0.0.1", server.port)) as line:
        line.settimeout(5)
        line.sendall(b"GET /vendor/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b""
        while piece := line.recv(4096):
            received += piece

    assert received.endswith(b'{"a":1}')


def test_junk_is_no_end_of_the_server() -> None:
    with Running({"vendor": Scripted(as_json({"a": 1}))}) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(b"\x16\x03\x01 junk\r\n\r\n")
        assert requests.get(f"{server.url}/vendor/x", timeout=90).status_code == 200


def test_fast_enough() -> None:
    page = as_json([{"id": n, "name": f"Client {n}", "note": "x" * 200} for n in range(200)])
    with serving(page) as (_, url), requests.Session() as session:
        session.get(url, timeout=90)
        took = []
        for _ in range(100):
            started = time.perf_counter()
            assert session.get(url, timeout=90).status_code == 200
            took.append(time.perf_counter() - started)

    # An answer in two packets without an acknowledgement in between would cost every one of them 40 ms, on any machine.
    assert min(took) < 0.04


def test_fault_counts_and_skips() -> None:
    with serving(as_json({})) as (vendor, url):
        vendor.faults.append(Fault("500", method="GET", path="/x", times=2, skip=1))
        statuses = [requests.get(f"{url}{path}", timeout=90).status_code for path in ("/x", "/y", "/x", "/x", "/x")]
        posted = requests.post(f"{url}/x", timeout=90).status_code

    assert statuses == [200, 200, 500, 500, 200]
    assert posted == 200


@pytest.mark.parametrize("kind", ["reset", "lost"])
def test_dropped_connections(kind: str) -> None:
    with serving(as_json({})) as (vendor, url):
        vendor.faults.append(Fault(kind, times=1))
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{url}/x", timeout=90)
        assert len(vendor.seen) == (1 if kind == "lost" else 0)
        assert requests.get(f"{url}/x", timeout=90).status_code == 200


def test_slow_and_trickling_answers() -> None:
    with serving(as_json({"a": 1})) as (vendor, url):
        vendor.faults.append(Fault("slow", times=1, seconds=0.2))
        started = time.monotonic()
        assert requests.get(f"{url}/x", timeout=90).json() == {"a": 1}
        assert time.monotonic() - started >= 0.2
        vendor.faults.append(Fault("loris", times=1, seconds=0.02))
        assert requests.get(f"{url}/x", timeout=90).json() == {"a": 1}
        assert time.monotonic() - started >= 0.3


def test_control_reports_and_clears() -> None:
    with serving(as_json({})) as (vendor, url):
        answer = requests.post(f"{url}/_control", json={"faults": [{"kind": "404"}], "switches": {"mood": "bad"}}, timeout=90).json()
        assert answer["faults"][0]["kind"] == "404"
        assert answer["switches"]["mood"] == "bad"
        assert requests.get(f"{url}/x", timeout=90).status_code == 404
        log = requests.get(f"{url}/_control/log", timeout=90).json()["log"]
        requests.post(f"{url}/_control", json={"clear_faults": True, "clear_log": True}, timeout=90)
        assert requests.get(f"{url}/x", timeout=90).status_code == 200

    assert [(entry["method"], entry["path"], entry["status"], entry["fault"]) for entry in log] == [("GET", "/x", 404, "404")]
    assert len(vendor.log) == 1


def test_every_fault_is_explained() -> None:
    assert all(FAULTS.values())


def test_wrong_method_and_path() -> None:
    with serving(Reply(200)) as (_, url):
        assert requests.delete(f"{url}/x", timeout=90).status_code == 405
        assert requests.get(f"{url}/_control", timeout=90).status_code in {200, 405}


def test_program_serves_keeps_its_books_and_stops_when_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "integrations.kit.sandbox", "--port", "0", "--clients", "7", "--data", str(tmp_path)]

    first, url = start(command)
    key = next(iter(find_vendors()))
    requests.post(f"{url}/{key}/_control", json={"add_clients": [{"name": "Kept Ltd"}]}, timeout=90)
    assert stop(first) == 0
    second, url = start(command)
    state = requests.get(f"{url}/{key}/_control/state", timeout=90).json()

    assert stop(second) == 0
    assert len(state["clients"]) == 8
    assert state["clients"][-1]["name"] == "Kept Ltd"


def start(command: list[str]) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    line = process.stdout.readline()
    return process, line.split(" at ")[1].split(": ")[0]


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=90)
    return process.returncode
