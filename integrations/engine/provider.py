"""What a provider is: a manifest of facts and a handful of calls. Core code asks for a capability, never for a name."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from integrations.engine.capabilities import Budget, Directions, GrantToken, Incremental, MatchBy, SecretIn, Service
from integrations.engine.compare import CompareField
from integrations.engine.hooks import HintsOf
from integrations.engine.types import Account, Fields, Invoice, Kind, Page, Party, RawRecord, Ref, Remote


def gettext_noop(message: str) -> str:
    """Mark a text for translation without knowing who translates (makemessages finds the name)."""
    return message


class Capability(enum.StrEnum):
    PULL_CONTACTS = "pull_contacts"
    PUSH_CONTACTS = "push_contacts"
    EXPORT = "export"  # "Export to ..." on contacts without a link
    PULL_INVOICES = "pull_invoices"
    QUOTES = "quotes"
    CREATE_ELIGIBLE = "create_eligible"  # contacts that the provider's rules let out are created there by themselves
    TICKETS = "tickets"


class Direction(enum.StrEnum):
    IN = "in"
    OUT = "out"
    BOTH = "both"


class Mode(enum.StrEnum):
    """Who wins when both sides changed a field. CONNECTION: as the connection's conflict setting says."""

    CONNECTION = "connection"
    CRM_WINS = "crm"
    REMOTE_WINS = "remote"
    FILL_IF_EMPTY = "fill"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One canonical field in sync. `theirs` is the vendor's name of it, for the Fields tab."""

    ours: str
    theirs: str
    label: str
    direction: Direction = Direction.BOTH
    mode: Mode = Mode.CONNECTION
    required: bool = False  # the vendor refuses a record without it
    note: str = ""


class FieldType(enum.StrEnum):
    CHOICE = "choice"
    TEXT = "text"
    BOOLEAN = "boolean"
    TEAM = "team"
    SECRET = "secret"  # noqa: S105  a kind of field
    INTEGER = "integer"
    REMOTE_CHOICE = "remote_choice"  # chosen among records of the vendor (OffersChoices), stored as text
    URL_FIELD = "url_field"  # one of the workspace's enabled custom fields of type web address, by its key


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One setting of a connection; the settings form, the API and the command line are made from these.

    `pattern` is a regular expression that the whole of a filled text must fit (`help` says what is meant); `when=(setting, value)`
    hides it otherwise; `section` groups settings under a heading. `needed_unless=(setting, value)`: it may be left open,
    but something waits for it then, so that nobody is told that it is optional.
    """

    key: str
    label: str
    type: FieldType
    default: Any = None
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    help: str = ""
    section: str = ""
    pattern: str = ""
    minimum: int | None = None
    maximum: int | None = None
    when: tuple[str, Any] | None = None
    needed_unless: tuple[str, Any] | None = None


class ResourceKind(enum.StrEnum):
    CONTACTS = "contacts"
    INVOICES = "invoices"


@dataclass(frozen=True, slots=True)
class Resource:
    """A collection that a run pages through, in the manifest's order. `when=(setting, value)` makes it optional."""

    key: str
    label: str
    kind: ResourceKind
    remote_kind: str
    when: tuple[str, str] | None = None
    read_only: bool = False  # we never write to records of this kind
    fields: tuple[FieldMap, ...] = ()  # where the kind has others than `Manifest.fields`


