"""OpenAPI 3.1 of every API view, made from the views themselves."""

from __future__ import annotations

import functools
from typing import Any

from django.utils import translation
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from accounts.api.problems import CONTENT_TYPE

PROBLEMS = {
    "400": "The request or some of its values are not valid.",
    "401": "No token, or one that is not known, expired or revoked.",
    "403": "The role or the scope of the token does not allow this.",
    "404": "There is nothing here, or it is not yours to see.",
    "429": "Too many requests. Retry-After says when to come back.",
}
PROBLEMS_OF_POST = {
    "409": "Something else is in the way: a sync that runs, or the first request with this Idempotency-Key.",
    "422": "This Idempotency-Key was used for another request.",
}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
            },
        },
    },
}
PAGE_PARAMETERS = [
    OpenApiParameter("cursor", OpenApiTypes.STR, description="Where the page starts: take it from `next`."),
    OpenApiParameter("limit", OpenApiTypes.INT, description="Rows of a page: 50 unless told, at most 200."),
]
KEY_PARAMETER = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The same request with the same key is done once; kept for 7 days.",
)


class ApiSchema(AutoSchema):
    """Adds what all views share: problems, the Idempotency-Key, paging parameters, one tag per resource."""

    def get_override_parameters(self) -> list[Any]:
        return [KEY_PARAMETER] if self.method == "POST" else []

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").split("/")[0]]

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        handler = getattr(self.view, self.method.lower(), None)
        return (getattr(handler, "__doc__", "") or "").strip()

    def get_operation_id(self) -> str:
        path = self.path.removeprefix("/api/v1/").replace("{", "").replace("}", "")
        return "_".join([self.method.lower(), *filter(None, path.replace("-", "_").split("/"))])

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            texts = PROBLEMS | (PROBLEMS_OF_POST if self.method == "POST" else {})
            for status, text in texts.items():
                operation["responses"].setdefault(status, _problem(text))
        return operation


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.api.auth.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "An API token, made under Settings > API tokens."}


def page_of(row: type[serializers.Serializer[Any]]) -> Any:
    """The envelope of a list of `row`, for `extend_schema(responses=page_of(TagSerializer), parameters=PAGE_PARAMETERS)`."""
    name = row.__name__.removesuffix("Serializer")
    return inline_serializer(f"{name}Page", {"results": row(many=True), "next": serializers.URLField(allow_null=True)})


def answer(description: str) -> OpenApiResponse:
    """A response without a body."""
    return OpenApiResponse(description=description)


def _problem(text: str) -> dict[str, Any]:
    return {"description": text, "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


@functools.cache
def openapi() -> dict[str, Any]:
    """The whole document; it cannot change while the process runs."""
    with translation.override("en"):
        schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    schema.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    return schema
