from django.apps import AppConfig


class ContactsConfig(AppConfig):
    name = "contacts"

    def ready(self) -> None:
        from contacts import tasks  # noqa: F401, PLC0415  receivers; models are loaded only now
        from contacts.views import places  # noqa: PLC0415  the same

        places.register()
