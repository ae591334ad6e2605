from django.urls import path

from erp_history.api import views

urlpatterns = [
    path("erp/", views.TablesView.as_view(), name="erp_tables"),
    path("erp/snapshots/", views.SnapshotsView.as_view(), name="erp_snapshots"),
    path("erp/snapshots/<int:pk>/end/", views.SnapshotEndView.as_view(), name="erp_snapshot_end"),
    path("erp/requests/", views.RequestsView.as_view(), name="erp_requests"),
    path("erp/runs/", views.RunsView.as_view(), name="erp_runs"),
    path("erp/runs/<int:pk>/", views.RunView.as_view(), name="erp_run"),
    path("erp/runs/<int:pk>/cancel/", views.RunCancelView.as_view(), name="erp_run_cancel"),
    path("erp/<str:table>/", views.TableView.as_view(), name="erp_table"),
    path("erp/<str:table>/info/", views.InfoView.as_view(), name="erp_table_info"),
    path("erp/<str:table>/<path:key>/", views.RowView.as_view(), name="erp_row"),
]
