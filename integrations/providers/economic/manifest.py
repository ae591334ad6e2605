"""What e-conomic is: its settings, its collections, how a permission is given, what its answers say about the pace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from integrations.engine.capabilities import GrantToken, Incremental, MatchBy, Place, SecretIn, Service
from integrations.engine.provider import Capability, FieldSpec, FieldType, Manifest, Resource, ResourceKind, gettext_noop
from integrations.engine.types import Kind
from integrations.providers.economic import compare, hooks, mapping, rules
from integrations.providers.economic.records import CONTACT, CUSTOMER, DRAFT, INVOICE, QUOTE

_BUCKET = re.compile(r"token-limit-(\d+)-per-(\d+)-seconds:\s*(\d+)\s*/\s*(\d+)")
_OURS = 0.8  # of the bucket: other integrations of the agreement drink from it too
_NEW = gettext_noop("New customers")
_CHOICE = FieldType.REMOTE_CHOICE


def rest_after(headers: Mapping[str, str]) -> float:
    """Seconds until the bucket of the agreement is down to our share, by `X-RateLimiting: ... used/limit` of an answer."""
    found = _BUCKET.search(headers.get("X-RateLimiting", ""))
    if not found:
        return 0.0
    limit, seconds, used = int(found[1]), int(found[2]), int(found[3])
    above = used - limit * _OURS
    return min(above / limit * seconds, float(seconds)) if limit and above > 0 else 0.0


_BY_HAND = ("create_when", "manual")
MANIFEST = Manifest(
    key="economic",
    label="e-conomic",
    tagline=gettext_noop("Customers, their people, invoices and quotes of your e-conomic agreement"),
    colour="economic",
    letter="e",
    auth=None,
    grant=GrantToken(
        secret="grant_token",  # noqa: S106  the name of a secret
        url="https://secure.e-conomic.com/secure/api1/requestaccess.aspx",
        url_variable="ECONOMIC_GRANT_URL",
        app="ECONOMIC_APP_PUBLIC_TOKEN",
        app_parameter="appPublicToken",
        return_parameter="redirectUrl",
        token_parameter="token",  # noqa: S106  the name of a parameter
        shared="ECONOMIC_APP_SECRET_TOKEN",
    ),
    credentials=(
        SecretIn(Place.HEADER, "X-AppSecretToken", variable="ECONOMIC_APP_SECRET_TOKEN"),
        SecretIn(Place.HEADER, "X-AgreementGrantToken", secret="grant_token"),  # noqa: S106  the name of a secret
    ),
    secrets=(
        FieldSpec(
            "grant_token",
            gettext_noop("Agreement token"),
            FieldType.SECRET,
            required=True,
            help=gettext_noop("What e-conomic shows after the access was granted. Connect gets it by itself."),
        ),
    ),
    api_url="https://restapi.e-conomic.com",
    api_variable="ECONOMIC_REST_URL",
    services=(Service("openapi", "https://apis.e-conomic.com", "ECONOMIC_OPENAPI_URL"),),
    rest_after=rest_after,
    settings=(
        FieldSpec(
            "create_when",
            gettext_noop("When a new customer goes to e-conomic"),
            FieldType.CHOICE,
            default="manual",
            choices=rules.CREATE_WHEN,
            section=_NEW,
            help=gettext_noop(
                "Created here is what people, forms and the API create, not what another integration brings in."
                " People go where their organisation is."
            ),
        ),
        FieldSpec("customer_group", gettext_noop("Customer group"), _CHOICE, default="", section=_NEW, needed_unless=_BY_HAND),
        FieldSpec("payment_terms", gettext_noop("Payment terms"), _CHOICE, default="", section=_NEW, needed_unless=_BY_HAND),
        FieldSpec("vat_zone", gettext_noop("VAT zone"), _CHOICE, default="", section=_NEW, needed_unless=_BY_HAND),
        FieldSpec("currency", gettext_noop("Currency"), _CHOICE, default="", section=_NEW, needed_unless=_BY_HAND),
        FieldSpec(
            "layout",
            gettext_noop("Layout"),
            _CHOICE,
            default="",
            section=_NEW,
            help=gettext_noop("Of invoices. Without an answer e-conomic takes its own."),
        ),
        FieldSpec(
            "webhooks",
            gettext_noop("Let e-conomic tell of changes at once"),
            FieldType.BOOLEAN,
            default=True,
            help=gettext_noop("Changes are also looked for regularly, since calls can get lost."),
        ),
        FieldSpec(
            "team",
            gettext_noop("Default team"),
            FieldType.TEAM,
            help=gettext_noop(
                "Everything that comes from e-conomic is given to this team. Without a team everyone in the workspace sees it."
            ),
        ),
        FieldSpec(
            "deleted_here",
            gettext_noop("When a linked contact is deleted here"),
            FieldType.CHOICE,
            default="bring_back",
            choices=(
                ("bring_back", gettext_noop("Bring it back at the next sync")),
                ("keep_away", gettext_noop("Keep it away")),
            ),
            help=gettext_noop("Nothing is ever deleted in e-conomic."),
        ),
        FieldSpec(
            "conflict",
            gettext_noop("When both sides changed the same field"),
            FieldType.CHOICE,
            default="ask",
            choices=(
                ("crm", gettext_noop("The value here wins")),
                ("remote", gettext_noop("The value in e-conomic wins")),
                ("ask", gettext_noop("Ask me")),
            ),
        ),
        FieldSpec(
            "preview_first",
            gettext_noop("Show me first what will happen"),
            FieldType.BOOLEAN,
            default=True,
            help=gettext_noop("The first sync waits until somebody has looked at its preview."),
        ),
    ),
    resources=(
        Resource("customers", gettext_noop("Customers"), ResourceKind.CONTACTS, CUSTOMER),
        Resource("contacts", gettext_noop("Customer contacts"), ResourceKind.CONTACTS, CONTACT, fields=mapping.CONTACT_FIELDS),
        Resource("invoices", gettext_noop("Booked invoices"), ResourceKind.INVOICES, INVOICE),
        Resource("drafts", gettext_noop("Draft invoices"), ResourceKind.INVOICES, DRAFT),
        Resource("quotes", gettext_noop("Quotes"), ResourceKind.INVOICES, QUOTE),
    ),
    fields=mapping.FIELDS,
    capabilities=frozenset(
        {
            Capability.PULL_CONTACTS,
            Capability.PUSH_CONTACTS,
            Capability.EXPORT,
            Capability.PULL_INVOICES,
            Capability.QUOTES,
            Capability.CREATE_ELIGIBLE,
        }
    ),
    creates_new_only=True,
    cadence=timedelta(minutes=15),
    incremental=Incremental(overlap=timedelta(minutes=5), resources=("customers", "contacts")),
    export_kind=CUSTOMER,
    kinds=((Kind.ORGANISATION, CUSTOMER), (Kind.PERSON, CONTACT)),
    match_by=(
        MatchBy(CUSTOMER, "tax_id"),
        MatchBy(CUSTOMER, "name"),
        MatchBy(CONTACT, "email", within_parent=True),
        MatchBy(CONTACT, "name", within_parent=True),
    ),
    compare=compare.ROWS,
    hints=hooks.hints,
    docs="https://restdocs.e-conomic.com",
)
