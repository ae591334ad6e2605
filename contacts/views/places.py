"""What contacts put into the frame: settings, badge of the rail, cards of the home page."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from accounts.registry import FirstStep, HomePanel, SettingsEntry, add_first_step, add_home_panel, add_settings_entry
from contacts import panels
from contacts.domain import duplicates
from contacts.domain.visibility import visible_to
from contacts.views.common import membership_of
from crmsync import nav

BADGE_CAP = 99
RECENT = 6


def register() -> None:
    add_settings_entry(SettingsEntry(label=_("Tags"), url_name="contacts:settings_tags", order=35, covers=("contacts:settings_tag",)))
    fields = ("contacts:settings_field",)
    add_settings_entry(SettingsEntry(label=_("Custom fields"), url_name="contacts:settings_fields", order=36, covers=fields))
    add_first_step(
        FirstStep(
            key="contact",
            title=_("Add a person or an organisation"),
            text=_("Or connect a system that has them: they come in by themselves."),
            icon="users",
            url_name="contacts:create",
            done=has_contacts,
            order=10,
        )
    )
    add_home_panel(HomePanel(key="contacts.registered", render=registered_panels, order=30))
    add_home_panel(HomePanel(key="contacts.recent", render=recent, order=70))
    nav.badges["contacts:duplicates"] = open_duplicates


def has_contacts(request: HttpRequest) -> bool:
    return visible_to(membership_of(request)).exists()


def open_duplicates(request: HttpRequest) -> int:
    return len(duplicates.open_pairs(membership_of(request)).values_list("pk", flat=True)[: BADGE_CAP + 1])


def registered_panels(request: HttpRequest) -> SafeString | None:
    """Cards that other apps registered for the home page."""
    found = panels.rendered("home", request)
    return mark_safe("".join(found)) if found else None  # noqa: S308  Panel.render gives safe html


def recent(request: HttpRequest) -> SafeString | None:
    """The contacts that changed last."""
    found = list(visible_to(membership_of(request)).order_by("-updated_at", "-id")[:RECENT])
    if not found:
        return None
    return mark_safe(render_to_string("contacts/_home_recent.html", {"contacts": found}, request=request))  # noqa: S308  our own template
