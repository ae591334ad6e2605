"""Pages of the ERP data, under /w/<slug>/. Names of the administrator's screens begin with "settings"."""

from django.urls import include, path

from erp_history.views import general

app_name = "erp_history"

settings_pages = [
    path("", general.settings, name="settings"),
]

urlpatterns = [
    path("settings/erp/", include(settings_pages)),
]
