from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Iterable
from typing import Any, cast

from babel.core import Locale
from babel.numbers import get_currency_name, get_territory_currencies
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.domain.errors import Refused
from accounts.domain.members import assignable_roles
from accounts.domain.tokens import allowed_scopes
from accounts.enums import Role, TokenScope
from accounts.models import Invitation, Membership, Team, User, Workspace
from crmsync.lib.countries import country_choices, country_codes
from crmsync.lib.locales import parse_locale
from crmsync.lib.text import has_control

THEMES = [("auto", _("As the device")), ("light", _("Light")), ("dark", _("Dark"))]
ROLE_TEXTS = {
    Role.OWNER: _("Everything, including who else is an owner"),
    Role.ADMIN: _("Settings, members and connections; everything but owners"),
    Role.MEMBER: _("Contacts without a team, of their own teams, or that they own"),
    Role.RESTRICTED: _("Only contacts of their own teams, or that they own"),
}
SCOPE_TEXTS = {
    TokenScope.READ: _("Read contacts, invoices and runs"),
    TokenScope.WRITE: _("Read and change contacts"),
    TokenScope.ADMIN: _("Also settings and connections"),
    TokenScope.ERP: _("Push ERP data, nothing else"),
}
LIFETIMES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("1 year")), ("", _("No end"))]


class LineField(forms.CharField):
    """One line of text for names: no line breaks, which could forge the head of an e-mail."""

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if has_control(text):
            raise ValidationError(gettext("Use one line without special characters."), code="control")
        return text


def offer(form: forms.BaseForm, name: str, choices: Iterable[tuple[Any, Any]]) -> None:
    """Say what one of the form's choice fields has to choose from."""
    cast(forms.ChoiceField, form.fields[name]).choices = list(choices)


class RefusableForm(forms.Form):
    """A form that can show why the domain said no."""

    def refuse(self, error: Refused) -> None:
        self.add_error(error.field if error.field in self.fields else None, ValidationError(error.message, code=error.code))


class SignupForm(forms.Form):
    """What sign-up asks besides e-mail and password; `AccountAdapter.save_user` acts on it."""

    name = LineField(label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}))
    workspace_name = LineField(
        label=_("Workspace name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        help_text=_("Mostly the name of your company."),
    )
    field_order = ["name", "workspace_name", "email", "password1"]

    def signup(self, request: HttpRequest, user: User) -> None:
        """Asked for by allauth; everything is done by the adapter, in one transaction with the user."""


@functools.cache
def time_zones() -> list[tuple[str, str]]:
    names = sorted(
        name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/", "right/", "SystemV/"))
    )
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


@functools.cache
def _currencies() -> list[str]:
    return sorted({code for country in country_codes() for code in get_territory_currencies(country)})


def currency_choices(locale: Locale) -> list[tuple[str, str]]:
    return [(code, f"{code} – {get_currency_name(code, locale=locale)}") for code in _currencies()]


class WorkspaceForm(RefusableForm):
    name = LineField(label=_("Workspace name"), max_length=120)
    country = forms.ChoiceField(label=_("Country"), help_text=_("For addresses, tax ids and the way dates and amounts are written."))
    currency = forms.ChoiceField(label=_("Currency"))
    time_zone = forms.ChoiceField(label=_("Time zone"), help_text=_("What “today” is: for due dates, nightly jobs and logs."))
    language = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, help_text=_("For mail to people who have not chosen one.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = translation.get_language() or "en"
        offer(self, "country", country_choices(language))
        offer(self, "currency", currency_choices(parse_locale(language)))
        offer(self, "time_zone", time_zones())

    @classmethod
    def of(cls, workspace: Workspace) -> WorkspaceForm:
        return cls(initial={name: getattr(workspace, name) for name in cls.base_fields})


class NewWorkspaceForm(forms.Form):
    name = LineField(label=_("Workspace name"), max_length=120, widget=forms.TextInput(attrs={"autofocus": True}))


class ProfileForm(forms.Form):
    name = LineField(label=_("Your name"), max_length=120)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    theme = forms.ChoiceField(label=_("Look"), choices=THEMES, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "time_zone", [("", _("As the workspace")), *time_zones()])


class PlaceForm(RefusableForm):
    """Role and teams, of a member or of an invitation."""

    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect, initial=Role.MEMBER)
    teams = forms.MultipleChoiceField(label=_("Teams"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, actor: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "role", [(role, f"{role.label}: {ROLE_TEXTS[role]}") for role in assignable_roles(actor)])
        teams = [(str(team.pk), team.name) for team in Team.objects.filter(workspace=actor.workspace).order_by("name")]
        offer(self, "teams", teams)
        if not teams:
            del self.fields["teams"]

    def team_ids(self) -> list[int]:
        return [int(pk) for pk in self.cleaned_data.get("teams", [])]


class InvitationForm(PlaceForm):
    email = forms.EmailField(label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autofocus": True}))
    field_order = ["email", "role", "teams"]


class TeamForm(RefusableForm):
    name = LineField(label=_("Team name"), max_length=80, widget=forms.TextInput(attrs={"autofocus": True}))


class TokenForm(RefusableForm):
    name = LineField(
        label=_("Name"),
        max_length=80,
        help_text=_("What uses it, so that you know what stops when you revoke it."),
        widget=forms.TextInput(attrs={"autofocus": True}),
    )
    scopes = forms.MultipleChoiceField(label=_("May do"), widget=forms.CheckboxSelectMultiple, initial=[TokenScope.READ])
    days = forms.ChoiceField(label=_("Valid for"), choices=LIFETIMES, required=False, initial="365")

    def __init__(self, *args: Any, actor: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "scopes", [(scope.value, f"{scope.label}: {SCOPE_TEXTS[scope]}") for scope in allowed_scopes(actor)])


class JoinForm(RefusableForm):
    """A new account for an invited person; the link has proven the address."""

    name = LineField(label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}))
    password = forms.CharField(
        label=_("Password"), max_length=1000, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._invitation = invitation

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password, user=User(email=self._invitation.email, name=self.cleaned_data.get("name", "")))
        return password
