"""A workspace and a sandbox vendor side by side, with the few words in which the tests talk about both."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection as database
from django.utils import timezone
from requests import PreparedRequest

from accounts.models import User, Workspace
from accounts.scoping import Origin, workspace_tx
from contacts.domain.store import create_contacts, delete_contacts, restore_contacts, update_contacts
from contacts.models import Contact, ContactChange
from integrations.domain import access, apply
from integrations.domain.access import token_secrets
from integrations.domain.attend import attend, drain
from integrations.domain.attention import settle_conflict
from integrations.domain.connect import connect_with_secrets, enable
from integrations.domain.export import export
from integrations.domain.runs import request_run
from integrations.domain.settings import save_settings
from integrations.enums import RunKind, RunStatus
from integrations.kit.http import Http, Timeouts
from integrations.kit.oauth import TokenSet
from integrations.models import Connection, Link, Outbox, Run, RunLine
from tests.sandboxes import Sandbox

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass
class World:
    """Both sides. Reads of the CRM open their own transaction, so that they work inside and outside of one."""

    workspace: Workspace
    user: User
    sandbox: Sandbox
    connection: Connection = field(init=False)

    # -- the connection ------------------------------------------------------------------------------------------

    def connect(self, *, company: str = "northlight", told: bool = True, run: bool = True, **answers: Any) -> Connection:
        """Set up, connect with tokens of the sandbox, and (with `run`) go through the first sync."""
        with self.open():
            self.connection = enable(self.workspace, "crunch", settings=answers, user=self.user)
        self.forget_pace()
        self.reconnect(company=company, told=told)
        if run:
            self.settle()
        return self.connection

    def reconnect(self, *, company: str = "northlight", told: bool = True) -> None:
        reply = self.sandbox.token(company=company)
        account = {"company_id": company, "company_name": company.title()} if told else {}
        tokens = TokenSet(
            access=reply["access_token"],
            refresh=reply.get("refresh_token"),
            expires_in=reply.get("expires_in"),
            scope=reply["scope"],
            told=account,
        )
        connect_with_secrets(self.connection, secrets=token_secrets(tokens), user=self.user)

    def change_settings(self, **answers: Any) -> None:
        with self.open():
            save_settings(self.connection, answers, user=self.user)

    def settle(self, *, slices: int = 50) -> Run:
        """Attend until there is nothing more to do at once; gives the newest run."""
        for _ in range(slices):
            if not attend(self.workspace, self.connection.pk):
                break
        return self.last_run()

    def sync(self, kind: str = RunKind.MANUAL) -> Run:
        self.sync_soon(kind)
        return self.settle()

    def sync_soon(self, kind: str = RunKind.MANUAL) -> None:
        with self.open():
            request_run(self.connection, kind=kind, user=self.user)

    def drain(self) -> None:
        drain(self.connection, until=time.monotonic() + 60)

    def preview(self) -> Run:
        return self.sync(RunKind.PREVIEW)

    def export(self, contact: Contact) -> None:
        with self.open():
            export(contact, self.connection, user=self.user)

    def last_run(self) -> Run:
        with self.open():
            run = Run.objects.filter(connection=self.connection).select_related("connection", "connection__workspace").latest("pk")
            run.workspace = run.connection.workspace
            return run

    def forget_pace(self) -> None:
        """Redis forgets how long the vendor asked us to wait (a database made anew gives the same numbers again)."""
        cache.delete(f"pace:{self.connection.pk}")

    def now_due(self) -> None:
        """What waits for a moment in the future waits no longer."""
        with self.open():
            Run.objects.filter(connection=self.connection, status=RunStatus.WAITING).update(resume_at=timezone.now())
            Outbox.objects.filter(connection=self.connection).update(not_before=None)

    def refreshed(self) -> Connection:
        with self.open():
            self.connection = Connection.objects.select_related("workspace").get(pk=self.connection.pk)
        return self.connection

    # -- here ----------------------------------------------------------------------------------------------------

    @contextmanager
    def open(self) -> Iterator[None]:
        with workspace_tx(self.workspace, origin=self.origin):
            yield

    @property
    def origin(self) -> Origin:
        return Origin(kind="web", actor_id=self.user.pk, label=str(self.user))

    def add(self, name: str, *, kind: str = "organisation", **fields: Any) -> Contact:
        with self.open():
            return create_contacts(self.workspace, [{"kind": kind, "name": name, **fields}], origin=self.origin)[0]

    def edit(self, contact: Contact, **fields: Any) -> None:
        with self.open():
            update_contacts(self.workspace, {contact.pk: fields}, origin=self.origin)

    def add_all(self, names: Sequence[str], **fields: Any) -> None:
        with self.open():
            create_contacts(self.workspace, [{"kind": "organisation", "name": name, **fields} for name in names], origin=self.origin)

    def delete(self, *contacts: Contact) -> None:
        with self.open():
            delete_contacts(self.workspace, [contact.pk for contact in contacts], origin=self.origin)

    def restore(self, contact: Contact) -> None:
        with self.open():
            restore_contacts(self.workspace, [contact.pk], origin=self.origin)

    def contact(self, name: str) -> Contact:
        with self.open():
            return Contact.objects.get(workspace=self.workspace, name=name, deleted_at=None)

    def contacts(self, **lookups: Any) -> list[Contact]:
        with self.open():
            return list(Contact.objects.filter(workspace=self.workspace, deleted_at=None, **lookups).order_by("pk"))

    def contacts_with_team(self) -> list[Contact]:
        with self.open():
            return list(Contact.objects.filter(workspace=self.workspace, deleted_at=None).select_related("team"))

    def again(self, contact: Contact) -> Contact:
        with self.open():
            return Contact.objects.get(pk=contact.pk)

    def link(self, client_id: int | str, *, kind: str = "client") -> Link:
        with self.open():
            return Link.objects.get(connection=self.connection, remote_kind=kind, remote_id=str(client_id))

    def links(self, **lookups: Any) -> list[Link]:
        with self.open():
            return list(Link.objects.filter(connection=self.connection, **lookups).order_by("pk"))

    def outbox(self, **lookups: Any) -> list[Outbox]:
        with self.open():
            return list(Outbox.objects.filter(connection=self.connection, **lookups).order_by("pk"))

    def lines(self, run: Run, **lookups: Any) -> list[RunLine]:
        with self.open():
            return list(RunLine.objects.filter(run=run, **lookups).order_by("pk"))

    def history(self, contact: Contact) -> list[ContactChange]:
        with self.open():
            return list(ContactChange.objects.filter(contact_id=contact.pk).order_by("pk"))

    def snapshot(self) -> dict[str, Any]:
        """Everything that a sync without news must leave as it is."""
        tables = ("contacts_contact", "contacts_contactchange", "contacts_contacttoken", "invoices_invoice", "integrations_outbox")
        with self.open():
            found: dict[str, Any] = {table: _rows(table) for table in tables}
            found["integrations_link"] = _rows("integrations_link", without={"synced_at"})
            return found

    def answer(self, link: Link, field_name: str, winner: Any) -> None:
        with self.open():
            settle_conflict(self.connection, f"link:{link.pk}", field_name, winner=winner, user=self.user)

    # -- there ---------------------------------------------------------------------------------------------------

    def clients(self, *, company: str = "northlight") -> dict[int, dict[str, Any]]:
        state = self.sandbox.state()
        rows = state["clients"] if company == "northlight" else state["second"]["clients"]
        return {row["id"]: row for row in rows}

    def named(self, name: str) -> list[dict[str, Any]]:
        return [row for row in self.clients().values() if row["name"] == name]

    def put(self, client_id: int, **body: Any) -> None:
        """Somebody changes a client over there."""
        self.sandbox.control(put_clients=[{"id": client_id, **body}])

    def new(self, **body: Any) -> int:
        return int(self.sandbox.control(add_clients=[body])["ids"][0])

    def drop(self, *client_ids: int) -> None:
        self.sandbox.control(delete_clients=list(client_ids))

    def when(self, monkeypatch: pytest.MonkeyPatch, method: str, path: str, act: Callable[[], object]) -> None:
        """Let something happen once, between the vendor's answer to such a request and its use."""
        exchange = Http._exchange
        waiting = [act]

        def interrupted(http: Http, prepared: PreparedRequest) -> Any:
            answer = exchange(http, prepared)
            if waiting and prepared.method == method and path in (prepared.url or ""):
                waiting.pop()()
            return answer

        monkeypatch.setattr(Http, "_exchange", interrupted)

    def rewrite_answers(self, monkeypatch: pytest.MonkeyPatch, before: bytes, after: bytes) -> None:
        """The vendor's lists say something that its sandbox could not say."""
        exchange = Http._exchange

        def rewritten(http: Http, prepared: PreparedRequest) -> Any:
            answer = exchange(http, prepared)
            return replace(answer, raw=answer.raw.replace(before, after))

        monkeypatch.setattr(Http, "_exchange", rewritten)

    def poison(self, monkeypatch: pytest.MonkeyPatch, client_id: int) -> None:
        """The database refuses this contact, whatever it looks like."""
        name = self.clients()[client_id]["name"]
        insert = apply.insert_contacts

        def refusing(workspace: Workspace, rows: Sequence[Mapping[str, Any]], *, origin: Origin) -> list[int]:
            if any(row["name"] == name for row in rows):
                with database.cursor() as cursor:
                    cursor.execute("SELECT 'no number'::int")
            return insert(workspace, rows, origin=origin)

        monkeypatch.setattr(apply, "insert_contacts", refusing)

    def impatient(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        """Wait for answers only so long, and try reads once."""
        times = Timeouts(connect=seconds, read=seconds, total=seconds * 2, call=seconds)
        monkeypatch.setattr(access, "Http", functools.partial(Http, timeouts=times, attempts=1))

    def small_pages(self, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
        monkeypatch.setitem(settings.ENVIRON, "CRUNCH_PAGE_SIZE", str(size))

    def fail(self, kind: str, **more: Any) -> None:
        self.sandbox.fail(kind, **more)

    def repair(self) -> None:
        self.sandbox.control(clear_faults=True)

    def forget_log(self) -> None:
        self.sandbox.control(clear_log=True)

    def requests(self, *methods: str, path: str = "/v1/") -> list[dict[str, Any]]:
        return [one for one in self.sandbox.log() if (not methods or one["method"] in methods) and path in one["path"]]

    def writes(self) -> list[dict[str, Any]]:
        """Requests that change something at the vendor."""
        return self.requests(*WRITES)


def address(line1: str = "1 High Street", line2: str = "Leeds", country: str = "GB", **more: Any) -> dict[str, Any]:
    """An address over there."""
    return {"line1": line1, "line2": line2, "line3": None, "line4": None, "postCode": "LS1 1AA", "country": country, **more}


def full_contact(**more: Any) -> dict[str, Any]:
    """What a contact here needs to be exported."""
    where = {"label": "", "line1": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB"}
    return {"emails": [{"label": "", "email": "hello@new.example"}], "addresses": [where], **more}


def counted(run: Run, **expected: int) -> None:
    """The named counters have these values and all others are zero."""
    found = {name: count for name, count in run.counters.items() if count}
    assert found == {name: count for name, count in expected.items() if count}


def _rows(table: str, *, without: frozenset[str] | set[str] = frozenset()) -> Mapping[str, Any]:
    """The rows by their key. Search words have no number, so it is told besides who wrote them: made anew they are not as they were."""
    written = ", xmin::text AS written" if table == "contacts_contacttoken" else ""
    with database.cursor() as cursor:
        cursor.execute(f"SELECT *{written} FROM {table}")
        names = [column.name for column in cursor.description]
        rows = [{name: value for name, value in zip(names, row, strict=True) if name not in without} for row in cursor.fetchall()]
    return {str(row["id"] if "id" in row else (row["contact_id"], row["word"])): row for row in rows}
