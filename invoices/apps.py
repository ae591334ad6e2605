from django.apps import AppConfig


class InvoicesConfig(AppConfig):
    name = "invoices"

    def ready(self) -> None:
        from invoices import panels  # noqa: PLC0415  models are loaded only now

        panels.register()
