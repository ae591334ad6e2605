from django.urls import path

from contacts.api import views

urlpatterns = [
    path("contacts/", views.ContactsView.as_view(), name="contacts"),
    path("contacts/merge/", views.MergeView.as_view(), name="contacts_merge"),
    path("contacts/<int:pk>/", views.ContactView.as_view(), name="contact"),
    path("contacts/<int:pk>/history/", views.HistoryView.as_view(), name="contact_history"),
    path("tags/", views.TagsView.as_view(), name="tags"),
    path("saved-lists/", views.SavedListsView.as_view(), name="saved_lists"),
    path("saved-lists/<int:pk>/", views.SavedListView.as_view(), name="saved_list"),
    path("custom-fields/", views.CustomFieldsView.as_view(), name="custom_fields"),
]
