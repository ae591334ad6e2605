"""The HTTP door: what a status or a body means, what is sent, what is recorded."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from integrations.engine.errors import BadAnswer, Conflict, Denied, Gone, ProviderError, Reconnect, Retry, SkipRecord
from integrations.kit.http import Exchange, Outgoing, bearer, header_secrets, query_secret
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
    ("body", "read"),
    [
        (b'{"a": NaN, "b": 1}', {"a": None, "b": 1}),
        (b'{"a": -1e999}', {"a": None}),
        (b'["caf\xe9"]', ["caf\ufffd"]),
        (b'["x\\ud800y", "\\ud83d\\ude80"]', ["x\ufffdy", "\U0001f680"]),
    ],
)
def test_one_broken_character_or_number_does_not_cost_the_answer(body: bytes, read: object) -> None:
    with serving(Reply(200, body)) as (_, url):
        assert door(url).get("/thing").body == read


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (as_html("<html>Log in</html>"), "not_json"),
        (Reply(200, b"<html>Log in</html>"), "not_json"),
        (Reply(200, b'{"content": [1, 2'), "bad_answer"),
        (Reply(200, b""), "bad_answer"),
        (Reply(200, b"   "), "bad_answer"),
        (Reply(200, b'{"a": 1}', "text/plain"), "bad_answer"),
        (Reply(200, b"[" * 3000), "bad_answer"),
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
