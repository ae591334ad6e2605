"""Forms made from a manifest: no provider has one of its own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, Workspace
from integrations.domain.settings import InvalidSettings, clean_settings
from integrations.engine.provider import FieldSpec, FieldType, Manifest

FEW = 4  # so many choices are shown at once


class SettingsForm(forms.Form):
    """The questions of a connection. What `clean_settings` refuses stands beside its field."""

    def __init__(self, *args: Any, manifest: Manifest, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.manifest = manifest
        self.workspace = workspace
        for spec in manifest.settings:
            self.fields[spec.key] = field_of(spec, workspace)

    def clean(self) -> dict[str, Any]:
        given = {key: value for key, value in self.cleaned_data.items() if key in self.fields}
        if self.errors:
            return given
        try:
            return clean_settings(self.manifest, given, self.workspace)
        except InvalidSettings as refused:
            for key, message in refused.errors.items():
                self.add_error(key if key in self.fields else None, message)
            return given


class SecretsForm(forms.Form):
    """Keys of a provider without a consent page. They are written, never shown again."""

    def __init__(self, *args: Any, manifest: Manifest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for spec in manifest.secrets:
            self.fields[spec.key] = _secret(spec)


def field_of(spec: FieldSpec, workspace: Workspace) -> forms.Field:
    """The form field of one setting."""
    common: dict[str, Any] = {"label": gettext(spec.label), "help_text": gettext(spec.help) if spec.help else "", "initial": spec.default}
    if spec.type is FieldType.BOOLEAN:
        return forms.BooleanField(required=False, **common)
    if spec.type is FieldType.CHOICE:
        return _choice([(value, gettext(label)) for value, label in spec.choices], spec, common)
    if spec.type is FieldType.TEAM:
        return forms.ChoiceField(choices=_teams(workspace), required=False, **common)
    if spec.type is FieldType.INTEGER:
        return forms.IntegerField(required=spec.required, min_value=0, max_value=1_000_000, **common)
    if spec.type is FieldType.SECRET:
        return _secret(spec)
    return forms.CharField(required=spec.required, max_length=300, **common)


def _choice(choices: list[tuple[str, str]], spec: FieldSpec, common: dict[str, Any]) -> forms.ChoiceField:
    widget = forms.RadioSelect if len(choices) <= FEW else forms.Select
    shown = choices if spec.required or spec.default is not None else [("", _("None")), *choices]
    return forms.ChoiceField(choices=shown, required=spec.required or spec.default is not None, widget=widget, **common)


def _teams(workspace: Workspace) -> list[tuple[str, Any]]:
    teams = Team.objects.filter(workspace=workspace).order_by("name").values_list("slug", "name")
    return [("", _("No team: everyone sees it")), *teams]


def _secret(spec: FieldSpec) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False)
    return forms.CharField(
        label=gettext(spec.label), help_text=gettext(spec.help) if spec.help else "", required=spec.required, max_length=4000, widget=widget
    )
