from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.paging import cursor_of, limit_of, page_response
from accounts.api.problems import Problem
from accounts.api.schema import PAGE_PARAMETERS, answer, page_of
from accounts.api.views import WorkspaceAPIView
from contacts.api import serializers as shapes
from contacts.domain import custom, edit, queries, saved_lists
from contacts.domain import merge as merging
from contacts.domain import tags as tags_domain
from contacts.domain.faults import FieldError, Invalid
from contacts.domain.store import delete_contacts
from contacts.domain.timeline import said_by, with_merged
from contacts.domain.visibility import to_change_or_404, visible_or_404
from contacts.enums import Kind
from contacts.models import ContactChange, CustomField, Tag

LIST_PARAMETERS = [
    *PAGE_PARAMETERS,
    OpenApiParameter("q", OpenApiTypes.STR, description="Beginnings of words of name, e-mail, phone or tax id; all must be found."),
    OpenApiParameter("kind", OpenApiTypes.STR, enum=Kind.values),
    OpenApiParameter("tag", OpenApiTypes.STR, many=True, description="Exactly this tag; several: all of them."),
    OpenApiParameter("owner", OpenApiTypes.STR, description='Id of a user, "me" or "none".'),
    OpenApiParameter("team", OpenApiTypes.STR, description='Id or slug of a team, or "none".'),
    OpenApiParameter("life_cycle", OpenApiTypes.STR),
    OpenApiParameter("updated_since", OpenApiTypes.DATETIME, description="Changed since then, oldest change first."),
    OpenApiParameter("linked_to", OpenApiTypes.STR, description="Key of a connected system, such as crunch."),
    OpenApiParameter("sort", OpenApiTypes.STR, enum=["name", "changed"]),
]


class ContactsView(WorkspaceAPIView):
    @extend_schema(responses=page_of(shapes.ContactSerializer), parameters=LIST_PARAMETERS)
    def get(self, request: Request) -> Response:
        """The contacts you may see, by name."""
        query = queries.read_query(request.query_params, tags=request.query_params.getlist("tag"))
        page = queries.list_page(self.membership, query, after=cursor_of(request) or "", limit=limit_of(request))
        return page_response(request, shapes.contacts_json(self.membership, page.contacts), next_cursor=page.after)

    @extend_schema(request=shapes.ContactBody, responses={201: shapes.ContactSerializer})
    def post(self, request: Request) -> Response:
        """Add a contact."""
        data = _body(request)
        if self.membership.is_restricted and not (data.get("owner") or data.get("team")):
            data["owner"] = self.membership.user_id
        contact = edit.create(self.membership, edit.checked(self.membership, data), origin=self.origin)
        location = reverse("api:contact", kwargs={"pk": contact.pk})
        return Response(_shown(self, contact.pk), status=201, headers={"Location": location})


