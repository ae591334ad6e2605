from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class ContactsConfig(AppConfig):
    name = "contacts"

    def ready(self) -> None:
        from contacts import tasks  # noqa: F401, PLC0415  receivers; models are loaded only now
        from contacts.views import places  # noqa: PLC0415  the same

        places.register()
        post_migrate.connect(renew_letters, sender=self, dispatch_uid="contacts.renew_letters")


def renew_letters(using: str, **_signal: Any) -> None:
    from contacts.models import letters  # noqa: PLC0415  the same

    letters.renew(connections[using])
