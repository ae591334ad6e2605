from django.urls import path

from contacts.views import detail, edit, lists, merging, remove, saved, settings

app_name = "contacts"
urlpatterns = [
    path("contacts/", lists.contact_list, name="list"),
    path("contacts/export/", lists.export_csv, name="export"),
    path("contacts/lists/", saved.save, name="list_save"),
    path("contacts/lists/<int:pk>/delete/", saved.delete, name="list_delete"),
    path("contacts/bulk/", lists.bulk_change, name="bulk"),
    path("contacts/new/", edit.create, name="create"),
    path("contacts/quick/", edit.quick, name="quick"),
    path("contacts/pick/", edit.pick, name="pick"),
    path("contacts/trash/", remove.trash, name="trash"),
    path("contacts/restore/", remove.restore, name="restore"),
    path("contacts/duplicates/", merging.duplicate_list, name="duplicates"),
    path("contacts/duplicates/<int:pk>/merge/", merging.duplicate_merge, name="duplicate_merge"),
    path("contacts/duplicates/<int:pk>/dismiss/", merging.duplicate_dismiss, name="duplicate_dismiss"),
    path("contacts/merges/<int:pk>/undo/", merging.merge_undo, name="merge_undo"),
    path("contacts/<int:pk>/", detail.detail, name="detail"),
    path("contacts/<int:pk>/edit/", edit.update, name="update"),
    path("contacts/<int:pk>/delete/", remove.delete, name="delete"),
    path("contacts/<int:pk>/merge/", merging.merge, name="merge"),
    path("contacts/<int:pk>/timeline/", detail.timeline_part, name="timeline"),
    path("contacts/<int:pk>/notes/", detail.note_add, name="note_add"),
    path("contacts/<int:pk>/notes/<int:note>/delete/", detail.note_delete, name="note_delete"),
    path("contacts/<int:pk>/changes/<int:change>/undo/", detail.change_undo, name="change_undo"),
    path("settings/tags/", settings.tags, name="settings_tags"),
    path("settings/tags/<int:pk>/", settings.tag, name="settings_tag"),
    path("settings/tags/<int:pk>/delete/", settings.tag_delete, name="settings_tag_delete"),
    path("settings/fields/", settings.fields, name="settings_fields"),
    path("settings/fields/new/", settings.field_create, name="settings_field_create"),
    path("settings/fields/<int:pk>/", settings.field, name="settings_field"),
    path("settings/fields/<int:pk>/switch/", settings.field_switch, name="settings_field_switch"),
    path("settings/fields/<int:pk>/move/", settings.field_move, name="settings_field_move"),
]