class ContactView(WorkspaceAPIView):
    @extend_schema(responses=shapes.ContactSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """One contact."""
        visible_or_404(self.membership, pk)
        return Response(_shown(self, pk))

    @extend_schema(request=shapes.ContactPatch, responses=shapes.ContactSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Change the given fields; lists replace the held ones."""
        contact = to_change_or_404(self.membership, pk)
        data = _body(request)
        version = _version(data)
        clean = edit.checked(self.membership, data, current=contact)
        if version is not None and version != contact.version:
            raise Problem(409, "stale", _("The contact was changed meanwhile: read it again."))
        edit.save(contact, clean, version=None, origin=self.origin)
        return Response(_shown(self, pk))

    @extend_schema(responses={204: answer("It is in the trash.")})
    def delete(self, request: Request, pk: int) -> Response:
        """Move a contact to the trash; it can be restored for 30 days."""
        contact = visible_or_404(self.membership, pk)
        delete_contacts(self.workspace, [contact.pk], origin=self.origin)
        return Response(status=204)


class HistoryView(WorkspaceAPIView):
    @extend_schema(responses=page_of(shapes.ChangeSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, pk: int) -> Response:
        """Every change of a contact and of those merged into it, newest first."""
        contact = visible_or_404(self.membership, pk)
        changes = ContactChange.objects.filter(workspace=self.workspace, contact_id__in=with_merged(contact)).select_related("actor")
        return self.page(
            changes, order=("-id",), serialize=lambda rows: [shapes.change_json(change, by=said_by(change)) for change in rows]
        )


class MergeView(WorkspaceAPIView):
    @extend_schema(request=shapes.MergeBody, responses=shapes.ContactSerializer)
    def post(self, request: Request) -> Response:
        """Merge `gone` into `kept`: empty fields are filled, lists joined, links move. Answers the kept contact."""
        data = self.read(shapes.MergeBody)
        kept, gone = (self._seen(name, data[name]) for name in ("kept", "gone"))
        columns = {name: column for column, name in shapes.API_NAMES.items()}
        take = {columns.get(name, name).replace("custom_fields.", "custom.") for name in data.get("take_from_gone", [])}
        if any(name not in merging.TAKEN and not name.startswith("custom.") for name in take):
            raise Invalid([FieldError("take_from_gone", "unknown", _("There is no such field."))])
        merging.merge(self.workspace, kept_id=kept, gone_id=gone, take_from_gone=take, choices=data.get("choices", {}), origin=self.origin)
        return Response(_shown(self, kept))

    def _seen(self, name: str, pk: int) -> int:
        if not queries.listed(self.membership, [pk]).exists():
            raise Invalid([FieldError(name, "unknown", _("There is no such contact."))])
        return pk


class TagsView(WorkspaceAPIView):
    @extend_schema(responses=page_of(shapes.TagSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """The tags of the workspace."""
        return self.page(Tag.objects.filter(workspace=self.workspace), order=("name", "id"), serialize=shapes.TagSerializer)

    @extend_schema(request=shapes.TagSerializer, responses={201: shapes.TagSerializer})
    def post(self, request: Request) -> Response:
        """Add a tag. Writing a contact with a new tag does the same."""
        tag = tags_domain.create(self.workspace, self.read(shapes.TagSerializer)["name"])
        return Response(shapes.TagSerializer(tag).data, status=201)


class SavedListsView(WorkspaceAPIView):
    @extend_schema(responses=page_of(shapes.SavedListSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """Your saved lists and the shared ones."""
        return self.page(saved_lists.seen_by(self.membership), order=("name", "id"), serialize=shapes.SavedListSerializer)

    @extend_schema(request=shapes.SavedListSerializer, responses={201: shapes.SavedListSerializer})
    def post(self, request: Request) -> Response:
        """Save a list; one of yours with this name is replaced."""
        data = self.read(shapes.SavedListSerializer)
        kept = saved_lists.save(self.membership, name=data["name"], query=data.get("query", ""), is_shared=data.get("is_shared", False))
        return Response(shapes.SavedListSerializer(kept).data, status=201)


class SavedListView(WorkspaceAPIView):
    @extend_schema(responses={204: answer("The list is gone, its contacts stay.")})
    def delete(self, request: Request, pk: int) -> Response:
        """Remove a saved list."""
        get_object_or_404(saved_lists.changed_by(self.membership), pk=pk).delete()
        return Response(status=204)


class CustomFieldsView(WorkspaceAPIView):
    admin_methods = frozenset({"POST"})

    @extend_schema(responses=page_of(shapes.CustomFieldSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """The workspace's own fields, in order."""
        fields = CustomField.objects.filter(workspace=self.workspace)
        return self.page(fields, order=("position", "id"), serialize=shapes.CustomFieldSerializer)

    @extend_schema(request=shapes.CustomFieldBody, responses={201: shapes.CustomFieldSerializer})
    def post(self, request: Request) -> Response:
        """Add a field."""
        field = custom.save_field(self.workspace, self.read(shapes.CustomFieldBody))
        return Response(shapes.CustomFieldSerializer(field).data, status=201)


def _body(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise Invalid([FieldError("", "invalid", _("Give an object."))])
    return dict(request.data)


def _version(data: dict[str, Any]) -> int | None:
    version = data.pop("version", None)
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        raise Invalid([FieldError("version", "invalid", _("Give a whole number."))])
    return version


def _shown(view: WorkspaceAPIView, pk: int) -> dict[str, Any]:
    [contact] = queries.load(view.membership, [pk])
    [shown] = shapes.contacts_json(view.membership, [contact])
    return shown
