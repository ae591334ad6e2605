from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.scoping import WorkspaceModel
from contacts.enums import CustomFieldKind
from contacts.models.contact import Contact


class Tag(WorkspaceModel):
    """A tag that may be given; contacts carry its name.

    `becomes` and `asked_by`: somebody has renamed it ("" = removed), and its many contacts are still to be changed in the background.
    """

    name = models.CharField(_("tag"), max_length=60)
    becomes = models.CharField(max_length=60, null=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [models.UniqueConstraint(fields=["workspace", "name"], name="tag_name")]

    def __str__(self) -> str:
        return self.name


class CustomField(WorkspaceModel):
    """A field that this workspace added to its contacts; values stand in `Contact.custom` under `key`."""

    key = models.SlugField(_("key"), max_length=40)
    label = models.CharField(_("label"), max_length=80)
    kind = models.CharField(_("type"), max_length=10, choices=CustomFieldKind.choices)
    choices = models.JSONField(_("choices"), default=list, blank=True)
    applies_to = models.CharField(_("for"), max_length=12, blank=True)  # "" = both kinds
    position = models.PositiveSmallIntegerField(default=0)
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [models.UniqueConstraint(fields=["workspace", "key"], name="custom_field_key")]

    def __str__(self) -> str:
        return self.label


class Duplicate(WorkspaceModel):
    """Two contacts that may be one: offered for a merge, never merged by itself. `dismissed` = a person said they differ."""

    first = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+", db_index=False)
    second = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    score = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=120, blank=True)
    dismissed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "first", "second"], name="duplicate_pair"),
            models.CheckConstraint(condition=models.Q(first__lt=models.F("second")), name="duplicate_ordered"),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} ~ {self.second_id}"


class SavedList(WorkspaceModel):
    """A list of contacts that somebody comes back to: its filters under a name, for themselves or for all."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=80)
    query = models.CharField(max_length=2000, blank=True)  # the query string of the list
    is_shared = models.BooleanField(_("shared"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "owner", "name"], name="saved_list_name")
        ]

    def __str__(self) -> str:
        return self.name
