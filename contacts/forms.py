"""Forms of the contacts screens. They hold what was typed; `contacts.domain.validate` says what is right, for the API as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel import Locale
from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import BaseFormSet, formset_factory
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.forms import offer
from accounts.models import Membership
from contacts import panels
from contacts.domain import tags as tags_domain
from contacts.domain.faults import FieldError
from contacts.domain.validate import COUNTRIES
from contacts.domain.visibility import owners, teams
from contacts.enums import CustomFieldKind, Kind, LifeCycle
from contacts.models import Contact, CustomField
from contacts.panels import Remark
from crmsync.lib.text import fold

Choices = list[tuple[Any, Any]]


def country_choices() -> Choices:
    names = Locale.parse((get_language() or "en").replace("-", "_")).territories
    return [("", "–"), *sorted(((code, names.get(code, code)) for code in COUNTRIES), key=lambda pair: fold(pair[1]))]


class Entry(forms.Form):
    """One row of a repeated part."""

    label = forms.CharField(label=_("Label"), required=False, widget=forms.TextInput(attrs={"placeholder": _("Work")}))


class EmailEntry(Entry):
    email = forms.CharField(
        label=_("E-mail"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ["email", "label"]


class PhoneEntry(Entry):
    number = forms.CharField(label=_("Phone"), required=False, widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}))
    field_order = ["number", "label"]


class AddressEntry(Entry):
    line1 = forms.CharField(label=_("Address line 1"), required=False)
    line2 = forms.CharField(label=_("Address line 2"), required=False)
    city = forms.CharField(label=_("City"), required=False)
    region = forms.CharField(label=_("Region"), required=False)
    postcode = forms.CharField(label=_("Postcode"), required=False)
    country = forms.ChoiceField(label=_("Country"), required=False)
    field_order = ["line1", "line2", "city", "region", "postcode", "country", "label"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "country", country_choices())


ENTRIES: dict[str, type[Entry]] = {"emails": EmailEntry, "phones": PhoneEntry, "addresses": AddressEntry}
SETS: dict[str, type[BaseFormSet[Any]]] = {
    name: formset_factory(entry, can_order=True, can_delete=True, extra=0, max_num=50, absolute_max=200) for name, entry in ENTRIES.items()
}


class ContactForm(forms.Form):
    """The single values of a contact."""

    kind = forms.ChoiceField(label=_("Kind"), choices=Kind.choices, required=False, widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), widget=forms.TextInput(attrs={"autocomplete": "off"}))
    first_name = forms.CharField(label=_("First name"), required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    last_name = forms.CharField(label=_("Last name"), required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    job_title = forms.CharField(label=_("Job title"), required=False)
    organisation = forms.CharField(required=False, widget=forms.HiddenInput)
    legal_name = forms.CharField(label=_("Legal name"), required=False)
    trade_name = forms.CharField(label=_("Trade name"), required=False)
    tax_id = forms.CharField(label=_("Tax id"), required=False, help_text=_("VAT, company or personal tax number."))
    website = forms.CharField(label=_("Website"), required=False, widget=forms.TextInput(attrs={"inputmode": "url"}))
    life_cycle = forms.ChoiceField(label=_("Life cycle"), choices=LifeCycle.choices, required=False)
    owner = forms.ChoiceField(label=_("Owner"), required=False)
    team = forms.ChoiceField(label=_("Team"), required=False, help_text=_("A contact with a team is seen by that team only."))
    tags = forms.CharField(label=_("Tags"), required=False, help_text=_("Separate tags with a comma."))
    notes = forms.CharField(label=_("About"), required=False, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, membership: Membership, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.set_choices("owner", [("", _("Nobody")), *((user.pk, str(user)) for user in owners(membership.workspace))])
        self.set_choices("team", [("", _("No team")), *((team.pk, team.name) for team in teams(membership))])
        if kind == Kind.PERSON:
            del self.fields["legal_name"], self.fields["trade_name"]
            self.fields["name"].required = False
            self.fields["name"].label = _("Full name")
            self.fields["name"].help_text = _("Leave it empty to use first and last name.")
        else:
            del self.fields["first_name"], self.fields["last_name"], self.fields["job_title"], self.fields["organisation"]
        widget = self.fields["tags"].widget
        widget.attrs |= {"data-tags": True, "data-suggestions": "tag-suggestions", "autocomplete": "off"}

    def set_choices(self, name: str, choices: Choices) -> None:
        """A value that may no longer be chosen stays choosable while it is the contact's."""
        held = self.initial.get(name)
        if held and held not in [value for value, _label in choices]:
            choices.append((held, self.initial.get(f"{name}_label", held)))
        offer(self, name, choices)


