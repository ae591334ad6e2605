"""The cast and the ways in. Imported after the services are up (conftest)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.test import Client

from accounts.enums import Role
from accounts.models import Membership, User, Workspace
from accounts.scoping import Origin, workspace_tx


@dataclass
class Cast:
    alice: User
    bob: User
    charlie: User
    workspace: Workspace
    elsewhere: Workspace


def make_user(name: str) -> User:
    return User.objects.create_user(f"{name.lower()}@example.com", "correct horse battery", name=name)


@pytest.fixture
def cast(db: None) -> Cast:
    alice, bob, charlie = make_user("Alice"), make_user("Bob"), make_user("Charlie")
    workspace = Workspace.objects.create(name="Hartwell & Co", slug="hartwell")
    elsewhere = Workspace.objects.create(name="Elsewhere", slug="elsewhere")
    Membership.objects.create(workspace=workspace, user=alice, role=Role.OWNER)
    Membership.objects.create(workspace=workspace, user=bob, role=Role.MEMBER)
    Membership.objects.create(workspace=elsewhere, user=charlie, role=Role.OWNER)
    return Cast(alice=alice, bob=bob, charlie=charlie, workspace=workspace, elsewhere=elsewhere)


@pytest.fixture
def workspace(cast: Cast) -> Workspace:
    return cast.workspace


@pytest.fixture
def inside(cast: Cast) -> Iterator[Workspace]:
    """Open Alice's workspace as Alice for the whole test."""
    with workspace_tx(cast.workspace, origin=Origin(kind="web", actor_id=cast.alice.pk, label="Alice")):
        yield cast.workspace


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice(cast: Cast) -> Client:
    return _client(cast.alice)


@pytest.fixture
def bob(cast: Cast) -> Client:
    return _client(cast.bob)


@pytest.fixture
def charlie(cast: Cast) -> Client:
    return _client(cast.charlie)
