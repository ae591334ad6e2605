"""The HTTP door: what a status, a body, a silence means; what is tried again; what is sent."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from integrations.engine.errors import BadAnswer, BadSettings, Conflict, Denied, Gone, ProviderError, Reconnect, Retry, SkipRecord
from integrations.kit.http import Exchange, Outgoing, Timeouts, bearer, header_secrets, query_secret
from integrations.kit.limits import MinInterval
from integrations.kit.vendor import Reply, Request, as_html, as_json
from tests.kit.servers import Listener, door, serving

OK = as_json({"fine": True})


def no_json(status: int, text: str) -> Reply:
    return Reply(status, text.encode(), "text/plain")


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (402, Denied, "forbidden"),
        (403, Denied, "forbidden"),
        (404, Gone, "gone"),
        (410, Gone, "gone"),
        (409, Conflict, "changed_there"),
        (412, Conflict, "changed_there"),
        (400, SkipRecord, "refused"),
        (422, SkipRecord, "refused"),
        (413, SkipRecord, "refused"),
        (429, Retry, "rate_limited"),
        (408, Retry, "vendor_down"),
        (500, Retry, "vendor_down"),
        (502, Retry, "vendor_down"),
        (503, Retry, "vendor_down"),
        (504, Retry, "vendor_down"),
    ],
)
def test_status_of_a_write_says_what_to_do(status: int, error: type[ProviderError], code: str) -> None:
    with serving(as_json({"message": "No such luck."}, status)) as (vendor, url), pytest.raises(error) as caught:
        door(url).put("/thing", json={})

    assert caught.value.reason.code == code
    assert "No such luck." in caught.value.detail
    assert len(vendor.seen) == 1


@pytest.mark.parametrize(("status", "error"), [(405, BadAnswer), (418, BadAnswer), (302, BadAnswer), (404, Gone), (403, Denied)])
def test_status_of_a_read(status: int, error: type[ProviderError]) -> None:
    with serving(as_json({}, status)) as (vendor, url), pytest.raises(error):
        door(url).get("/thing")

    assert len(vendor.seen) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "Name is missing."}, "Name is missing."),
        ({"error": {"message": "Deep."}}, "Deep."),
        ({"errors": [{"detail": "One."}, {"detail": "Two."}]}, "One.; Two."),
        ({"errors": ["One.", 7, None, "Two."]}, "One.; Two."),
        ("Just text", "Just text"),
        ({"unknown": "shape"}, ""),
    ],
)
def test_vendors_words_are_kept(body: Any, words: str) -> None:
    with serving(as_json(body, 400)) as (_, url), pytest.raises(SkipRecord) as caught:
        door(url).post("/thing", json={})

    assert caught.value.reason.params.get("message", "") == words


def test_html_error_page_is_nobodys_words() -> None:
    with serving(as_html("<h1>Bad request</h1>", 400)) as (_, url), pytest.raises(SkipRecord) as caught:
        door(url).post("/thing", json={})

    assert caught.value.reason.params == {}


def test_plain_text_error_is_clipped() -> None:
    with serving(no_json(400, "x" * 5000)) as (_, url), pytest.raises(SkipRecord) as caught:
        door(url).post("/thing", json={})

    assert len(caught.value.reason.params["message"]) == 300


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (as_html("<html>Log in</html>"), "not_json"),
        (Reply(200, b"<html>Log in</html>"), "not_json"),
        (Reply(200, b'{"content": [1, 2'), "bad_answer"),
        (Reply(200, b""), "bad_answer"),
        (Reply(200, b"   "), "bad_answer"),
        (Reply(200, b'{"a": 1}', "text/plain"), "bad_answer"),
        (Reply(200, b'{"a": NaN}'), "bad_answer"),
        (Reply(200, b"[" * 3000), "bad_answer"),
        (Reply(200, b'"\xff"'), "bad_answer"),
    ],
)
def test_success_without_data_is_a_bad_answer(reply: Reply, code: str) -> None:
    with serving(reply) as (vendor, url):
        with pytest.raises(BadAnswer) as read:
            door(url).get("/thing")
        with pytest.raises(BadAnswer) as written:
            door(url).post("/thing", json={})

    assert read.value.reason.code == written.value.reason.code == code
    assert not read.value.in_doubt
    assert written.value.in_doubt
    assert len(vendor.seen) == 2


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "text/json", "application/hal+json", ""])
def test_json_is_read_under_its_many_names(kind: str) -> None:
    with serving(Reply(200, b'{"a": 1}', kind)) as (_, url):
        assert door(url).get("/thing").body == {"a": 1}


def test_nothing_to_say_is_fine_after_a_put() -> None:
    with serving(Reply(204), Reply(200)) as (_, url):
        assert door(url).put("/thing", json={}).body is None
        assert door(url).put("/thing", json={}).body is None


def test_empty_answer_to_a_post_is_fine_only_as_204() -> None:
    with serving(Reply(204)) as (_, url):
        assert door(url).post("/thing", json={}).body is None


def test_path_parameters_and_body_arrive() -> None:
    with serving(OK) as (vendor, url):
        http = door(f"{url}/v1/")
        http.get("/a b/ø", params={"page": 0, "q": "x&y=z ü"})
        http.post("/new", json={"name": "Zoë"}, idempotency_key="k1")

    assert vendor.seen[0].path.encode("latin-1").decode() == "/v1/a b/ø"
    assert vendor.seen[0].query == {"page": "0", "q": "x&y=z ü"}
    assert vendor.seen[1].json() == {"name": "Zoë"}
    assert vendor.seen[1].headers["idempotency-key"] == "k1"


def test_full_address_of_the_vendor_may_be_followed() -> None:
    with serving(OK) as (vendor, url):
        door(url).get(f"{url}/next?cursor=7")

    assert vendor.seen[0].query == {"cursor": "7"}


def test_address_elsewhere_stays_a_path() -> None:
    with serving(OK) as (vendor, url):
        door(url).get("/http://evil.example/")

    assert vendor.seen[0].path == "/http://evil.example/"


# Permission


def test_401_refreshes_once_and_sends_again_even_a_post() -> None:
    tokens = ["old"]
    with serving(as_json({}, 401), OK) as (vendor, url):
        http = door(url, authorise=bearer(lambda: tokens[-1]), refresh=lambda: tokens.append("new"))
        assert http.post("/thing", json={"a": 1}).body == {"fine": True}

    assert [request.headers["authorization"] for request in vendor.seen] == ["Bearer old", "Bearer new"]
    assert vendor.seen[1].json() == {"a": 1}


def test_401_without_a_way_to_refresh_needs_a_person() -> None:
    with serving(as_json({"message": "Expired"}, 401)) as (vendor, url), pytest.raises(Reconnect) as caught:
        door(url, authorise=bearer(lambda: "abcdef")).get("/thing")

    assert caught.value.reason.code == "unauthorised"
    assert len(vendor.seen) == 1


def test_secrets_in_headers_and_query() -> None:
    with serving(OK) as (vendor, url):
        door(url, authorise=header_secrets(lambda: {"X-Api-Key": "k-secret"})).get("/thing")
        door(url, authorise=query_secret("token", lambda: "q-secret")).get("/thing", params={"page": 1})

    assert vendor.seen[0].headers["x-api-key"] == "k-secret"
    assert vendor.seen[1].query == {"page": "1", "token": "q-secret"}


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
        door(f"http://127.0.0.1:{listener.port}", timeouts=Timeouts(connect=1, read=0.2, total=5)).post("/thing", json={})

    assert caught.value.reason.code == "timeout"
    assert caught.value.in_doubt


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize("head", [b"", HEAD], ids=["head", "body"])
def test_trickling_answer_ends_at_the_deadline(head: bytes) -> None:
    started = datetime.now(UTC)
    with Listener(head + b"H" * 1000, pause=0.02 if not head else 0.01) as listener, pytest.raises(Retry) as caught:
        door(f"http://127.0.0.1:{listener.port}", attempts=1, timeouts=Timeouts(connect=1, read=1, total=1.5)).get("/thing")

    assert caught.value.reason.code == "too_slow"
    assert (datetime.now(UTC) - started).total_seconds() < 4


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


# The record


def test_exchange_tells_everything_but_secrets() -> None:
    seen: list[Exchange] = []
    reply = as_json({"access_token": "t-answer", "name": "Zoë", "echo": "s3cr3t-value"})
    with serving(reply) as (_, url):
        http = door(url, authorise=bearer(lambda: "s3cr3t-value"), record=seen.append)
        http.post("/thing", params={"page": 2}, json={"name": "Ann", "client_secret": "hush"})

    (one,) = seen
    assert (one.method, one.status, one.url) == ("POST", 200, f"{url}/thing?page=2")
    assert one.request_headers["Authorization"] == "•••"
    assert '"name":"Ann"' in one.request_body
    assert '"name":"Zoë"' in one.response_body
    assert one.at.tzinfo is not None
    assert 0 < one.seconds < 5
    assert not [secret for secret in ("s3cr3t-value", "t-answer", "hush") if secret in str(one)]


def test_exchange_without_answer_tells_the_error() -> None:
    seen: list[Exchange] = []
    with Listener() as listener:
        port = listener.port
    with pytest.raises(Retry):
        door(f"http://127.0.0.1:{port}", authorise=query_secret("token", lambda: "q-secret"), record=seen.append).get("/thing")

    assert len(seen) == 3
    assert all(one.status is None and one.error and "q-secret" not in str(one) for one in seen)


def test_long_bodies_are_clipped_in_the_record() -> None:
    seen: list[Exchange] = []
    with serving(as_json({"text": "x" * 100_000})) as (_, url):
        door(url, record=seen.append).get("/thing")

    assert len(seen[0].response_body) < 4_100


def test_secret_across_the_clip_is_still_masked() -> None:
    seen: list[Exchange] = []
    secret = "0123456789" * 5
    with serving(as_json({"text": "x" * 3_960 + secret})) as (_, url):
        door(url, authorise=bearer(lambda: secret), record=seen.append).get("/thing")

    assert "01234" not in seen[0].response_body


def test_error_detail_holds_no_secret() -> None:
    with serving(as_json({"message": "token q-secret is unknown"}, 400)) as (_, url), pytest.raises(SkipRecord) as caught:
        door(url, authorise=query_secret("token", lambda: "q-secret")).post("/thing", json={})

    assert "q-secret" not in f"{caught.value} {caught.value.reason}"


# Many at once


def test_threads_share_one_door() -> None:
    def echo(request: Request) -> Reply:
        return as_json({"n": request.query["n"]})

    wrong: list[Any] = []
    with serving(echo) as (_, url):
        http = door(url)

        def work(start: int) -> None:
            for n in range(start, start + 40):
                if http.get("/thing", params={"n": n}).body != {"n": str(n)}:
                    wrong.append(n)

        threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 400, 50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert wrong == []


def test_connection_is_kept_open() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    with Listener(answer, rounds=5) as listener:
        http = door(f"http://127.0.0.1:{listener.port}")
        for _ in range(5):
            assert http.get("/thing").body == {}

    assert listener.connections == 1


def test_authorise_sees_the_request() -> None:
    seen: list[Outgoing] = []
    with serving(OK) as (_, url):
        door(url, authorise=seen.append).get("/thing", params={"a": 1})

    assert (seen[0].method, seen[0].path, seen[0].params) == ("GET", "/thing", {"a": 1})
