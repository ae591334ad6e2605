"""Where the ERP data stand in the shell: the rail and the settings area."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import registry as places
from accounts.domain.audit import name_actions
from crmsync import nav
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
    tagline = _("Companies, sales and receivables from your ERP, with ABC curve and categories")
    gallery.further.append(gallery.Further(label=_("ERP data"), tagline=tagline, url_name="erp_history:settings"))
    places.add_settings_entry(places.SettingsEntry(label=_("ERP data"), url_name="erp_history:settings", order=45, covers=covers))
