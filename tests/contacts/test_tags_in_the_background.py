"""A tag that many contacts carry is renamed by a worker. What was asked stands in its row: a lost message costs an hour at most (F3)."""

from __future__ import annotations

from typing import Any

import kombu.pools
import pytest
from django.test import Client

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from contacts.models import Contact, ContactChange, Tag
from contacts.tasks import finish_tag, hourly
from contacts.views import settings
from crmsync.celery import app
from tests.contacts.test_views import fresh, made
from tests.fixtures import Cast


@pytest.fixture
def tagged(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Contact:
    """Redis does not answer, and a single contact is many."""
    monkeypatch.setattr(settings, "AT_ONCE", 0)
    monkeypatch.setattr(app.amqp, "_producer_pool", kombu.pools.producers[app.connection_for_write("redis://127.0.0.1:1/0")])
    return made(workspace, tags=["Wholesale"])


def ask(alice: Client, workspace: Workspace, capture: Any, *, name: str) -> Tag:
    with workspace_tx(workspace):
        tag = Tag.objects.get()
    rest = "" if name else "delete/"
    with capture(execute=True) as rung:
        assert alice.post(f"/w/hartwell/settings/tags/{tag.pk}/{rest}", {"name": name}).status_code == 302
    assert rung
    return tag


@pytest.mark.parametrize(("name", "after"), [("Trade", ["Trade"]), ("", [])], ids=["renamed", "removed"])
def test_what_nobody_was_told_of_is_done_in_the_next_hour(
    alice: Client, cast: Cast, tagged: Contact, django_capture_on_commit_callbacks: Any, name: str, after: list[str]
) -> None:
    ask(alice, cast.workspace, django_capture_on_commit_callbacks, name=name)
    assert fresh(tagged).tags == ["Wholesale"]

    hourly()

    assert fresh(tagged).tags == after
    with workspace_tx(cast.workspace):
        assert list(Tag.objects.values_list("name", "becomes")) == [(each, None) for each in after]
        assert ContactChange.objects.filter(contact_id=tagged.pk).latest("pk").actor_id == cast.alice.pk
    hourly()
    assert fresh(tagged).tags == after


def test_the_message_comes_twice_or_for_nobody(
    alice: Client, workspace: Workspace, tagged: Contact, django_capture_on_commit_callbacks: Any
) -> None:
    tag = ask(alice, workspace, django_capture_on_commit_callbacks, name="Trade")
    for _ in range(2):
        finish_tag.run(workspace_id=workspace.pk, tag_id=tag.pk, of_tomorrow=True)
    finish_tag.run(workspace_id=0, tag_id=tag.pk)
    assert fresh(tagged).tags == ["Trade"]


def test_the_newest_wish_counts(alice: Client, workspace: Workspace, tagged: Contact, django_capture_on_commit_callbacks: Any) -> None:
    for name in ("Trade", "Retail"):
        tag = ask(alice, workspace, django_capture_on_commit_callbacks, name=name)
    finish_tag.run(workspace_id=workspace.pk, tag_id=tag.pk)
    assert fresh(tagged).tags == ["Retail"]


def test_the_same_name_again_changes_nothing(
    alice: Client, workspace: Workspace, tagged: Contact, django_capture_on_commit_callbacks: Any
) -> None:
    ask(alice, workspace, django_capture_on_commit_callbacks, name="Wholesale")
    hourly()
    assert fresh(tagged).tags == ["Wholesale"]
    with workspace_tx(workspace):
        assert list(Tag.objects.values_list("name", "becomes")) == [("Wholesale", None)]
