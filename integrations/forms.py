"""Forms made from a manifest: no provider has one of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, Workspace
from integrations.domain.answers import LONGEST, is_asked, url_fields
from integrations.domain.choices import Offered
from integrations.domain.settings import InvalidSettings, clean_settings
from integrations.engine.provider import FieldSpec, FieldType, Manifest

FEW = 4  # so many choices are shown at once


@dataclass(frozen=True, slots=True)
class Section:
    """Settings under one heading; those without one come first."""

    title: str
    fields: list[BoundField]


class SettingsForm(forms.Form):
    """The questions of a connection. What `clean_settings` refuses stands beside its field.

    `offered`: what the vendor's account has to choose from. None: it cannot be asked yet, and such questions are left out.
    """

    def __init__(
        self,
        *args: Any,
        manifest: Manifest,
        workspace: Workspace,
        offered: Offered | None = None,
        known: Mapping[str, Any] | None = None,
        remarks: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("initial", _begin_with(known, offered))
        super().__init__(*args, **kwargs)
        self.manifest = manifest
        self.workspace = workspace
        self.known = known
        for spec in manifest.settings:
            if spec.type is not FieldType.REMOTE_CHOICE:
                self.fields[spec.key] = field_of(spec, workspace)
            elif offered is not None:
                self.fields[spec.key] = _remote_choice(spec, offered, str(self.initial.get(spec.key) or ""), manifest)
        for key, words in (remarks or {}).items():
            if key in self.fields:
                self.fields[key].help_text = " ".join(part for part in (words, str(self.fields[key].help_text)) if part)
        self._hide_what_is_not_asked()
        self._say_what_is_needed()

    @property
    def sections(self) -> Iterator[Section]:
        specs = [spec for spec in self.manifest.settings if spec.key in self.fields]
        for title in dict.fromkeys(["", *(spec.section for spec in specs)]):
            found = [self[spec.key] for spec in specs if spec.section == title]
            if found:
                yield Section(gettext(title) if title else "", found)

    def _hide_what_is_not_asked(self) -> None:
        """Small JS shows them when the other answer is given (static/js/forms.js)."""
        for spec in self.manifest.settings:
            if spec.when and spec.key in self.fields and spec.when[0] in self.fields:
                attributes = self.fields[spec.when[0]].widget.attrs
                shown = [attributes["data-shows"]] if "data-shows" in attributes else []
                attributes["data-shows"] = ", ".join([*shown, f"#{self[spec.key].auto_id}"])
                attributes["data-shows-when"] = {True: "on", False: ""}.get(spec.when[1], str(spec.when[1]))

    def _say_what_is_needed(self) -> None:
        """The form may be saved without; "optional" would be the wrong word for it all the same (django/forms/field.html)."""
        for spec in self.manifest.settings:
            if spec.needed_unless and spec.key in self.fields:
                setting, value = spec.needed_unless
                answer = self.data.get(setting) if self.is_bound else self.initial.get(setting)
                self.fields[spec.key].is_needed = (answer or value) != value  # type: ignore[attr-defined]  # read by the template

    def clean(self) -> dict[str, Any]:
        given = {key: value for key, value in self.cleaned_data.items() if key in self.fields}
        for spec in self.manifest.settings:
            if not is_asked(spec, given):
                self.errors.pop(spec.key, None)
        try:
            return clean_settings(self.manifest, given, self.workspace, known=self.known)
        except InvalidSettings as refused:
            for key, message in refused.errors.items():
                if key not in self.errors:
                    self.add_error(key if key in self.fields else None, message)
            return given


class SecretsForm(forms.Form):
    """Keys of a provider without a consent page. They are written, never shown again."""

    def __init__(self, *args: Any, manifest: Manifest, hints: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for spec in manifest.secrets:
            self.fields[spec.key] = _secret(spec, hint=(hints or {}).get(spec.key, ""))

    def clean(self) -> dict[str, Any]:
        return {key: value.strip() for key, value in self.cleaned_data.items()}


def field_of(spec: FieldSpec, workspace: Workspace) -> forms.Field:
    """The form field of one setting."""
    common: dict[str, Any] = {"label": gettext(spec.label), "help_text": gettext(spec.help) if spec.help else "", "initial": spec.default}
    if spec.type is FieldType.BOOLEAN:
        return forms.BooleanField(required=False, **common)
    if spec.type is FieldType.CHOICE:
        return _choice([(value, gettext(label)) for value, label in spec.choices], spec, common)
    if spec.type is FieldType.TEAM:
        return forms.ChoiceField(choices=_teams(workspace), required=False, **common)
    if spec.type is FieldType.URL_FIELD:
        fields = [("", _("None")), *((field.key, field.label) for field in url_fields(workspace))]
        return forms.ChoiceField(choices=fields, required=spec.required, **common)
    if spec.type is FieldType.INTEGER:
        lowest, highest = 0 if spec.minimum is None else spec.minimum, 1_000_000 if spec.maximum is None else spec.maximum
        return forms.IntegerField(required=spec.required, min_value=lowest, max_value=highest, **common)
    if spec.type is FieldType.SECRET:
        return _secret(spec)
    return forms.CharField(required=spec.required, max_length=LONGEST, **common)


def _begin_with(known: Mapping[str, Any] | None, offered: Offered | None) -> dict[str, Any]:
    """The answers that there are; where there is none, what the vendor's account suggests."""
    suggested = offered.suggested if offered else {}
    found = dict(known or {})
    return found | {key: value for key, value in suggested.items() if not found.get(key)}


def _remote_choice(spec: FieldSpec, offered: Offered, value: str, manifest: Manifest) -> forms.Field:
    """A select of what the account has; a line of text while the vendor does not answer."""
    common: dict[str, Any] = {"label": gettext(spec.label), "help_text": gettext(spec.help) if spec.help else "", "required": spec.required}
    if spec.key not in offered.choices:
        return forms.CharField(max_length=LONGEST, **common)
    choices = list(offered.choices[spec.key])
    if value and value not in dict(choices):
        gone = gettext("%(value)s: not in %(vendor)s any more") % {"value": value, "vendor": manifest.label}
        choices.append((value, gone))
    return forms.ChoiceField(choices=[("", _("Not chosen yet")), *choices], **common)


def _choice(choices: list[tuple[str, str]], spec: FieldSpec, common: dict[str, Any]) -> forms.ChoiceField:
    widget = forms.RadioSelect if len(choices) <= FEW else forms.Select
    shown = choices if spec.required or spec.default is not None else [("", _("None")), *choices]
    return forms.ChoiceField(choices=shown, required=spec.required or spec.default is not None, widget=widget, **common)


def _teams(workspace: Workspace) -> list[tuple[str, Any]]:
    teams = Team.objects.filter(workspace=workspace).order_by("name").values_list("slug", "name")
    return [("", _("No team: everyone sees it")), *teams]


def _secret(spec: FieldSpec, *, hint: str = "") -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False)
    words = " ".join(part for part in (gettext(spec.help) if spec.help else "", hint) if part)
    return forms.CharField(label=gettext(spec.label), help_text=words, required=spec.required, max_length=4000, widget=widget)