@dataclass(frozen=True, slots=True)
class OAuth2:
    """Authorisation code with PKCE (RFC 6749, RFC 7636). The environment tells the rest: `<PREFIX>_AUTHORIZE_URL`, `_TOKEN_URL`,
    `_CLIENT_ID`, `_CLIENT_SECRET`, `_SCOPES`, `_CLIENT_AUTH` (basic | body | public)."""

    env_prefix: str
    default_scopes: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that the vendor demands and the contact lacks, with the field it belongs to (`address.line2`)."""

    field: str
    label: str


@dataclass(frozen=True, slots=True)
class Manifest:
    key: str
    label: str
    tagline: str
    colour: str  # css class suffix of the vendor's monogram
    letter: str
    auth: OAuth2 | None
    settings: tuple[FieldSpec, ...]
    resources: tuple[Resource, ...]
    fields: tuple[FieldMap, ...]
    capabilities: frozenset[Capability]
    cadence: timedelta
    export_kind: str = ""  # remote kind that "Export" creates
    secrets: tuple[FieldSpec, ...] = ()
    exclusive_group: str = ""
    docs: str = ""
    api_url: str = ""  # the vendor's root; `<KEY>_API_URL` in the environment replaces it
    credentials: tuple[SecretIn, ...] = ()  # how requests carry `secrets`; empty = bearer token
    budget: Budget | None = None
    incremental: Incremental | None = None
    directions: Directions | None = None
    kinds: tuple[tuple[Kind, str], ...] = ()  # which remote kind a contact of each kind becomes; empty = `export_kind` for all
    match_by: tuple[MatchBy, ...] = ()  # empty = by exact name
    match_screen: str = ""  # resource whose records a person may match by hand before the first sync
    link_back: str = ""  # setting with the key of the custom field that gets `LinksBack.link_back`
    life_cycles_out: frozenset[str] = frozenset()  # no contact of another life cycle can be let out; empty = any
    one_time: bool = False  # an import: read once, looked at, then done; no cadence
    expires: Callable[[Mapping[str, str]], datetime | None] | None = None  # when the `secrets` run out, where they tell
    api_variable: str = ""  # where the root's variable is not `<KEY>_API_URL`
    services: tuple[Service, ...] = ()
    grant: GrantToken | None = None  # how a permission is given, where it is no OAuth
    creates_new_only: bool = False  # CREATE_ELIGIBLE is for contacts that become eligible while connected, not for all there are
    compare: tuple[CompareField, ...] = ()
    hints: HintsOf | None = None  # reads the vendor's webhooks
    rest_after: Callable[[Mapping[str, str]], float] | None = None  # seconds without calls that an answer's headers ask for

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    def remote_kind(self, kind: Kind) -> str:
        """The remote kind that a contact of this kind is created as."""
        return dict(self.kinds).get(kind, self.export_kind)

    def fields_of(self, remote_kind: str) -> tuple[FieldMap, ...]:
        """The field table of a kind of record."""
        return next((each.fields for each in self.resources if each.remote_kind == remote_kind and each.fields), self.fields)


class Provider(Protocol):
    """The calls of one connection. Every method may raise engine.errors; none keeps state between calls."""

    @property
    def manifest(self) -> Manifest: ...

    def check(self) -> Account:
        """Prove that the permission works with the cheapest read; tell whose books they are."""

    def page(self, resource: str, cursor: Mapping[str, Any] | None) -> Page:
        """Read one page; None starts at the beginning."""

    def remote(self, raw: RawRecord) -> Remote:
        """Understand a contact-like record. Raises SkipRecord when it cannot be used."""

    def invoice(self, raw: RawRecord) -> Invoice:
        """Understand an invoice or quote. Raises SkipRecord when it cannot be used."""

    def get(self, ref: Ref) -> RawRecord:
        """Read one record. Raises Gone."""

    def missing(self, party: Party) -> Sequence[Missing]:
        """What must be filled in before `create` would be accepted."""

    def payload(self, party: Party) -> Mapping[str, Any]:
        """Exactly what `create` would send, in the vendor's words (shown before sending)."""

    def create(self, party: Party, *, key: str) -> RawRecord:
        """Create the record; `key` names the attempt where the vendor supports it. Retry(in_doubt=True): it may exist now."""

    def update(self, current: RawRecord, changes: Fields, party: Party) -> RawRecord:
        """Put `changes` (canonical) into the record as last read, all else as read. `party` is the whole contact."""

    def find(self, party: Party) -> Sequence[RawRecord]:
        """Every record at the vendor that `create(party)` may have made (look-up of a create in doubt)."""


Opener = Callable[..., Provider]
