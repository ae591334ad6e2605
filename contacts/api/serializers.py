"""What the documents of the API show. Bodies are judged by `contacts.domain.validate`, the same for form and API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from accounts.models import Membership
from contacts import panels
from contacts.enums import CustomFieldKind, Kind, LifeCycle
from contacts.models import Contact, ContactChange, CustomField, SavedList, Tag

PLAIN = (
    "id", "kind", "name", "first_name", "last_name", "legal_name", "trade_name", "tax_id", "website", "job_title", "notes",
    "life_cycle", "emails", "phones", "addresses", "tags",
)  # fmt: skip
API_NAMES = {"custom": "custom_fields", "organisation_id": "organisation", "owner_id": "owner", "team_id": "team"}


class EmailSerializer(serializers.Serializer[Any]):
    label = serializers.CharField(required=False, max_length=40)  # type: ignore[assignment]  # a field named as an attribute of serializers
    email = serializers.EmailField()


class PhoneSerializer(serializers.Serializer[Any]):
    label = serializers.CharField(required=False, max_length=40)  # type: ignore[assignment]  # a field named as an attribute of serializers
    number = serializers.CharField(max_length=60)


class AddressSerializer(serializers.Serializer[Any]):
    label = serializers.CharField(required=False, max_length=40)  # type: ignore[assignment]  # a field named as an attribute of serializers
    line1 = serializers.CharField(required=False, max_length=200)
    line2 = serializers.CharField(required=False, max_length=200)
    city = serializers.CharField(required=False, max_length=100)
    region = serializers.CharField(required=False, max_length=100)
    postcode = serializers.CharField(required=False, max_length=20)
    country = serializers.CharField(required=False, max_length=2, help_text="Two letters, such as GB.")


class ReferenceSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class ContactBody(serializers.Serializer[Any]):
    """What is written. Lists replace the held ones; `custom_fields` changes only the keys it names (null takes one away)."""

    kind = serializers.ChoiceField(choices=Kind.choices)
    name = serializers.CharField(max_length=300, help_text="A person's may be left out when first or last name are given.")
    first_name = serializers.CharField(required=False, max_length=150)
    last_name = serializers.CharField(required=False, max_length=150)
    legal_name = serializers.CharField(required=False, max_length=300)
    trade_name = serializers.CharField(required=False, max_length=300)
    tax_id = serializers.CharField(required=False, max_length=40)
    website = serializers.CharField(required=False, max_length=300)
    job_title = serializers.CharField(required=False, max_length=150)
    notes = serializers.CharField(required=False)
    life_cycle = serializers.ChoiceField(required=False, choices=LifeCycle.choices, allow_blank=True)
    emails = EmailSerializer(many=True, required=False)
    phones = PhoneSerializer(many=True, required=False)
    addresses = AddressSerializer(many=True, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=60), required=False)
    custom_fields = serializers.DictField(required=False)
    organisation = serializers.IntegerField(required=False, allow_null=True, help_text="Id of a person's organisation.")
    owner = serializers.IntegerField(required=False, allow_null=True, help_text="Id of a user.")
    team = serializers.IntegerField(required=False, allow_null=True, help_text="Id of a team.")


class ContactPatch(ContactBody):
    kind = serializers.ChoiceField(choices=Kind.choices, required=False)
    name = serializers.CharField(max_length=300, required=False)
    version = serializers.IntegerField(required=False, help_text="The version you changed: 409 when the contact is newer.")


class ContactSerializer(ContactBody):
    id = serializers.IntegerField()
    organisation = ReferenceSerializer(allow_null=True)  # type: ignore[assignment]  # read as an object, written as an id
    owner = ReferenceSerializer(allow_null=True)  # type: ignore[assignment]  # the same
    team = ReferenceSerializer(allow_null=True)  # type: ignore[assignment]  # the same
    links = serializers.ListField(child=serializers.DictField(), help_text="Where connected systems know this contact.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    version = serializers.IntegerField()


class ChangeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    action = serializers.CharField()
    origin = serializers.CharField(help_text="web, api, sync or system")
    by = serializers.CharField()
    run = serializers.IntegerField(allow_null=True)
    version = serializers.IntegerField()
    changes = serializers.DictField(child=serializers.ListField(), help_text="{field: [old, new]}")


class MergeBody(serializers.Serializer[Any]):
    kept = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    gone = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    take_from_gone = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, max_length=200, help_text="Fields whose value comes from `gone`."
    )
    choices = serializers.DictField(child=serializers.CharField(max_length=200), required=False, help_text="Answers connections ask for.")


class TagSerializer(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ["id", "name"]
        read_only_fields = ["id"]


class SavedListSerializer(serializers.ModelSerializer[SavedList]):
    """`query`: the parameters of the list of contacts."""

    owner = serializers.IntegerField(source="owner_id", read_only=True)

    class Meta:
        model = SavedList
        fields = ["id", "name", "query", "is_shared", "owner"]
        read_only_fields = ["id"]


class CustomFieldSerializer(serializers.ModelSerializer[CustomField]):
    class Meta:
        model = CustomField
        fields = ["id", "key", "label", "kind", "choices", "applies_to", "position", "enabled"]


class CustomFieldBody(serializers.Serializer[Any]):
    label = serializers.CharField(max_length=80)  # type: ignore[assignment]  # a field named as an attribute of serializers
    kind = serializers.ChoiceField(choices=CustomFieldKind.choices)
    choices = serializers.ListField(child=serializers.CharField(max_length=200), required=False, max_length=200)
    applies_to = serializers.ChoiceField(choices=[("", "both"), *Kind.choices], required=False, allow_blank=True)


def contacts_json(membership: Membership, contacts: Sequence[Contact]) -> list[dict[str, Any]]:
    """Contacts as the API shows them; needs `seen_organisation` (queries.load). Registered fields cost a fixed number of queries."""
    extra = [(item, item.values(membership.workspace, contacts) if contacts else {}) for item in panels.api_fields()]
    return [_json(contact) | {item.key: values.get(contact.pk, item.empty()) for item, values in extra} for contact in contacts]


def _json(contact: Contact) -> dict[str, Any]:
    organisation = contact.seen_organisation  # type: ignore[attr-defined]  # set by queries.mark_organisations
    return {name: getattr(contact, name) for name in PLAIN} | {
        "custom_fields": contact.custom,
        "organisation": _reference(organisation),
        "owner": _reference(contact.owner),
        "team": _reference(contact.team),
        "links": [],
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
        "version": contact.version,
    }


def _reference(found: Any) -> dict[str, Any] | None:
    return None if found is None else {"id": found.pk, "name": str(found)}


def change_json(change: ContactChange, *, by: str) -> dict[str, Any]:
    return {
        "id": change.pk,
        "at": change.at,
        "action": change.action,
        "origin": change.origin,
        "by": by,
        "run": change.run_id,
        "version": change.version,
        "changes": {API_NAMES.get(column, column): values for column, values in change.changes.items() if column != "merged_into_id"},
    }
