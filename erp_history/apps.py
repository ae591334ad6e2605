from importlib import import_module

from django.apps import AppConfig


class ErpHistoryConfig(AppConfig):
    name = "erp_history"

    def ready(self) -> None:
        import_module("erp_history.tasks")  # its receivers hear of merged contacts
        import_module("erp_history.panels").register()
        import_module("erp_history.views.places").register()
        import_module("erp_history.views.dashboard").register()
        import_module("erp_history.views.company").register()
        import_module("integrations.domain.rotation").ALSO.append(import_module("erp_history.domain.vault").rotate)
