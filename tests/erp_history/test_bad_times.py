"""Pushes at bad times: the database goes away in the middle, tokens are wrong or somebody else's, bodies are as big as they may be."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import threading
import time
from typing import Any

import orjson
import psycopg
import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken
from accounts.scoping import workspace_tx
from erp_history.domain.reading import MAX_BYTES
from erp_history.models import Empresa, ErpRequest
from tests.accounts.api_client import api_client
from tests.erp_history.makers import company, counts, post, push
from tests.fixtures import Cast


def keys_of(client: Client) -> list[str]:
    return [row["key"] for row in client.get("/api/v1/erp/empresa/").json()["results"]]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_in_the_middle_leaves_nothing_half_applied(cast: Cast) -> None:
    erp = api_client(cast.alice, cast.workspace, scopes=["erp"])
    erp.raise_request_exception = False
    rows, key = [company(f"C{n}") for n in range(40)], {"Idempotency-Key": "once"}
    answers: list[Any] = []

    def work() -> None:
        answers.append(post(erp, "empresa", rows, **key))
        connections.close_all()

    pusher = threading.Thread(target=work)
    with psycopg.connect(os.environ["DATABASE_URL"], dbname=str(connection.settings_dict["NAME"])) as other:
        other.execute("LOCK TABLE erp_history_erprequest IN ACCESS EXCLUSIVE MODE")  # its last word: the rows are merged by then
        pusher.start()
        end_who_waits()
    pusher.join(timeout=120)
    assert answers[0].status_code == 503
    assert keys_of(erp) == []

    assert counts(post(erp, "empresa", rows, **key).json()) == [40, 40, 0, 0, 0, 0]
    assert len(keys_of(erp)) == 40


def end_who_waits() -> None:
    """Whoever waits for that lock loses its connection."""
    end = time.monotonic() + 120
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute(
                "SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE NOT l.granted AND l.relation = 'erp_history_erprequest'::regclass"
                " AND l.pid <> pg_backend_pid()"
            )
            if cursor.fetchall():
                return
            time.sleep(0.02)
    pytest.fail("nobody came that far")


def test_keys_and_idempotency_keys_of_two_workspaces_are_two_worlds(cast: Cast, erp: Client) -> None:
    theirs = api_client(cast.charlie, cast.elsewhere, scopes=["erp"])
    key = {"Idempotency-Key": "same"}
    assert counts(post(erp, "empresa", [company("C1", cidade="Ours")], **key).json()) == [1, 1, 0, 0, 0, 0]
    answer = post(theirs, "empresa", [company("C1", cidade="Theirs")], **key)

    assert (counts(answer.json()), answer.has_header("Idempotency-Replayed")) == ([1, 1, 0, 0, 0, 0], False)
    assert counts(push(theirs, "empresa", [{"codigo_erp": "C1", "excluido": True}])) == [1, 0, 1, 0, 0, 0]
    ours = erp.get("/api/v1/erp/empresa/C1/").json()
    assert (ours["cidade"], ours["excluido"]) == ("Ours", False)
    assert len(erp.get("/api/v1/erp/requests/").json()["results"]) == 1


@pytest.mark.parametrize("wrong", ["revoked", "expired", "cut", "gone"])
def test_a_token_that_is_not_valid_any_more_stores_nothing(cast: Cast, erp: Client, wrong: str) -> None:
    changes = {"revoked": {"revoked_at": timezone.now()}, "expired": {"expires_at": timezone.now() - dt.timedelta(seconds=1)}}
    ApiToken.objects.update(**changes.get(wrong, {}))
    if wrong == "cut":
        erp.defaults["HTTP_AUTHORIZATION"] = erp.defaults["HTTP_AUTHORIZATION"][:-1]
    elif wrong == "gone":
        cast.alice.memberships.all().delete()

    assert post(erp, "empresa", [company("C1")]).status_code in {401, 403}
    with workspace_tx(cast.workspace):
        assert not Empresa.objects.exists()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_sixty_megabytes_are_taken(cast: Cast, erp: Client, packed: bool) -> None:
    rows = [company(f"C{number}", observacao="x" * 4000) for number in range(15_000)]
    body = orjson.dumps(rows)
    assert 60 * 10**6 < len(body) <= MAX_BYTES
    headers = {"Content-Encoding": "gzip"} if packed else {}
    answer = post(erp, "empresa", gzip.compress(body, 1) if packed else body, **headers)

    assert counts(answer.json()) == [15_000, 15_000, 0, 0, 0, 0]
    with workspace_tx(cast.workspace):
        assert ErpRequest.objects.get().size == (len(gzip.compress(body, 1)) if packed else len(body))
        assert len(ErpRequest.objects.get().sample) <= 4000


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b'[{"codigo_erp": "C1", "razao_social": "One\\u0000"}, {"codigo_erp": "C2", "razao_social": "Two"}]', "application/json", "nul"),
        (b'{"codigo_erp": "C1", "razao_social": "One\\u0000"}\n{"codigo_erp": "C2", "razao_social": "Two"}', "application/x-ndjson", "nul"),
        (
            b'{"codigo_erp": "C1", "razao_social": "One\x00"}\n{"codigo_erp": "C2", "razao_social": "Two"}',
            "application/x-ndjson",
            "bad_json",
        ),
        (b"codigo_erp,razao_social\nC1,One\x00\nC2,Two", "text/csv", "nul"),
        (b'{"codigo_erp": "C1", "razao_social": NaN}\n{"codigo_erp": "C2", "razao_social": "Two"}', "application/x-ndjson", "bad_json"),
        (b"codigo_erp,razao_social,limite_credito\nC1,One,NaN\nC2,Two,1.5", "text/csv", "bad_number"),
    ],
)
def test_zero_bytes_and_numbers_that_are_none_reject_their_row_in_every_format(erp: Client, body: bytes, kind: str, code: str) -> None:
    answer = post(erp, "empresa", body, kind=kind).json()

    assert counts(answer) == [2, 1, 0, 0, 0, 1]
    assert (answer["errors"][0]["index"], answer["errors"][0]["code"]) == (0, code)
    assert keys_of(erp) == ["C2"]


def test_zero_bytes_where_no_row_is_are_no_server_error(erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    assert post(erp, "empresa", [company("C2")], **{"Idempotency-Key": "a\x00b"}).status_code in {200, 400}
    assert post(erp, "empresa", [company("C3")], **{"X-Snapshot": "1\x00"}).status_code in {400, 409}
    assert erp.get("/api/v1/erp/empresa/C1%00/").status_code == 404
    assert erp.get("/api/v1/erp/requests/", {"table": "empresa\x00"}).status_code in {200, 400}


def test_a_field_that_nobody_knows_is_named_once_for_each_row_and_the_rest_is_taken(erp: Client) -> None:
    answer = post(erp, "empresa", b"codigo_erp;razao_social;cor\nC1;One;blue\nC2;Two;red", kind="text/csv").json()

    assert counts(answer) == [2, 2, 0, 0, 0, 0]
    assert {(warning["field"], warning["code"]) for warning in answer["warnings"]} == {("cor", "unknown_field")}
