"""Where the ERP data stand in the shell: the rail, the settings area, and the home page when something is wrong."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import registry as places
from accounts.domain.audit import name_actions
from accounts.views.guards import membership_of
from crmsync import nav
from erp_history.models import ErpSource
from integrations.views import gallery

AUDIT = {
    "erp.settings": _("ERP data: settings changed"),
    "erp.connection": _("ERP data: View connection changed"),
    "erp.run_started": _("ERP data: run started by hand"),
    "erp.run_cancelled": _("ERP data: run cancelled"),
    "erp.export": _("ERP data: history exported"),
    "erp.decided": _("ERP data: held company decided"),
}


def register() -> None:
    """Called when the apps are ready."""
    name_actions(AUDIT)
    covers = ("erp_history:settings",)
    nav.register(
        nav.NavItem(
            label=_("ERP data"),
            icon="database",
            url_name="erp_history:settings",
            group="connections",
            order=20,
            min_role="ADMIN",
            covers=covers,
        )
    )
    nav.badges["erp_history:settings"] = alerts_open
    places.add_home_panel(places.HomePanel(key="erp", render=home_panel, order=10))
    tagline = _("Companies, sales and receivables from your ERP, with ABC curve and categories")
    gallery.further.append(gallery.Further(label=_("ERP data"), tagline=tagline, url_name="erp_history:settings"))
    places.add_settings_entry(places.SettingsEntry(label=_("ERP data"), url_name="erp_history:settings", order=45, covers=covers))


def alerted(request: HttpRequest) -> QuerySet[ErpSource]:
    """The source whose maximum time without success has passed, until a run is successful again."""
    return ErpSource.objects.filter(workspace=membership_of(request).workspace, alerted_at__isnull=False, active=True)


def alerts_open(request: HttpRequest) -> int:
    return int(alerted(request).exists())


def home_panel(request: HttpRequest) -> str | None:
    """Only when somebody must look."""
    membership = membership_of(request)
    source = alerted(request).first() if membership.is_admin else None
    if source is None:
        return None
    url = reverse("erp_history:settings", kwargs={"slug": membership.workspace.slug})
    return render_to_string("erp_history/_silent.html", {"source": source, "url": url}, request=request)
