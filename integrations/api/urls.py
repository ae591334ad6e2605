from django.urls import path

from integrations.api import compare, connections, matches, runs

urlpatterns = [
    path("connections/", connections.ConnectionsView.as_view(), name="connections"),
    path("connections/<int:pk>/", connections.ConnectionDetailView.as_view(), name="connection"),
    path("connections/<int:pk>/sync/", connections.SyncView.as_view(), name="connection-sync"),
    path("connections/<int:pk>/preview/", connections.PreviewView.as_view(), name="connection-preview"),
    path("connections/<int:pk>/failures/", connections.FailuresView.as_view(), name="connection-failures"),
    path("connections/<int:pk>/matches/", matches.MatchesView.as_view(), name="connection-matches"),
    path("contacts/<int:pk>/compare/<int:connection>/", compare.CompareView.as_view(), name="contact-compare"),
    path("contacts/<int:pk>/export/", connections.ExportView.as_view(), name="contact-export"),
    path("runs/", runs.RunsView.as_view(), name="runs"),
    path("runs/<int:pk>/", runs.RunDetailView.as_view(), name="run"),
    path("runs/<int:pk>/log/", runs.RunLogView.as_view(), name="run-log"),
    path("runs/<int:pk>/undo/", runs.RunUndoView.as_view(), name="run-undo"),
    path("runs/<int:pk>/confirm/", runs.RunConfirmView.as_view(), name="run-confirm"),
    path("runs/<int:pk>/cancel/", runs.RunCancelView.as_view(), name="run-cancel"),
]
