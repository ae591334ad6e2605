from django.apps import AppConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.registry import FirstStep, SettingsEntry, add_first_step, add_settings_entry


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        add_settings_entry(SettingsEntry(label=_("General"), url_name="accounts:settings", order=10))
        members = ("accounts:settings_member", "accounts:settings_invit")
        add_settings_entry(SettingsEntry(label=_("Members"), url_name="accounts:settings_members", order=20, covers=members))
        add_settings_entry(
            SettingsEntry(label=_("Teams"), url_name="accounts:settings_teams", order=30, covers=("accounts:settings_team",))
        )
        add_settings_entry(
            SettingsEntry(label=_("API tokens"), url_name="accounts:settings_tokens", order=80, covers=("accounts:settings_token",))
        )
        add_settings_entry(SettingsEntry(label=_("Audit log"), url_name="accounts:settings_audit", order=90))
        self._add_first_steps()

    def _add_first_steps(self) -> None:
        """Pages of the apps above are named, not imported; a page that does not exist leaves its step out."""
        add_first_step(
            FirstStep(
                key="invite",
                title=_("Invite a colleague"),
                text=_("Work on the same contacts; roles and teams say who sees what."),
                icon="user-plus",
                url_name="accounts:settings_invite",
                done=_has_company,
                order=30,
                admin_only=True,
            )
        )


def _has_company(request: HttpRequest) -> bool:
    return bool(request.workspace.memberships.all()[1:2])  # type: ignore[attr-defined]  # set by WorkspaceMiddleware
