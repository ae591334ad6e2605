"""The demo: a workspace that looks as if people had worked in it for a year, and a small second one for the switcher.

Made once; laying it out again leaves everything as it is. Connecting it to the sandbox vendors is a step of its own, since they run
only beside the web server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from accounts.domain.audit import origin_of
from accounts.domain.teams import add_team
from accounts.domain.workspaces import change_workspace, create_workspace, remember
from accounts.enums import Role
from accounts.models import Membership, Team, User, Workspace
from accounts.scoping import workspace_tx
from contacts.domain import custom, duplicates, merge, tags
from contacts.domain.edit import checked
from contacts.domain.store import create_contacts, delete_contacts, live, update_contacts
from contacts.enums import ChangeAction, Kind
from contacts.models import Contact, ContactChange, Note
from crmsync.lib.text import fold, words
from integrations.domain import demo_rows

PASSWORD = "demo-hartwell-2026"  # noqa: S105  shown on the screen by `make demo`, refused in production
DOMAIN = "hartwell.example"
SLUG, NAME = "hartwell", "Hartwell & Co"
SECOND_SLUG, SECOND_NAME = "marlow-studio", "Marlow Studio"
# key in demo_rows: first name, name, role
COLLEAGUES = {
    "a": ("anna", "Anna Hartwell", Role.OWNER),
    "b": ("ben", "Ben Okafor", Role.ADMIN),
    "p": ("paul", "Paul Whitfield", Role.MEMBER),
    "s": ("sofia", "Sofia Lindqvist", Role.RESTRICTED),
}
TEAMS = {"N": "North", "S": "South"}
TEAMS_OF = {"p": ("N", "S"), "s": ("S",)}
CUSTOM_FIELDS: Sequence[Mapping[str, Any]] = (
    {"label": "Source", "kind": "choice", "choices": ["Referral", "Website", "Trade fair", "Cold call"]},
    {"label": "Customer since", "kind": "date", "applies_to": Kind.ORGANISATION},
    {"label": "Credit limit", "kind": "number", "applies_to": Kind.ORGANISATION},
    {"label": "Contract", "kind": "url", "applies_to": Kind.ORGANISATION},
    {"label": "Newsletter", "kind": "boolean", "applies_to": Kind.PERSON},
)
OLDEST_DAYS, YOUNGEST_DAYS = 400, 3


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo's workspaces; `made` tells whether this call laid them out."""

    workspace: Workspace
    second: Workspace
    made: bool


@dataclass(frozen=True, slots=True)
class _Office:
    """The workspace being filled, with its people and teams by their letters."""

    workspace: Workspace
    people: Mapping[str, User]
    members: Mapping[str, Membership]
    teams: Mapping[str, Team]


def lay_out() -> Demo:
    """Make both workspaces unless they are there, all or nothing."""
    with transaction.atomic():
        anna = _user("a")
        known = _workspace_of(anna, SLUG)
        second = _workspace_of(anna, SECOND_SLUG) or _second(anna)
        if known is not None:
            return Demo(workspace=known, second=second, made=False)
        workspace = create_workspace(SLUG, owner=anna)
        change_workspace(workspace, values={"name": NAME}, actor=anna)
        with workspace_tx(workspace):
            _fill(_office(workspace, anna))
        return Demo(workspace=workspace, second=second, made=True)


def _workspace_of(owner: User, slug: str) -> Workspace | None:
    """By its address, which stays when somebody renames it."""
    mine = Workspace.objects.filter(memberships__user=owner, memberships__role=Role.OWNER)
    return mine.filter(slug__regex=rf"^{slug}(-\d+)?$").order_by("pk").first()


def _user(letter: str) -> User:
    first, name, _role = COLLEAGUES[letter]
    email = f"{first}@{DOMAIN}"
    known = User.objects.filter(email=email).first()
    if known is not None:
        return known
    user = User.objects.create_user(email, PASSWORD, name=name)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    return user


def _office(workspace: Workspace, anna: User) -> _Office:
    teams = {letter: add_team(workspace, name=name, actor=anna) for letter, name in TEAMS.items()}
    people = {letter: _user(letter) for letter in COLLEAGUES}
    members = {}
    for letter, (_first, _name, role) in COLLEAGUES.items():
        own = [teams[team].pk for team in TEAMS_OF.get(letter, ())]
        members[letter], _made = Membership.objects.update_or_create(
            workspace=workspace, user=people[letter], defaults={"role": role, "team_ids": own}
        )
        remember(people[letter], workspace)
    return _Office(workspace, people, members, teams)


