from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.scoping import WorkspaceModel
from contacts.models.contact import Contact


class Note(WorkspaceModel):
    """What a person wrote about a contact, at its place in the timeline."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="timeline_notes", db_index=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    text = models.TextField(_("note"), max_length=20_000)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "contact", "-created_at"], name="note_of_contact")]

    def __str__(self) -> str:
        return self.text[:60]
