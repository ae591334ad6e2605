"""What an administrator may set of the ERP data. Errors stand beside their field."""

from __future__ import annotations

import ssl
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.forms import LIFETIMES, LineField, offer
from erp_history.domain.openers import usable_engines
from erp_history.domain.tables import TABLES
from erp_history.models import ErpSource

DATE_FORMATS = [("iso", "2026-12-31"), ("dd/mm/yyyy", "31/12/2026"), ("mm/dd/yyyy", "12/31/2026"), ("yyyymmdd", "20261231")]
DECIMAL_SIGNS = [(".", "1234.56"), (",", "1.234,56")]
ENCODINGS = [("utf-8", "UTF-8"), ("latin-1", "ISO-8859-1"), ("cp1252", "Windows-1252")]
FLAGS = [("one_is_true", _("1 is yes, 2 is no")), ("one_is_false", _("1 is no, 2 is yes"))]
OUTCOMES = [
    ("", _("All requests")),
    ("taken", _("Everything taken")),
    ("rejected", _("With rejected rows")),
    ("refused", _("Refused as a whole")),
]


class GeneralForm(forms.ModelForm):
    """What is integrated, how far it is, and when its nights run."""

    class Meta:
        model = ErpSource
        fields = ["integration", "erp_name", "erp_version", "deployment", "schedule_time", "max_silence_hours", "active", "note"]
        labels = {
            "integration": _("Integration type"),
            "erp_name": _("ERP"),
            "erp_version": _("ERP version"),
            "deployment": _("Deployment status"),
            "schedule_time": _("Schedule"),
            "max_silence_hours": _("Maximum time without success (hours)"),
            "active": _("Active"),
            "note": _("Business rule in your own words"),
        }
        help_texts = {
            "integration": _("API: the ERP sends its data here. View: crmsync reads views of the ERP's database."),
            "deployment": _("The first data that arrive set it to “In progress”. Set it to “Completed” when all tables come every day."),
            "schedule_time": _("When the run starts every day, by the workspace's clock."),
            "max_silence_hours": _("After this time without a successful run, owner and administrators get an e-mail."),
            "active": _("Runs start by themselves. Data are received in any case."),
        }
        widgets = {
            "schedule_time": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "note": forms.Textarea(attrs={"rows": 4}),
            "integration": forms.RadioSelect,
        }


class RulesForm(forms.ModelForm):
    """How the ERP writes its values, and the rules of curve and categories."""

    date_format = forms.ChoiceField(label=_("Dates"), choices=DATE_FORMATS)
    decimal_sign = forms.ChoiceField(label=_("Amounts"), choices=DECIMAL_SIGNS)
    encoding = forms.ChoiceField(label=_("Encoding"), choices=ENCODINGS, help_text=_("Used when a request does not name one."))
    blocked_flag = forms.ChoiceField(label=_("Flags written 1 and 2"), choices=FLAGS)
    abc_a = forms.DecimalField(
        label=_("Class A up to (%)"), min_value=1, max_value=100, max_digits=5, decimal_places=2, help_text=_("of all revenue")
    )
    abc_b = forms.DecimalField(
        label=_("Class B up to (%)"),
        min_value=1,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        help_text=_("of all revenue; the rest is C"),
    )
    new_days = forms.IntegerField(label=_("New: first purchase within (days)"), min_value=1, max_value=3650)
    active_days = forms.IntegerField(label=_("Active: last purchase within (days)"), min_value=1, max_value=3650)
    risk_days = forms.IntegerField(label=_("At risk: last purchase within (days)"), min_value=1, max_value=3650)
    prospect_days = forms.IntegerField(label=_("Prospect: quote or activity within (days)"), min_value=1, max_value=3650)

    class Meta:
        model = ErpSource
        fields = [
            "date_format", "decimal_sign", "encoding", "blocked_flag", "abc_months", "abc_a", "abc_b",
            "new_days", "active_days", "risk_days", "prospect_days", "retention_days",
        ]  # fmt: skip
        labels = {"abc_months": _("Window (months)"), "retention_days": _("Days that requests are kept")}
        help_texts = {"retention_days": _("The tab History shows at most the last 7 days of them.")}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        first, second = data.get("abc_a"), data.get("abc_b")
        if first is not None and second is not None and first >= second:
            self.add_error("abc_b", gettext("This must be more than the limit of class A."))
        active, risk = data.get("active_days"), data.get("risk_days")
        if active is not None and risk is not None and active >= risk:
            self.add_error("risk_days", gettext("This must be more than the days of “Active”."))
        return data


class ViewForm(forms.ModelForm):
    """The address of the ERP's own database. It is written, never shown again; empty lines keep what is stored."""

    host = LineField(label=_("Host"), max_length=253, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}))
    port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, required=False, help_text=_("Empty: the usual one."))
    database = LineField(label=_("Database"), max_length=128)
    user = LineField(label=_("User"), max_length=128, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    password = forms.CharField(
        label=_("Password"), max_length=1000, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    tls = forms.BooleanField(label=_("Encrypted connection (TLS)"), required=False, initial=True)
    ca = forms.CharField(
        label=_("Certificates of who signed the server's (PEM)"), max_length=100_000, required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "placeholder": "-----BEGIN CERTIFICATE-----"}),
        help_text=_("With them the server must prove its name. Empty: any certificate is taken."),
    )  # fmt: skip
    field_order = ["engine", "host", "port", "database", "view_schema", "user", "password", "tls", "ca"]

    class Meta:
        model = ErpSource
        fields = ["engine", "view_schema"]
        labels = {"engine": _("Database system"), "view_schema": _("Schema")}
        help_texts = {
            "engine": _("SQL Server and Oracle can be chosen where the server's operator has switched them on."),
            "view_schema": _("Where the views vw_crm_… stand. Empty: the user's own."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "engine", [(engine.value, engine.label) for engine in usable_engines()])

    def clean_view_schema(self) -> str:
        schema = str(self.cleaned_data["view_schema"]).strip()
        if schema and not schema.replace("_", "").replace("$", "").isalnum():
            raise forms.ValidationError(gettext("Use letters, digits and _ only."))
        return schema

    def clean_ca(self) -> str:
        text = str(self.cleaned_data["ca"]).strip()
        try:
            ssl.create_default_context(cadata=text or None)
        except (ssl.SSLError, ValueError) as error:
            raise forms.ValidationError(gettext("These are no certificates in PEM format.")) from error
        return text

    @property
    def secrets(self) -> dict[str, Any]:
        """What the vault keeps."""
        return {name: self.cleaned_data[name] for name in ("host", "port", "database", "user", "password", "tls", "ca")}


class TokenForm(forms.Form):
    """A token that may push ERP data and nothing else."""

    name = LineField(label=_("Name"), max_length=80, help_text=_("What uses it, for example the name of the ERP's server."))
    days = forms.ChoiceField(label=_("Valid for"), choices=LIFETIMES, required=False, initial="365")


class HistoryForm(forms.Form):
    """Which requests the history shows and exports."""

    first = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    outcome = forms.ChoiceField(label=_("Status"), choices=OUTCOMES, required=False)
    key = forms.CharField(label=_("Key"), max_length=200, required=False, widget=forms.TextInput(attrs={"placeholder": _("Key of a row")}))
    tables = forms.MultipleChoiceField(label=_("Tables"), required=False, choices=[(name, name) for name in TABLES])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.is_needed = True  # type: ignore[attr-defined]  # that a filter may be left out need not be said

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        first, last = data.get("first"), data.get("last")
        if first and last and first > last:
            self.add_error("last", gettext("This day is before the first one."))
        return data
