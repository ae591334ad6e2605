from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.domain.errors import Refused
from accounts.domain.tokens import create_token, revoke_token
from accounts.enums import TokenScope
from accounts.forms import TokenForm
from accounts.models import ApiToken
from accounts.views.guards import admin_required, membership_of, reauthentication_required


@require_safe
@admin_required
def tokens(request: HttpRequest) -> HttpResponse:
    workspace = membership_of(request).workspace
    now = timezone.now()
    found = ApiToken.objects.filter(workspace=workspace).select_related("user").order_by("revoked_at", "-pk")[:500]
    rows = [
        {"token": token, "state": _state(token, now=now), "scopes": [TokenScope(scope).label for scope in token.scopes]} for token in found
    ]
    return render(request, "accounts/settings_tokens.html", {"rows": rows})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
@reauthentication_required
def token_create(request: HttpRequest) -> HttpResponse:
    """The answer to the post shows the token: it is kept nowhere, so there is nothing to redirect to."""
    actor = membership_of(request)
    form = TokenForm(request.POST or None, actor=actor)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        expires_at = timezone.now() + dt.timedelta(days=int(data["days"])) if data["days"] else None
        try:
            token, text = create_token(actor, name=data["name"], scopes=data["scopes"], expires_at=expires_at)
        except Refused as error:
            form.refuse(error)
        else:
            return render(request, "accounts/settings_token_created.html", {"token": token, "text": text})
    return render(request, "accounts/settings_token.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
@admin_required
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    actor = membership_of(request)
    token = get_object_or_404(ApiToken.objects.select_related("workspace"), workspace=actor.workspace, pk=pk)
    revoke_token(token, actor=actor, now=timezone.now())
    messages.success(request, _("The token “%(name)s” is revoked.") % {"name": token.name})
    return redirect("accounts:settings_tokens", slug=actor.workspace.slug)


def _state(token: ApiToken, *, now: dt.datetime) -> str:
    if token.revoked_at:
        return "revoked"
    return "expired" if token.expires_at and token.expires_at <= now else "active"
