from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.domain.errors import Refused
from accounts.domain.invitations import invite, may_handle, renew, revoke
from accounts.domain.members import change_member, may_change, remove_member
from accounts.forms import InvitationForm, PlaceForm
from accounts.middleware import WorkspaceRequest, outside_transaction
from accounts.models import Invitation, Membership, Team
from accounts.scoping import workspace_tx
from accounts.views.guards import admin_required, membership_of
from accounts.views.mail import invitation_url, send_invitation

FRESH = "fresh_invitation"


@require_safe
@admin_required
def members(request: HttpRequest) -> HttpResponse:
    actor = membership_of(request)
    teams = dict(Team.objects.filter(workspace=actor.workspace).values_list("pk", "name"))
    found = Membership.objects.filter(workspace=actor.workspace).select_related("user").order_by("user__name", "pk")[:500]
    open_places = Invitation.objects.filter(workspace=actor.workspace, accepted_at=None).order_by("-created_at")[:500]
    context = {
        "rows": [{"member": member, "teams": _names(member, teams), "changeable": may_change(actor, member)} for member in found],
        "invitations": [{"place": place, "changeable": may_handle(actor, place)} for place in open_places],
        "now": timezone.now(),
        "fresh": request.session.pop(FRESH, None),
    }
    return render(request, "accounts/settings_members.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def member(request: HttpRequest, pk: int) -> HttpResponse:
    actor = membership_of(request)
    found = get_object_or_404(Membership.objects.select_related("user", "workspace"), workspace=actor.workspace, pk=pk)
    form = PlaceForm(request.POST or None, actor=actor, initial={"role": found.role, "teams": [str(pk) for pk in found.team_ids]})
    if request.method == "POST" and form.is_valid():
        try:
            change_member(found, role=form.cleaned_data["role"], team_ids=form.team_ids(), actor=actor)
        except Refused as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts:settings_members", slug=actor.workspace.slug)
    context = {"form": form, "member": found, "changeable": may_change(actor, found), "is_self": found.pk == actor.pk}
    return render(request, "accounts/settings_member.html", context, status=422 if form.errors else 200)


@require_POST
@admin_required
def member_remove(request: HttpRequest, pk: int) -> HttpResponse:
    actor = membership_of(request)
    found = get_object_or_404(Membership.objects.select_related("user", "workspace"), workspace=actor.workspace, pk=pk)
    try:
        remove_member(found, actor=actor)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("accounts:settings_member", slug=actor.workspace.slug, pk=pk)
    if found.user_id == actor.user_id:
        return redirect("accounts:workspaces")
    messages.success(request, _("%(name)s is no longer a member.") % {"name": found.user})
    return redirect("accounts:settings_members", slug=actor.workspace.slug)


@outside_transaction
@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def invitation_create(request: WorkspaceRequest) -> HttpResponse:
    """The mail goes out after the commit: no transaction waits for a mail server."""
    actor = membership_of(request)
    with workspace_tx(actor.workspace, origin=request.origin):
        form = InvitationForm(request.POST or None, actor=actor)
        sent = _invite(form, actor=actor) if request.method == "POST" and form.is_valid() else None
    if sent is not None:
        return _send(request, *sent)
    return render(request, "accounts/settings_invite.html", {"form": form}, status=422 if form.errors else 200)


@outside_transaction
@require_POST
@admin_required
def invitation_resend(request: WorkspaceRequest, pk: int) -> HttpResponse:
    actor = membership_of(request)
    with workspace_tx(actor.workspace, origin=request.origin):
        open_places = Invitation.objects.select_related("invited_by").filter(workspace=actor.workspace, accepted_at=None)
        invitation: Invitation = get_object_or_404(open_places, pk=pk)
        invitation.workspace = actor.workspace
        try:
            secret = renew(invitation, actor=actor, now=timezone.now())
        except Refused as error:
            return _refused(request, error)
    return _send(request, invitation, secret)


@require_POST
@admin_required
def invitation_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    actor = membership_of(request)
    invitation = get_object_or_404(Invitation, workspace=actor.workspace, pk=pk, accepted_at=None)
    try:
        revoke(invitation, actor=actor)
    except Refused as error:
        return _refused(request, error)
    messages.success(request, _("The invitation of %(email)s is revoked: its link opens nothing.") % {"email": invitation.email})
    return redirect("accounts:settings_members", slug=actor.workspace.slug)


def _invite(form: InvitationForm, *, actor: Membership) -> tuple[Invitation, str] | None:
    data: dict[str, Any] = form.cleaned_data
    try:
        return invite(actor.workspace, email=data["email"], role=data["role"], team_ids=form.team_ids(), actor=actor, now=timezone.now())
    except Refused as error:
        form.refuse(error)
        return None


def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    messages.error(request, error.message)
    return redirect("accounts:settings_members", slug=membership_of(request).workspace.slug)


def _send(request: HttpRequest, invitation: Invitation, secret: str) -> HttpResponse:
    if send_invitation(invitation, secret=secret):
        messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": invitation.email})
    else:
        messages.warning(request, _("The mail to %(email)s could not be sent. Pass the link on yourself.") % {"email": invitation.email})
    request.session[FRESH] = {"email": invitation.email, "url": invitation_url(invitation, secret=secret)}
    return redirect("accounts:settings_members", slug=invitation.workspace.slug)


def _names(found: Membership, teams: dict[int, str]) -> list[str]:
    return sorted(teams[pk] for pk in found.team_ids if pk in teams)
