"""The page behind the link of an invitation, for people with and without an account."""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.utils import perform_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.adapter import language_of
from accounts.domain.errors import Refused
from accounts.domain.invitations import accept, accept_as_new, find_open, is_for
from accounts.forms import JoinForm
from accounts.models import Invitation, User


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    invitation = find_open(slug, token, now=timezone.now())
    if invitation is None:
        return render(request, "accounts/invitation_gone.html", status=404)
    if isinstance(request.user, User):
        return _join_as(request, invitation, user=request.user)
    if User.objects.filter(email=invitation.email).exists():
        return render(
            request, "accounts/invitation_login.html", {"invitation": invitation, "login_query": urlencode({"next": request.path})}
        )
    return _join_as_new(request, invitation)


def _join_as(request: HttpRequest, invitation: Invitation, *, user: User) -> HttpResponse:
    if not is_for(invitation, user):
        return render(request, "accounts/invitation_other.html", {"invitation": invitation}, status=403)
    if request.method != "POST":
        return render(request, "accounts/invitation_accept.html", {"invitation": invitation})
    try:
        accept(invitation, user=user, now=timezone.now())
    except Refused:
        return render(request, "accounts/invitation_gone.html", status=404)
    return redirect("accounts:home", slug=invitation.workspace.slug)


def _join_as_new(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    form = JoinForm(request.POST or None, invitation=invitation)
    if request.method == "POST" and form.is_valid():
        name, password = form.cleaned_data["name"], form.cleaned_data["password"]
        try:
            user = accept_as_new(invitation, name=name, password=password, language=language_of(request), now=timezone.now())
        except Refused as error:
            form.refuse(error)
        else:
            home = redirect("accounts:home", slug=invitation.workspace.slug).url
            return perform_login(request, user, email_verification="none", redirect_url=home)
    return render(request, "accounts/invitation_join.html", {"form": form, "invitation": invitation}, status=422 if form.errors else 200)