def _fill(office: _Office) -> None:
    for field in CUSTOM_FIELDS:
        custom.save_field(office.workspace, field)
    organisations = _add_organisations(office)
    people = _add_people(office, organisations)
    everyone = organisations + people
    tags.remember(office.workspace, [contact.pk for contact in everyone])
    _work_on(office, everyone)
    _tidy_up(office)
    _add_notes(office, everyone)
    _spread_over_the_year(office.workspace)
    duplicates.suggest(office.workspace, [contact.pk for contact in everyone])


def _add_organisations(office: _Office) -> list[Contact]:
    rows = demo_rows.organisations()
    return _create(office, [(row.owner, _organisation(office, row, index)) for index, row in enumerate(rows)])


def _organisation(office: _Office, row: demo_rows.OrganisationRow, index: int) -> dict[str, Any]:
    sources = CUSTOM_FIELDS[0]["choices"]
    is_client = row.life_cycle == "client"
    since = {"customer_since": f"20{18 + index % 8}-{1 + index % 12:02d}-{1 + index * 7 % 28:02d}", "credit_limit": 500 * (1 + index % 9)}
    return {
        "kind": Kind.ORGANISATION,
        "name": row.name,
        "life_cycle": demo_rows.EARLIER.get(row.life_cycle, row.life_cycle),
        "emails": [{"label": "Office", "email": f"hello@{_host(row.name)}"}],
        "phones": [{"label": "Office", "number": row.phone}],
        "addresses": [{"label": "Office", **row.address}] if row.address else [],
        "website": f"https://www.{_host(row.name)}",
        "tags": row.tags,
        "custom_fields": {"source": sources[index % len(sources)], **(since if is_client else {})},
        "owner": office.people[row.owner].pk,
        "team": office.teams[row.team].pk if row.team else None,
    }


def _add_people(office: _Office, organisations: Sequence[Contact]) -> list[Contact]:
    known = {organisation.name: organisation for organisation in organisations}
    rows = demo_rows.people()
    return _create(office, [(row.owner, _person(office, row, known.get(row.organisation), index)) for index, row in enumerate(rows)])


def _person(office: _Office, row: demo_rows.PersonRow, organisation: Contact | None, index: int) -> dict[str, Any]:
    host = _host(organisation.name) if organisation else "mail.example"
    address = f"{_plain(row.first_name)}.{_plain(row.last_name)}@{host}"
    return {
        "kind": Kind.PERSON,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "job_title": row.job_title,
        "life_cycle": demo_rows.EARLIER.get(row.life_cycle, row.life_cycle),
        "emails": [{"label": "Work" if organisation else "Home", "email": address}],
        "phones": [{"label": "Mobile", "number": row.phone}],
        "custom_fields": {"newsletter": index % 3 != 0},
        "organisation": organisation.pk if organisation else None,
        "owner": office.people[row.owner].pk,
        "team": organisation.team_id if organisation else None,
    }


def _create(office: _Office, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Contact]:
    """Each contact is entered by its owner; the order of the rows stays."""
    made: dict[int, Contact] = {}
    for letter, user in office.people.items():
        mine = [(place, checked(office.members["a"], row)) for place, (owner, row) in enumerate(rows) if owner == letter]
        contacts = create_contacts(office.workspace, [clean for _place, clean in mine], origin=origin_of(user))
        made |= dict(zip((place for place, _clean in mine), contacts, strict=True))
    return [made[place] for place in sorted(made)]


def _work_on(office: _Office, contacts: Sequence[Contact]) -> None:
    """What happened since: life cycles moved on, numbers were added, owners changed."""
    now = {row.name: row.life_cycle for row in demo_rows.organisations()}
    now |= {f"{row.first_name} {row.last_name}": row.life_cycle for row in demo_rows.people()}
    letters = list(COLLEAGUES)
    for letter, user in office.people.items():
        shift = letters.index(letter)
        mine = [contact for index, contact in enumerate(contacts) if index % len(letters) == shift]
        update_contacts(office.workspace, {c.pk: {"life_cycle": now[c.name]} for c in mine}, origin=origin_of(user))
    paul = origin_of(office.people["p"])
    direct = {
        contact.pk: {"phones": [*contact.phones, {"label": "Direct line", "number": f"020 7946 0{300 + index}"}]}
        for index, contact in enumerate(contacts)
        if contact.is_person and contact.phones and index % 5 == 0
    }
    update_contacts(office.workspace, direct, origin=paul)
    handed_over = {contact.pk: {"owner_id": office.people["p"].pk} for contact in contacts if contact.owner_id and contact.pk % 17 == 0}
    update_contacts(office.workspace, handed_over, origin=origin_of(office.people["b"]))


