from importlib import import_module

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        import_module("integrations.tasks")  # its receivers hear of changed contacts
        import_module("integrations.views.panels").register()
