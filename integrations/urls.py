"""Pages of integrations, under /w/<slug>/. The consent's way back is registered at the vendors and stands outside (crmsync.urls)."""

from django.urls import path

from integrations.views import attention, connection, consent, contact, gallery, log, matching, runs

app_name = "integrations"
urlpatterns = [
    path("settings/integrations/", gallery.integration_list, name="list"),
    path("settings/integrations/<slug:provider>/", gallery.setup, name="setup"),
    path("integrations/runs/<int:run_id>/", runs.any_run, name="any_run"),
    path("integrations/<int:pk>/", connection.detail, name="detail"),
    path("integrations/<int:pk>/live/", connection.live, name="live"),
    path("integrations/<int:pk>/connect/", consent.connect, name="connect"),
    path("integrations/<int:pk>/keys/", consent.keys, name="keys"),
    path("integrations/<int:pk>/sync/", connection.sync, name="sync"),
    path("integrations/<int:pk>/preview/", connection.preview, name="preview"),
    path("integrations/<int:pk>/test/", connection.test, name="test"),
    path("integrations/<int:pk>/pause/", connection.pause, name="pause"),
    path("integrations/<int:pk>/resume/", connection.resume, name="resume"),
    path("integrations/<int:pk>/disable/", connection.disable, name="disable"),
    path("integrations/<int:pk>/settings/", connection.settings, name="settings"),
    path("integrations/<int:pk>/fields/", connection.fields, name="fields"),
    path("integrations/<int:pk>/runs/", runs.run_list, name="runs"),
    path("integrations/<int:pk>/runs/<int:run_id>/", runs.run_detail, name="run"),
    path("integrations/<int:pk>/runs/<int:run_id>/log.csv", runs.run_log, name="run_log"),
    path("integrations/<int:pk>/runs/<int:run_id>/stop/", connection.stop, name="stop"),
    path("integrations/<int:pk>/runs/<int:run_id>/confirm/", runs.confirm, name="confirm"),
    path("integrations/<int:pk>/runs/<int:run_id>/undo/", runs.undo, name="undo"),
    path("integrations/<int:pk>/attention/", attention.attention_list, name="attention"),
    path("integrations/<int:pk>/attention/retry/", attention.retry, name="retry"),
    path("integrations/<int:pk>/attention/<str:row_id>/ignore/", attention.ignore, name="ignore"),
    path("integrations/<int:pk>/attention/<str:row_id>/take-back/", attention.take_back, name="take_back"),
    path("integrations/<int:pk>/attention/<str:row_id>/choose/", attention.choose, name="choose"),
    path("integrations/<int:pk>/attention/<str:row_id>/settle/", attention.settle, name="settle"),
    path("integrations/<int:pk>/start/", matching.start, name="start"),
    path("integrations/<int:pk>/matches/", matching.matches, name="matches"),
    path("integrations/<int:pk>/matches/read/", matching.read, name="match_read"),
    path("integrations/<int:pk>/matches/exact/", matching.save_exact, name="match_exact"),
    path("integrations/<int:pk>/matches/undo/", matching.undo, name="match_undo"),
    path("integrations/<int:pk>/matches/<int:pairing_id>/", matching.row, name="match"),
    path("integrations/<int:pk>/matches/<int:pairing_id>/contacts/", matching.contacts, name="match_contacts"),
    path("integrations/<int:pk>/log/", log.log, name="log"),
    path("contacts/<int:contact_id>/integrations/<int:pk>/export/", contact.export, name="export"),
    path("contacts/<int:contact_id>/integrations/<int:pk>/resync/", contact.resync, name="resync"),
    path("contacts/<int:contact_id>/links/<int:link_id>/unlink/", contact.unlink, name="unlink"),
]
