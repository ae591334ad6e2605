from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Kind(TextChoices):
    PERSON = "person", _("Person")
    ORGANISATION = "organisation", _("Organisation")


class LifeCycle(TextChoices):
    NONE = "", _("Not set")
    SUSPECT = "suspect", _("Suspect")
    PROSPECT = "prospect", _("Prospect")
    LEAD = "lead", _("Lead")
    CLIENT = "client", _("Client")
    RELATED = "related", _("Related contacts")
    FORMER = "former", _("Former client")


class CustomFieldKind(TextChoices):
    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    DATE = "date", _("Date")
    CHOICE = "choice", _("Choice")
    BOOLEAN = "boolean", _("Yes or no")
    URL = "url", _("Web address")


class ChangeAction(TextChoices):
    CREATED = "created", _("created")
    UPDATED = "updated", _("changed")
    DELETED = "deleted", _("deleted")
    RESTORED = "restored", _("restored")
