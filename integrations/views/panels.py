"""What the screens of other apps show of connections: contact page, list, deletion, merge, home page, side rail, JSON."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import registry as places
from accounts.middleware import WorkspaceRequest
from accounts.models import Membership, Workspace
from accounts.views.guards import membership_of
from contacts import panels
from contacts.models import Contact
from crmsync import nav
from integrations import registry
from integrations.domain.health import rail
from integrations.domain.links import will_come_back
from integrations.domain.panel import ContactPanel, contact_panels, refused_fields
from integrations.engine.provider import Capability
from integrations.engine.types import Kind
from integrations.enums import ConnectionStatus, Health, LinkState
from integrations.models import Connection, Link
from integrations.views.card_parts import asked_live, compared_entries
from integrations.views.kinds import kind_word
from invoices.panels import invoice_panel

STALE_AFTER = 3  # cadences without a success
STATES = {
    "in_sync": ("green", gettext_lazy("In sync")),
    "pending": ("blue", gettext_lazy("Will be sent within a minute")),
    "waits": ("blue", gettext_lazy("Waits to be sent")),
    "held": ("amber", gettext_lazy("Waits for a decision")),
    "failing": ("red", gettext_lazy("Failing")),
    "gone": ("amber", gettext_lazy("Deleted there")),
    "reconnect": ("red", gettext_lazy("Has to be connected again")),
    "paused": ("amber", gettext_lazy("Paused")),
    "withdrawn": ("gray", Health.WITHDRAWN.label),
    "unlinked": ("gray", gettext_lazy("Not linked")),
    "through": ("green", gettext_lazy("Linked through the organisation")),
}
LINK_TONES = {LinkState.LINKED: "green", LinkState.HELD: "amber", LinkState.FAILING: "red", LinkState.GONE: "amber"}
NOT = "!"  # linked_to=!key: contacts without a link


def contact_panel(request: WorkspaceRequest, contact: Contact) -> SafeString | None:
    """A card per connection; from our own tables, nothing waits for a provider."""
    shown = [panel for panel in contact_panels(contact) if _has_news(panel)]
    cards = [render_to_string("integrations/_contact.html", _card(request, contact, panel), request=request) for panel in shown]
    return SafeString("".join(cards)) if cards else None


def _has_news(panel: ContactPanel) -> bool:
    return bool(panel.links or panel.outbox or panel.can_export or panel.through_firm or panel.flows.out)


def _card(request: WorkspaceRequest, contact: Contact, panel: ContactPanel) -> dict[str, Any]:
    tone, label = STATES["through" if panel.state == "unlinked" and panel.through_firm else panel.state]
    connection = panel.connection
    living = [link for link in panel.links if link.state != LinkState.GONE]
    return {
        "contact": contact,
        "panel": panel,
        "connection": connection,
        "manifest": panel.manifest,
        "tone": tone,
        "label": label,
        "is_admin": request.membership.is_admin,
        "slug": request.workspace.slug,
        "link": living[0] if living else None,
        "held_row": next((f"link:{link.pk}" for link in panel.links if link.state == LinkState.HELD), ""),
        "invoices": _invoices(request, contact, panel) if panel.shows_invoices else "",
        **asked_live(contact, panel),
    }


def _invoices(request: WorkspaceRequest, contact: Contact, panel: ContactPanel) -> SafeString:
    connection = panel.connection
    return invoice_panel(
        request,
        contact,
        connection_id=connection.pk,
        has_quotes=panel.manifest.can(Capability.QUOTES),
        as_of=connection.last_success_at,
        is_stale=_is_stale(connection, panel.manifest.cadence),
    )


def _is_stale(connection: Connection, cadence: dt.timedelta) -> bool:
    if connection.status != ConnectionStatus.ACTIVE or connection.failures or not registry.is_installed(connection.provider):
        return True
    return connection.last_success_at is not None and connection.last_success_at < timezone.now() - STALE_AFTER * cadence


def export_action(request: WorkspaceRequest, contact: Contact) -> SafeString | None:
    """The entries "Export to ..." of the menu; for administrators also "Set up ..." where a customer's page would show more."""
    slug, parts = request.workspace.slug, []
    for panel in contact_panels(contact):
        if panel.can_export and panel.outbox is None:
            words = _("Export to %(name)s") % {"name": panel.manifest.label}
            parts.append((_address("export", slug, contact_id=contact.pk, pk=panel.connection.pk), words))
    if request.membership.is_admin:
        parts += _set_ups(request, contact)
    item = '<a class="dropdown-item" href="{}">{}</a>'
    return format_html_join("", item, parts) if parts else None


