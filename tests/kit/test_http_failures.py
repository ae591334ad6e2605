"""When the line or the vendor fails: what is tried again, how long is waited, what stays in doubt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from integrations.engine.errors import BadSettings, Retry
from integrations.kit.http import Timeouts
from integrations.kit.limits import MinInterval
from integrations.kit.vendor import Reply, as_json
from tests.kit.servers import Listener, door, serving

OK = as_json({"fine": True})


# Trying again


def failing_then_fine(count: int, reply: Reply) -> list[Reply]:
    return [reply] * count + [OK]


def test_read_is_tried_three_times_with_growing_jittered_pauses() -> None:
    sleeps: list[float] = []
    with serving(*failing_then_fine(2, as_json({}, 500))) as (vendor, url):
        answer = door(url, sleep=sleeps.append, jitter=lambda: 0.5).get("/thing")

    assert answer.body == {"fine": True}
    assert len(vendor.seen) == 3
    assert sleeps == [0.5, 1.0]


def test_read_gives_up_after_three() -> None:
    with serving(as_json({}, 503)) as (vendor, url), pytest.raises(Retry):
        door(url).get("/thing")

    assert len(vendor.seen) == 3


def test_no_try_begins_after_the_time_of_the_call() -> None:
    clock = iter([0.0, 29.9, 29.9])
    with serving(as_json({}, 500)) as (vendor, url), pytest.raises(Retry):
        door(url, now=lambda: next(clock)).get("/thing")

    assert len(vendor.seen) == 1


def test_write_is_sent_once() -> None:
    for method in ("post", "put", "patch"):
        with serving(as_json({}, 500)) as (vendor, url), pytest.raises(Retry) as caught:
            getattr(door(url), method)("/thing", json={})

        assert len(vendor.seen) == 1
        assert caught.value.in_doubt is (method != "put")


def test_retry_after_in_seconds_is_slept() -> None:
    sleeps: list[float] = []
    with serving(as_json({}, 429, Retry_After="7"), OK) as (_, url):
        door(url, sleep=sleeps.append).get("/thing")

    assert sleeps == [7.0]


def test_retry_after_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    with serving(as_json({}, 429, Retry_After=later)) as (vendor, url), pytest.raises(Retry) as caught:
        door(url).get("/thing")

    assert 85 < (caught.value.after or 0) <= 90
    assert len(vendor.seen) == 1


@pytest.mark.parametrize(
    ("header", "after"), [("3600", 3600), ("99999999999", 86_400), ("soon", None), ("-5", None), ("Fri, 99 Foo 2026", None)]
)
def test_odd_waiting_times(header: str, after: float | None) -> None:
    with serving(as_json({}, 429, Retry_After=header)) as (_, url), pytest.raises(Retry) as caught:
        door(url).post("/thing", json={})

    assert caught.value.after == after
    assert not caught.value.in_doubt


def test_429_slows_everybody_down() -> None:
    clock = [100.0]
    pace = MinInterval(0.0, now=lambda: clock[0], sleep=lambda seconds: None)
    with serving(as_json({}, 429, Retry_After="60"), OK) as (vendor, url):
        http = door(url, pace=pace)
        with pytest.raises(Retry):
            http.get("/thing")
        with pytest.raises(Retry) as caught:
            http.get("/other")
        clock[0] += 60
        http.get("/other")

    assert caught.value.after == 60
    assert len(vendor.seen) == 2


# The line


def test_nobody_there() -> None:
    with Listener() as listener:
        port = listener.port
    with pytest.raises(Retry) as caught:
        door(f"http://127.0.0.1:{port}").post("/thing", json={})

    assert caught.value.reason.code == "unreachable"
    assert not caught.value.in_doubt


def test_unknown_name() -> None:
    with pytest.raises(Retry) as caught:
        door("http://no-such-host.invalid").post("/thing", json={})

    assert caught.value.reason.code == "dns"
    assert not caught.value.in_doubt


def test_no_tls_there() -> None:
    with Listener(b"this is no TLS\r\n") as listener, pytest.raises(Retry) as caught:
        door(f"https://127.0.0.1:{listener.port}").post("/thing", json={})

    assert caught.value.reason.code == "tls"
    assert not caught.value.in_doubt


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nContent-Type: application/json\r\n\r\n{"])
def test_line_cut_in_the_middle(answer: bytes) -> None:
    with Listener(answer) as listener:
        http = door(f"http://127.0.0.1:{listener.port}")
        with pytest.raises(Retry) as read:
            http.get("/thing")
        with pytest.raises(Retry) as written:
            http.post("/thing", json={})

    assert read.value.reason.code == written.value.reason.code == "connection_lost"
    assert written.value.in_doubt
    assert listener.connections == 4


def test_something_that_is_not_http() -> None:
    with Listener(b"SSH-2.0-OpenSSH_9.9\r\n\r\n") as listener, pytest.raises(Retry):
        door(f"http://127.0.0.1:{listener.port}", attempts=1).get("/thing")


def test_silence_is_a_timeout_in_doubt() -> None:
    with Listener(keep_open=True) as listener, pytest.raises(Retry) as caught:
        door(f"http://127.0.0.1:{listener.port}", timeouts=Timeouts(connect=30, read=0.2, total=5)).post("/thing", json={})

    assert caught.value.reason.code == "timeout"
    assert caught.value.in_doubt


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize("head", [b"", HEAD], ids=["head", "body"])
def test_trickling_answer_ends_at_the_deadline(head: bytes) -> None:
    started = datetime.now(UTC)
    with Listener(head + b"H" * 1000, pause=0.05) as listener, pytest.raises(Retry) as caught:
        door(f"http://127.0.0.1:{listener.port}", attempts=1, timeouts=Timeouts(connect=30, read=30, total=1.5)).get("/thing")

    assert caught.value.reason.code == "too_slow"
    assert (datetime.now(UTC) - started).total_seconds() < 40


def test_huge_answer_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.kit.http.MAX_BODY", 3_000_000)
    with serving(Reply(200, b"[" + b"1," * 2_000_000 + b"1]")) as (_, url), pytest.raises(Retry) as caught:
        door(url, attempts=1).get("/thing")

    assert caught.value.reason.code == "too_big"


@pytest.mark.parametrize("url", ["http://", "nonsense", "http://[::1", "http://exa mple.com:port"])
def test_address_that_is_none(url: str) -> None:
    with pytest.raises(BadSettings) as caught:
        door(url).get("/thing")

    assert caught.value.reason.code == "bad_address"
