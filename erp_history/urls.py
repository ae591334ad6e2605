"""Pages of the ERP data, under /w/<slug>/. Names of the administrator's screens begin with "settings"."""

from django.urls import include, path

from erp_history.views import company, dashboard, general

app_name = "erp_history"

settings_pages = [
    path("", general.settings, name="settings"),
]

value_pages = [
    path("", dashboard.page, name="dashboard"),
    path("curve/", dashboard.data, name="dashboard_data"),
    path("export.csv", dashboard.export_csv, name="dashboard_csv"),
    path("export.xlsx", dashboard.export_xlsx, name="dashboard_xlsx"),
]

urlpatterns = [
    path("customers/", include(value_pages)),
    path("contacts/<int:pk>/erp/", company.panel, name="company"),
    path("settings/erp/", include(settings_pages)),
]
