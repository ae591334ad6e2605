"""Pages of the ERP data, under /w/<slug>/. Names of the administrator's screens begin with "settings"."""

from django.urls import include, path

from erp_history.views import company, connection, dashboard, decisions, exports, general, history, rules, runs

app_name = "erp_history"

settings_pages = [
    path("", general.settings, name="settings"),
    path("live/", general.live, name="settings_live"),
    path("runs/start/", runs.start, name="settings_run_start"),
    path("runs/<int:pk>/", runs.detail, name="settings_run"),
    path("runs/<int:pk>/log.txt", runs.log, name="settings_run_log"),
    path("runs/<int:pk>/cancel/", runs.cancel, name="settings_run_cancel"),
    path("connection/", connection.connection, name="settings_connection"),
    path("connection/database/", connection.database, name="settings_database"),
    path("connection/test/", connection.test, name="settings_connection_test"),
    path("connection/tokens/new/", connection.token_create, name="settings_token_create"),
    path("connection/tokens/<int:pk>/revoke/", connection.token_revoke, name="settings_token_revoke"),
    path("rules/", rules.rules, name="settings_rules"),
    path("decisions/", decisions.decision_list, name="settings_decisions"),
    path("decisions/<int:pk>/", decisions.decide, name="settings_decide"),
    path("decisions/<int:pk>/ignore/", decisions.ignore, name="settings_ignore"),
    path("waiting/", decisions.waiting, name="settings_waiting"),
    path("history/", history.history, name="settings_history"),
    path("history/<int:pk>/", history.detail, name="settings_request"),
    path("exports/", exports.create, name="settings_exports"),
    path("exports/<int:pk>/", exports.live, name="settings_export"),
    path("exports/<int:pk>/cancel/", exports.cancel, name="settings_export_cancel"),
    path("exports/<int:pk>/file/", exports.download, name="settings_export_file"),
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
