from django.urls import path

from accounts.api.members import TeamsView, UsersView

urlpatterns = [
    path("teams/", TeamsView.as_view(), name="teams"),
    path("users/", UsersView.as_view(), name="users"),
]
