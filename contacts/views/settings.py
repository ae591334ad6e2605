"""Settings of contacts: tags and the workspace's own fields."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.views.guards import admin_required
from contacts.domain import custom
from contacts.domain import tags as tags_domain
from contacts.domain.faults import Invalid
from contacts.forms import CustomFieldForm, TagForm
from contacts.models import CustomField, Tag
from contacts.tasks import finish_tag_after_commit
from contacts.views.common import address, membership_of, origin_of

AT_ONCE = 2000


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def tags(request: HttpRequest) -> HttpResponse:
    workspace = membership_of(request).workspace
    form = TagForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            tags_domain.create(workspace, form.cleaned_data["name"])
        except Invalid as faults:
            form.add_error("name", faults.errors[0].message)
        else:
            return HttpResponseRedirect(address(request, "settings_tags"))
    return render(
        request,
        "contacts/settings_tags.html",
        {"rows": tags_domain.with_counts(workspace), "form": form},
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def tag(request: HttpRequest, pk: int) -> HttpResponse:
    workspace = membership_of(request).workspace
    found = get_object_or_404(Tag, workspace=workspace, pk=pk)
    form = TagForm(request.POST if request.method == "POST" else None, initial={"name": found.name})
    if request.method == "POST" and form.is_valid():
        try:
            name = tags_domain.check_name(form.cleaned_data["name"])
        except Invalid as faults:
            form.add_error("name", faults.errors[0].message)
        else:
            _replace(request, found, name)
            return HttpResponseRedirect(address(request, "settings_tags"))
    return render(request, "contacts/settings_tag.html", {"tag": found, "form": form}, status=422 if form.errors else 200)


@require_POST
@admin_required
def tag_delete(request: HttpRequest, pk: int) -> HttpResponse:
    workspace = membership_of(request).workspace
    found = get_object_or_404(Tag, workspace=workspace, pk=pk)
    _replace(request, found, "")
    return HttpResponseRedirect(address(request, "settings_tags"))


def _replace(request: HttpRequest, tag: Tag, name: str) -> None:
    """At once when few contacts carry the tag, else in the background; no name takes it off them."""
    workspace, origin = membership_of(request).workspace, origin_of(request)
    number = tags_domain.number_of(workspace, tag)
    if number > AT_ONCE:
        tags_domain.ask(workspace, tag, name, user=membership_of(request).user)
        finish_tag_after_commit(tag)
        messages.info(request, _("%(number)d contacts are being changed. This takes a minute or two.") % {"number": number})
        return
    number = tags_domain.replace(workspace, tag, name, origin=origin)
    messages.success(request, ngettext("%(number)d contact changed.", "%(number)d contacts changed.", number) % {"number": number})


@require_http_methods(["GET", "HEAD"])
@admin_required
def fields(request: HttpRequest) -> HttpResponse:
    found = CustomField.objects.filter(workspace=membership_of(request).workspace).order_by("-enabled", "position", "pk")
    return render(request, "contacts/settings_fields.html", {"fields": found})


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def field_create(request: HttpRequest) -> HttpResponse:
    form = CustomFieldForm(request.POST if request.method == "POST" else None)
    return _save(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def field(request: HttpRequest, pk: int) -> HttpResponse:
    found = _field(request, pk)
    initial = {"label": found.label, "applies_to": found.applies_to, "choices": "\n".join(found.choices)}
    form = CustomFieldForm(request.POST if request.method == "POST" else None, field=found, initial=initial)
    return _save(request, form, found)


def _save(request: HttpRequest, form: CustomFieldForm, found: CustomField | None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            custom.save_field(membership_of(request).workspace, form.cleaned_data, field=found)
        except Invalid as faults:
            for error in faults.errors:
                form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(address(request, "settings_fields"))
    context: dict[str, Any] = {"form": form, "field": found}
    return render(request, "contacts/settings_field.html", context, status=422 if form.errors else 200)


@require_POST
@admin_required
def field_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """On or off; the values stay."""
    found = _field(request, pk)
    found.enabled = not found.enabled
    found.save(update_fields=["enabled"])
    return HttpResponseRedirect(address(request, "settings_fields"))


@require_POST
@admin_required
def field_move(request: HttpRequest, pk: int) -> HttpResponse:
    """One place up or down."""
    found = _field(request, pk)
    keys = list(
        CustomField.objects.filter(workspace=found.workspace_id, enabled=True).order_by("position", "pk").values_list("key", flat=True)
    )
    if found.key in keys:
        place = keys.index(found.key)
        other = place + (-1 if request.POST.get("way") == "up" else 1)
        if 0 <= other < len(keys):
            keys[place], keys[other] = keys[other], keys[place]
            custom.order_fields(membership_of(request).workspace, keys)
    return HttpResponseRedirect(address(request, "settings_fields"))


def _field(request: HttpRequest, pk: int) -> CustomField:
    return get_object_or_404(CustomField, workspace=membership_of(request).workspace, pk=pk)