def _set_ups(request: WorkspaceRequest, contact: Contact) -> list[tuple[str, str]]:
    """Ledgers that compare each customer and are not connected yet."""
    ledgers = [each for each in registry.manifests().values() if each.compare and each.remote_kind(Kind(contact.kind)) == each.export_kind]
    off = [ConnectionStatus.OFF, ConnectionStatus.SETUP]
    mine = Connection.objects.filter(workspace=request.workspace, provider__in=[each.key for each in ledgers]).exclude(status__in=off)
    connected = set(mine.values_list("provider", flat=True)) if ledgers else set()
    return [
        (
            reverse("integrations:setup", kwargs={"slug": request.workspace.slug, "provider": each.key}),
            _("Set up %(name)s") % {"name": each.label},
        )
        for each in ledgers
        if each.key not in connected
    ]


def delete_warning(_request: WorkspaceRequest, contact: Contact) -> SafeString | None:
    """A linked contact that is deleted here may come back: said before it is deleted."""
    names = [registry.manifest(each.provider).label for each in will_come_back(contact)]
    if names:
        text = _("It is still in %(names)s and will come back at the next sync.") % {"names": ", ".join(sorted(set(names)))}
        return format_html("{} {}", text, _("Nothing is ever deleted there."))
    linked = _links_of([contact.pk]).exclude(state=LinkState.GONE).select_related("connection")
    others = sorted({registry.manifest(key).label for key in {link.connection.provider for link in linked} if registry.is_installed(key)})
    if not others:
        return None
    return format_html("{}", _("It stays in %(names)s and is kept away here, as the settings say.") % {"names": ", ".join(others)})


def merge_question(_request: WorkspaceRequest, kept: Contact, gone: Contact) -> SafeString | None:
    """Both are linked to a record of the same kind: one link can stay."""
    pairs: dict[tuple[int, str], dict[int, Link]] = defaultdict(dict)
    for link in _links_of([kept.pk, gone.pk]).select_related("connection"):
        pairs[link.connection_id, link.remote_kind][link.contact_id or 0] = link
    questions = [
        {
            "name": f"choice.link:{connection_id}:{kind}",
            "vendor": registry.manifest(next(iter(links.values())).connection.provider).label,
            "links": [links[kept.pk], links[gone.pk]],
        }
        for (connection_id, kind), links in pairs.items()
        if len(links) == 2
    ]
    return SafeString(render_to_string("integrations/_merge_question.html", {"questions": questions})) if questions else None


def _links_of(contact_ids: Sequence[int]) -> QuerySet[Link]:
    return Link.objects.filter(contact__in=contact_ids).exclude(state=LinkState.HIDDEN).exclude(connection__status=ConnectionStatus.OFF)


def linked_ids(contact_ids: Sequence[int]) -> set[int]:
    return {pk for pk in _links_of(contact_ids).filter(state=LinkState.LINKED).values_list("contact_id", flat=True) if pk is not None}


def linked_column(_workspace: Workspace, contacts: Sequence[Contact]) -> Mapping[int, str]:
    """Where each contact is linked, with the state in words for those who do not see the dot."""
    found: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    rows = _links_of([contact.pk for contact in contacts]).order_by("connection_id", "pk")
    # The agreements of a link are long; a list needs three words of it.
    for contact_id, state, provider in rows.values_list("contact_id", "state", "connection__provider"):
        part = (LINK_TONES.get(LinkState(state), "gray"), registry.manifest(provider).label, str(LinkState(state).label))
        if part not in found[contact_id]:
            found[contact_id].append(part)
    item = '<span class="status"><span class="dot dot-{}" aria-hidden="true"></span>{}<span class="visually-hidden">, {}</span></span>'
    return {contact_id: format_html_join(" ", item, parts) for contact_id, parts in found.items()}


def linked_to(contacts: QuerySet[Contact], value: str) -> QuerySet[Contact]:
    links = Link.objects.filter(contact=OuterRef("pk"), connection__provider=value.removeprefix(NOT))
    links = links.exclude(state__in=[LinkState.HIDDEN, LinkState.GONE])
    return contacts.filter(~Exists(links) if value.startswith(NOT) else Exists(links))


def linked_to_options(membership: Membership) -> list[tuple[str, str]]:
    found = Connection.objects.filter(workspace=membership.workspace)
    keys = found.exclude(status__in=[ConnectionStatus.OFF, ConnectionStatus.SETUP]).order_by("pk").values_list("provider", flat=True)
    labels = [(key, registry.manifest(key).label) for key in keys]
    return [*((key, label) for key, label in labels), *((f"{NOT}{key}", _("Not in %(name)s") % {"name": label}) for key, label in labels)]