class CustomForm(forms.Form):
    """The workspace's own fields; any value is let in, the domain judges it."""

    def __init__(self, *args: Any, fields: Sequence[CustomField], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for item in fields:
            self.fields[item.key] = _field_for(item)


def _field_for(item: CustomField) -> forms.Field:
    common: dict[str, Any] = {"label": item.label, "required": False}
    if item.kind == CustomFieldKind.CHOICE:
        return forms.ChoiceField(choices=[("", "–"), *((choice, choice) for choice in item.choices)], **common)
    if item.kind == CustomFieldKind.BOOLEAN:
        return forms.ChoiceField(choices=[("", "–"), ("true", _("Yes")), ("false", _("No"))], **common)
    if item.kind == CustomFieldKind.DATE:
        return forms.CharField(widget=forms.DateInput(attrs={"type": "date"}), **common)
    modes = {CustomFieldKind.NUMBER: "decimal", CustomFieldKind.URL: "url"}
    attrs = {"inputmode": modes[CustomFieldKind(item.kind)]} if item.kind in modes else {}
    return forms.CharField(widget=forms.TextInput(attrs=attrs), **common)


FIRST = {"email": ("emails", "email"), "phone": ("phones", "number"), "address": ("addresses", "line1")}


class Editor:
    """The whole form of one contact: single values, three repeated parts, the workspace's own fields."""

    def __init__(
        self,
        membership: Membership,
        *,
        kind: str,
        fields: Sequence[CustomField],
        contact: Contact | None = None,
        data: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.kind = kind
        first = initial_values(contact) if contact else {"kind": kind, **(initial or {})}
        self.form = ContactForm(data, membership=membership, kind=kind, initial=first)
        self.sets = {name: made(data, prefix=name, initial=_entries(contact, name, first)) for name, made in SETS.items()}
        self.custom = CustomForm(data, fields=fields, prefix="custom", initial=_custom_initial(contact, fields))
        self.suggestions = tags_domain.known(membership.workspace)
        self.field_paths: dict[str, tuple[forms.BaseForm, str]] = {}

    @property
    def emails(self) -> BaseFormSet[Any]:
        return self.sets["emails"]

    @property
    def phones(self) -> BaseFormSet[Any]:
        return self.sets["phones"]

    @property
    def addresses(self) -> BaseFormSet[Any]:
        return self.sets["addresses"]

    def api_data(self) -> dict[str, Any]:
        """What was typed, in the words of the API."""
        self.form.full_clean()
        self.custom.full_clean()
        data = {name: self.form[name].data or "" for name in self.form.fields if name not in ("version", "tags")}
        data["kind"] = self.kind
        data["tags"] = [tag.strip() for tag in (self.form["tags"].data or "").split(",") if tag.strip()]
        data["custom_fields"] = {key: self.custom[key].data for key in self.custom.fields}
        for name, rows in self.sets.items():
            if rows.management_form.is_valid():
                data[name] = self._typed(name, rows)
        return data

    def _typed(self, name: str, rows: BaseFormSet[Any]) -> list[dict[str, str]]:
        kept = [form for form in rows.forms if not form["DELETE"].data]
        kept.sort(key=_order)
        for index, form in enumerate(kept):
            form.errors.clear()
            for part in ENTRIES[name].base_fields:
                self.field_paths[f"{name}[{index}].{part}"] = (form, part)
        return [{part: form[part].data or "" for part in ENTRIES[name].base_fields} for form in kept]

    def show(self, errors: Sequence[FieldError]) -> None:
        """Put each fault beside its field."""
        self.form.errors.clear()
        for error in errors:
            form, name = self._place(error.field)
            form.add_error(name, error.message)

    def remark(self, remarks: Sequence[Remark]) -> None:
        """Put what other systems said about the stored values beside their fields, before anything is typed."""
        for each in remarks:
            form, name = self._stored_place(each.field)
            form.errors.setdefault(name or NON_FIELD_ERRORS, form.error_class()).append(each.words)

    def _stored_place(self, path: str) -> tuple[forms.BaseForm, str | None]:
        name, _dot, part = path.partition(".")
        if name in FIRST:
            rows, usual = FIRST[name]
            form = self.sets[rows].forms[0]
            return form, part if part in form.fields else usual
        if path in self.custom.fields:
            return self.custom, path
        return self._place(path)

    def _place(self, path: str) -> tuple[forms.BaseForm, str | None]:
        if path in self.field_paths:
            return self.field_paths[path]
        key = path.removeprefix("custom_fields.")
        if key != path and key in self.custom.fields:
            return self.custom, key
        name = path.partition("[")[0]
        return self.form, name if name in self.form.fields and name != "kind" else None


def _order(form: forms.BaseForm) -> int:
    text = str(form["ORDER"].data or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 10_000


def initial_values(contact: Contact) -> dict[str, Any]:
    names = ("kind", "version", "name", "first_name", "last_name", "job_title", "legal_name", "trade_name", "tax_id", "website", "notes")
    values = {name: getattr(contact, name) for name in names}
    references = {"organisation": contact.organisation_id or "", "owner": contact.owner_id or "", "team": contact.team_id or ""}
    labels = {"owner_label": str(contact.owner or ""), "team_label": str(contact.team or "")}
    return values | references | labels | {"life_cycle": contact.life_cycle, "tags": ", ".join(contact.tags)}


def _entries(contact: Contact | None, name: str, first: Mapping[str, Any]) -> list[dict[str, str]]:
    rows = getattr(contact, name) if contact else first.get(name, [])
    return rows or [{}]


def _custom_initial(contact: Contact | None, fields: Sequence[CustomField]) -> dict[str, Any]:
    held = contact.custom if contact else {}
    return {
        item.key: str(value).lower() if isinstance(value, bool) else value for item in fields if (value := held.get(item.key)) is not None
    }


class QuickForm(forms.Form):
    """A name and a way to reach it; the rest can wait."""

    kind = forms.ChoiceField(label=_("Kind"), choices=Kind.choices, widget=forms.RadioSelect, initial=Kind.PERSON)
    name = forms.CharField(label=_("Name"), widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.CharField(label=_("E-mail"), required=False, widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off"}))
    phone = forms.CharField(label=_("Phone"), required=False, widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}))


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("Note"), widget=forms.Textarea(attrs={"rows": 2, "placeholder": _("Write a note…"), "aria-label": _("Note")})
    )


@dataclass(frozen=True, slots=True)
class Offers:
    """What a list may be filtered by and its rows be given: read once per page."""

    people: list[tuple[str, str]]
    teams: list[tuple[str, str]]
    tags: list[str]

    @classmethod
    def of(cls, membership: Membership) -> Offers:
        return cls(
            people=[(str(user.pk), str(user)) for user in owners(membership.workspace)],
            teams=[(str(team.pk), team.name) for team in teams(membership)],
            tags=tags_domain.known(membership.workspace),
        )


class FilterForm(forms.Form):
    """The list's filters: selects that submit by themselves."""

    def __init__(self, *args: Any, membership: Membership, offers: Offers, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(pk, name) for pk, name in offers.people if pk != str(membership.user_id)]
        self._add("kind", _("Kind"), [("", _("Kind")), *Kind.choices])
        self._add("owner", _("Owner"), [("", _("Owner")), ("me", _("Me")), ("none", _("Nobody")), *people])
        if offers.teams:
            self._add("team", _("Team"), [("", _("Team")), ("none", _("No team")), *offers.teams])
        if offers.tags:
            self._add("tag", _("Tag"), [("", _("Tag")), *((tag, tag) for tag in offers.tags)])
        self._add("life_cycle", _("Life cycle"), [("", _("Life cycle")), *LifeCycle.choices[1:], ("none", _("Not set"))])
        for item in panels.offered_filters(membership.workspace):
            options = item.options(membership) if item.options else []
            if options:
                self._add(item.key, item.label, [("", item.label), *options])
            elif item.is_day:
                attrs = {"type": "date", "data-filter": item.key, "aria-label": item.label, "max": "9999-12-31"}
                self.fields[item.key] = forms.CharField(label=str(item.label), required=False, widget=forms.DateInput(attrs=attrs))
        self._add("sort", _("Order"), [("", _("By name")), ("changed", _("Recently changed"))])

    def _add(self, name: str, label: Any, choices: Choices) -> None:
        widget = forms.Select(attrs={"aria-label": label, "data-filter": name})
        self.fields[name] = forms.ChoiceField(label=label, choices=choices, required=False, widget=widget)


class BulkForm(forms.Form):
    """What may be done to the picked rows of the list."""

    tag = forms.CharField(label=_("Tag"), required=False, widget=forms.TextInput(attrs={"list": "tag-suggestions", "autocomplete": "off"}))
    owner = forms.ChoiceField(label=_("Owner"), required=False)
    team = forms.ChoiceField(label=_("Team"), required=False)

    def __init__(self, *args: Any, offers: Offers, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.suggestions = offers.tags
        offer(self, "owner", [("none", _("Nobody")), *offers.people])
        offer(self, "team", [("none", _("No team")), *offers.teams])


class TagForm(forms.Form):
    name = forms.CharField(label=_("Tag"), max_length=60)


class CustomFieldForm(forms.Form):
    """A field of the workspace's own; its type is fixed once it exists."""

    label = forms.CharField(label=_("Name"), max_length=80)
    kind = forms.ChoiceField(label=_("Type"), choices=CustomFieldKind.choices, widget=forms.Select(attrs={"data-shows": "#id_choices"}))
    choices = forms.CharField(
        label=_("Choices"), required=False, widget=forms.Textarea(attrs={"rows": 4}), help_text=_("One on each line.")
    )
    applies_to = forms.ChoiceField(
        label=_("For"),
        required=False,
        choices=[("", _("People and organisations")), (Kind.PERSON, _("People")), (Kind.ORGANISATION, _("Organisations"))],
    )

    def __init__(self, *args: Any, field: CustomField | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].widget.attrs["data-shows-when"] = CustomFieldKind.CHOICE
        if field is not None:
            del self.fields["kind"]
            if field.kind != CustomFieldKind.CHOICE:
                del self.fields["choices"]
        for name in {"choices", "applies_to"} & set(self.fields):
            self.fields[name].is_needed = True  # type: ignore[attr-defined]  # read by the template: a choice needs its choices
