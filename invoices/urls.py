"""Pages of invoices, under /w/<slug>/."""

from django.urls import path

from invoices.views import lists

app_name = "invoices"
urlpatterns = [
    path("invoices/", lists.invoice_list, name="list"),
    path("invoices/export.csv", lists.export, name="export"),
]
