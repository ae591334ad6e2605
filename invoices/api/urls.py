from django.urls import path

from invoices.api.views import ContactInvoicesView, InvoicesView

urlpatterns = [
    path("invoices/", InvoicesView.as_view(), name="invoices"),
    path("contacts/<int:pk>/invoices/", ContactInvoicesView.as_view(), name="contact-invoices"),
]
