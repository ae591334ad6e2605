"""What is done every night is done for each workspace by itself: trouble with one holds up no other."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Task
from celery.signals import before_task_publish

import contacts.tasks
import erp_history.tasks
import integrations.tasks
from tests.fixtures import Cast

pytestmark = pytest.mark.django_db(transaction=True)
NIGHTLY = {
    "contacts.purge_trash": contacts.tasks.nightly,
    "integrations.tidy": integrations.tasks.nightly_housekeeping,
    "erp_history.tidy": erp_history.tasks.nightly_housekeeping,
}


@pytest.fixture
def rung() -> Iterator[list[tuple[str, Any]]]:
    """What is given to the broker: the task and what it is told."""
    told: list[tuple[str, Any]] = []

    def note(sender: str, body: Any, **_signal: Any) -> None:
        told.append((sender, body[1]))

    before_task_publish.connect(note)
    yield told
    before_task_publish.disconnect(note)


@pytest.mark.parametrize(("name", "nightly"), NIGHTLY.items())
def test_every_workspace_gets_a_task_of_its_own(cast: Cast, rung: list[tuple[str, Any]], name: str, nightly: Task[Any, Any]) -> None:
    nightly.run()
    assert rung == [(name, {"workspace_id": workspace.pk}) for workspace in (cast.workspace, cast.elsewhere)]