def links_json(_workspace: Workspace, contacts: Sequence[Contact]) -> Mapping[int, Any]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    rows = (
        _links_of([contact.pk for contact in contacts])
        .select_related("connection")
        .defer("base_ours", "base_theirs", "connection__settings")
    )
    for link in rows.order_by("pk"):
        found[link.contact_id or 0].append(
            {
                "connection": link.connection_id,
                "provider": link.connection.provider,
                "kind": link.remote_kind,
                "id": link.remote_id,
                "url": link.remote_url,
                "state": link.state.lower(),
                "synced_at": link.synced_at.isoformat() if link.synced_at else None,
            }
        )
    return found


def link_entries(_request: HttpRequest, contact: Contact, before: dt.datetime | None, limit: int) -> Sequence[panels.Entry]:
    rows = _links_of([contact.pk]).select_related("connection").order_by("-created_at")
    rows = rows.filter(created_at__lt=before) if before else rows
    return [
        panels.Entry(
            at=link.created_at,
            html=format_html(
                "{}",
                _("Linked to %(kind)s %(id)s in %(vendor)s")
                % {"kind": kind_word(link.remote_kind), "id": link.remote_id, "vendor": registry.manifest(link.connection.provider).label},
            ),
            by=registry.manifest(link.connection.provider).label,
        )
        for link in rows[:limit]
    ]


def field_remarks(contact: Contact) -> list[panels.Remark]:
    said = _("%(vendor)s says: %(words)s")
    return [panels.Remark(name, said % {"vendor": vendor, "words": words}) for name, vendor, words in refused_fields(contact)]


def run_address(request: HttpRequest, run_id: int) -> str:
    return _address("any_run", membership_of(request).workspace.slug, run_id=run_id)


def rail_items(request: HttpRequest) -> list[nav.ConnectionItem]:
    membership, here = membership_of(request), request.path
    workspace = membership.workspace
    return [
        nav.ConnectionItem(
            label=entry.name,
            url=(url := _address("detail", workspace.slug, pk=entry.connection.pk)),
            status=entry.health.value,
            status_label=entry.health.label,
            count=entry.count if membership.is_admin else 0,
            current=here.startswith(url),
        )
        for entry in rail(workspace)
    ]


def home_panel(request: HttpRequest) -> str | None:
    """How the connections are; what needs somebody comes first."""
    membership = membership_of(request)
    entries = sorted(rail(membership.workspace), key=lambda entry: entry.health in {Health.HEALTHY, Health.SYNCING})
    if not entries:
        return None
    return render_to_string("integrations/_home.html", {"entries": entries, "is_admin": membership.is_admin}, request=request)


def is_connected(request: HttpRequest) -> bool:
    workspace = membership_of(request).workspace
    return Connection.objects.filter(workspace=workspace).exclude(status__in=[ConnectionStatus.OFF, ConnectionStatus.SETUP]).exists()


def _address(name: str, slug: str, **more: int) -> str:
    return reverse(f"integrations:{name}", kwargs={"slug": slug, **more})


def register() -> None:
    """Called when the apps are ready."""
    panels.register(panels.Panel(key="connections", slot="main", render=contact_panel, order=10))
    panels.register(panels.Panel(key="export", slot="action", render=export_action, order=40))
    panels.register(panels.Panel(key="connections", slot="delete_warning", render=delete_warning))
    panels.register(panels.Panel(key="connections", slot="merge_question", render=merge_question))
    panels.register_column(panels.Column(key="linked", label=gettext_lazy("Linked"), values=linked_column, order=55))
    panels.register_filter(panels.Filter(key="linked_to", label=gettext_lazy("Linked to"), apply=linked_to, options=linked_to_options))
    panels.register_api_field(panels.ApiField(key="links", values=links_json, schema=LINKS_SCHEMA))
    panels.register_timeline(panels.TimelineSource(key="links", entries=link_entries))
    panels.register_timeline(panels.TimelineSource(key="compared", entries=compared_entries))
    panels.register_name_holders(linked_ids)
    panels.register_run_url(run_address)
    panels.register_field_remarks(field_remarks)
    nav.connections_provider = rail_items
    places.add_home_panel(places.HomePanel(key="connections", render=home_panel, order=20))
    places.add_settings_entry(
        places.SettingsEntry(label=gettext_lazy("Integrations"), url_name="integrations:list", order=40, covers=("integrations:",))
    )
    places.add_first_step(
        places.FirstStep(
            key="connect",
            title=gettext_lazy("Connect another system"),
            text=gettext_lazy("Its customers and invoices arrive here and stay in sync."),
            icon="plug",
            url_name="integrations:list",
            done=is_connected,
            order=20,
            admin_only=True,
        )
    )


LINKS_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "connection": {"type": "integer"},
            "provider": {"type": "string"},
            "kind": {"type": "string"},
            "id": {"type": "string"},
            "url": {"type": "string"},
            "state": {"type": "string"},
            "synced_at": {"type": ["string", "null"], "format": "date-time"},
        },
    },
}
