"""The API's description, for programs and for people."""

from __future__ import annotations

import functools
import json
from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.api.problems import body_of, invalid
from accounts.api.schema import PROBLEMS, PROBLEMS_OF_POST, openapi

TONES = {"get": "blue", "post": "green", "patch": "amber", "put": "amber", "delete": "red"}
DEPTH = 4


@require_safe
@cache_control(public=True, max_age=300)
def schema(_request: HttpRequest) -> JsonResponse:
    return JsonResponse(openapi(), content_type="application/vnd.oai.openapi+json", headers={"Access-Control-Allow-Origin": "*"})


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    sample = invalid([("emails[1].email", "invalid", "Enter a valid e-mail address.")])
    context = {
        "groups": _groups(),
        "problems": list((PROBLEMS | PROBLEMS_OF_POST).items()),
        "sample_problem": json.dumps(body_of(sample), indent=2, ensure_ascii=False),
        "base_url": settings.PUBLIC_URL,
        "intro": _("Everything that the pages do, for your scripts."),
    }
    return render(request, "accounts/api_docs.html", context)


@functools.cache
def _groups() -> list[dict[str, Any]]:
    document = openapi()
    operations = [
        _operation(path, method, operation, document=document)
        for path, methods in sorted(document["paths"].items())
        for method, operation in methods.items()
        if method in TONES
    ]
    return [{"name": name, "operations": list(found)} for name, found in groupby(operations, key=lambda operation: operation["tag"])]


def _operation(path: str, method: str, operation: dict[str, Any], *, document: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": operation["operationId"],
        "tag": operation["tags"][0],
        "method": method.upper(),
        "tone": TONES[method],
        "path": path,
        "text": operation.get("description", ""),
        "parameters": [_parameter(parameter) for parameter in operation.get("parameters", [])],
        "body": _sample(operation.get("requestBody", {}), document=document),
        "answers": [
            {"status": status, "text": answer.get("description", ""), "body": _sample(answer, document=document)}
            for status, answer in sorted(operation["responses"].items())
            if status.startswith("2")
        ],
    }


def _parameter(parameter: dict[str, Any]) -> dict[str, str]:
    return {
        "name": parameter["name"],
        "in": parameter["in"],
        "type": str(parameter.get("schema", {}).get("type", "")),
        "text": parameter.get("description", ""),
    }


def _sample(holder: dict[str, Any], *, document: dict[str, Any]) -> str:
    """The shape of a body, written as JSON with the type of each value."""
    shape = holder.get("content", {}).get("application/json", {}).get("schema")
    return json.dumps(_shape(shape, document=document, depth=DEPTH), indent=2, ensure_ascii=False) if shape else ""


def _shape(shape: dict[str, Any], *, document: dict[str, Any], depth: int) -> Any:
    if "$ref" in shape:
        shape = document["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
    for key in ("allOf", "oneOf", "anyOf"):
        if shape.get(key):
            return _shape(shape[key][0], document=document, depth=depth)
    if depth and "properties" in shape:
        return {name: _shape(value, document=document, depth=depth - 1) for name, value in shape["properties"].items()}
    if depth and "items" in shape:
        return [_shape(shape["items"], document=document, depth=depth - 1)]
    if "enum" in shape:
        return " | ".join(str(value) for value in shape["enum"])
    kind = shape.get("type", "any")
    return " | ".join(kind) if isinstance(kind, list) else shape.get("format", kind)
