"""F15, F17: the vendor cannot be reached, or somebody else answers. It is said, tried later and later, and nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.utils import timezone

from integrations.domain.health import health
from integrations.domain.vault import read_secrets
from integrations.models import Exchange
from tests.integrations.sync.ledger import missing, violations
from tests.integrations.sync.world import World

CADENCE = timedelta(hours=2)
MINE = [{"label": "", "email": "mine@bluebell.example"}]


def out_of_reach(world: World, kind: str) -> str:
    """An address at which nobody can be spoken to in this way."""
    port = urlsplit(world.sandbox.url).port
    return {
        "dns": "http://no-such-vendor.invalid/v1",
        "tls": f"https://127.0.0.1:{port}/crunch/v1",
        "unreachable": "http://127.0.0.1:9/v1",
    }[kind]


@pytest.mark.parametrize("kind", ["dns", "tls", "unreachable"])
def test_it_is_said_and_tried_later_and_later(world: World, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    world.connect()
    world.impatient(monkeypatch, 10.0)
    contact = world.contact("Bluebell Joinery")
    world.edit(contact, emails=MINE)
    world.put(1003, email="there@northgate.example")
    before = world.snapshot()
    pauses = []
    with monkeypatch.context() as patch:
        patch.setitem(settings.ENVIRON, "CRUNCH_API_URL", out_of_reach(world, kind))
        run = world.sync()
        while not run.is_over:
            assert (run.status, run.reason["code"]) == ("WAITING", kind)
            assert run.resume_at is not None
            pauses.append(run.resume_at - timezone.now())
            world.now_due()
            run = world.settle()
    assert (run.outcome, run.reason["code"]) == ("failed", kind)
    assert len(pauses) >= 3
    minutes = [round(pause.total_seconds() / 60) for pause in pauses]
    assert minutes == sorted(minutes)
    assert minutes[0] < minutes[-1]
    assert pauses[-1] < CADENCE
    with world.open():
        info = health(world.refreshed())
    assert (info.state != "healthy", bool(info.sentence)) == (True, True)
    assert world.snapshot()["contacts_contact"] == before["contacts_contact"]
    assert [row.state for row in world.outbox()] == ["WAITING"]

    world.now_due()
    assert world.sync().outcome == "success"
    world.settle()

    assert missing(world, {(1002, "email"): MINE[0]["email"], (1003, "email"): "there@northgate.example"}) == []
    assert violations(world) == []


@pytest.mark.parametrize(("kind", "begins"), [("html", "<!doctype html>"), ("cut", "{"), ("empty_body", ""), ("redirect", "")])
def test_the_log_keeps_how_the_answer_began_and_no_secret(world: World, monkeypatch: pytest.MonkeyPatch, kind: str, begins: str) -> None:
    world.connect()
    world.impatient(monkeypatch, 10.0)
    secrets = read_secrets(world.refreshed())
    world.fail(kind, path="/clients/clients", times=1)
    run = world.sync()
    assert run.status == "WAITING"
    with world.open():
        kept = Exchange.objects.filter(run_id=run.pk).latest("pk")
        everything = "".join(map(str, Exchange.objects.values_list("url", "request", "response")))
    assert kept.response.lower().startswith(begins)
    assert "/clients/clients" in kept.url
    assert secrets["access_token"] not in everything + run.detail
    assert secrets["refresh_token"] not in everything + run.detail