def _tidy_up(office: _Office) -> None:
    """Somebody entered twice and merged, somebody deleted: both can be taken back."""
    ben = origin_of(office.people["b"])
    rows: list[dict[str, Any]] = [
        {"kind": Kind.PERSON, "first_name": "Graham", "last_name": "Peverel", "emails": [{"label": "", "email": "graham@mail.example"}]},
        {"kind": Kind.ORGANISATION, "name": "Old Mill Antiques", "life_cycle": "former"},
    ]
    twice, closed = create_contacts(office.workspace, [checked(office.members["b"], row) for row in rows], origin=ben)
    kept = live(office.workspace).get(name="Graham Peverell")
    merge.merge(office.workspace, kept_id=kept.pk, gone_id=twice.pk, origin=ben)
    delete_contacts(office.workspace, [closed.pk], origin=ben)


def _add_notes(office: _Office, contacts: Sequence[Contact]) -> None:
    named = {contact.name: contact for contact in reversed(contacts)}
    rows = demo_rows.notes()
    notes = Note.objects.bulk_create(
        Note(workspace=office.workspace, contact=named[row.contact], author=office.people[row.author], text=row.text) for row in rows
    )
    for note, row in zip(notes, rows, strict=True):
        note.created_at = _at_work(timezone.now() - timedelta(days=row.days_ago), row.days_ago)
    Note.objects.bulk_update(notes, ["created_at"])


def _spread_over_the_year(workspace: Workspace) -> None:
    """Give what was just written the dates of a year's work, in the order in which it was written."""
    now = timezone.now()
    changes: dict[int, list[ContactChange]] = {}
    for change in ContactChange.objects.filter(workspace=workspace).order_by("id"):
        changes.setdefault(change.contact_id, []).append(change)
    for index, (contact_id, made) in enumerate(sorted(changes.items())):
        age = OLDEST_DAYS - index * (OLDEST_DAYS - YOUNGEST_DAYS) // len(changes)
        latest = 1 + contact_id * 37 % age
        for step, change in enumerate(made):
            days = age - (age - latest) * step // max(1, len(made) - 1)
            change.at = _at_work(now - timedelta(days=days), contact_id, step=step)
        entered = made[0].at if made[0].action == ChangeAction.CREATED else now
        Contact.objects.filter(workspace=workspace, pk=contact_id).update(created_at=entered, updated_at=made[-1].at)
    ContactChange.objects.bulk_update([change for made in changes.values() for change in made], ["at"], batch_size=500)


def _at_work(moment: datetime, number: int, *, step: int = 0) -> datetime:
    """That day between nine and five; later steps later."""
    return moment.replace(hour=9 + number % 7, minute=number * 13 % 40 + step, second=number * 29 % 60)


def _second(anna: User) -> Workspace:
    """A young workspace with nothing connected: here one can watch a first sync."""
    workspace = create_workspace(SECOND_NAME, owner=anna)
    with workspace_tx(workspace):
        member = Membership.objects.select_related("user", "workspace").get(workspace=workspace, user=anna)
        names = ("Bluebell Joinery", "Harrington & Cole Ltd", "Saltmarsh Books", "Marlow Framing", "The Print Room", "Etta Marsh Ceramics")
        rows = [checked(member, {"kind": Kind.ORGANISATION, "name": name, "life_cycle": "client"}) for name in names]
        create_contacts(workspace, rows, origin=origin_of(anna))
    return workspace


def _host(name: str) -> str:
    """The first two words that tell: "meridiancoffee.example"."""
    telling = [word for word in words(name) if word not in {"and", "the"}]
    return f"{''.join(map(_plain, telling[:2]))}.example"


def _plain(text: str) -> str:
    return "".join(char for char in fold(text) if char.isascii() and char.isalnum())
