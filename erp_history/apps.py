from django.apps import AppConfig


class ErpHistoryConfig(AppConfig):
    name = "erp_history"
