"""Contacts for tests, through the one way to write them."""

from __future__ import annotations

from typing import Any

from accounts.models import Workspace
from accounts.scoping import Origin
from contacts.domain.store import create_contacts
from contacts.models import Contact

BY_ALICE = Origin(kind="web", label="Alice")


def person(workspace: Workspace, name: str = "Joanna Dale", **fields: Any) -> Contact:
    return made(workspace, kind="person", name=name, **fields)


def organisation(workspace: Workspace, name: str = "Bakerloo Kitchens Ltd", **fields: Any) -> Contact:
    return made(workspace, kind="organisation", name=name, **fields)


def made(workspace: Workspace, **fields: Any) -> Contact:
    [contact] = create_contacts(workspace, [fields], origin=BY_ALICE)
    return contact
