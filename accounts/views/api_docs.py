from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.api.schema import openapi


@require_safe
@cache_control(public=True, max_age=300)
def schema(_request: HttpRequest) -> JsonResponse:
    return JsonResponse(openapi(), content_type="application/vnd.oai.openapi+json", headers={"Access-Control-Allow-Origin": "*"})


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/api_docs.html", {"schema": openapi()})
