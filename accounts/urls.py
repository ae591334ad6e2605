from django.urls import include, path

from accounts.views import home, join, members, settings, start, teams, tokens

app_name = "accounts"

settings_pages = [
    path("", settings.general, name="settings"),
    path("members/", members.members, name="settings_members"),
    path("members/<int:pk>/", members.member, name="settings_member"),
    path("members/<int:pk>/remove/", members.member_remove, name="settings_member_remove"),
    path("invitations/new/", members.invitation_create, name="settings_invite"),
    path("invitations/<int:pk>/resend/", members.invitation_resend, name="settings_invitation_resend"),
    path("invitations/<int:pk>/revoke/", members.invitation_revoke, name="settings_invitation_revoke"),
    path("teams/", teams.teams, name="settings_teams"),
    path("teams/new/", teams.team_create, name="settings_team_create"),
    path("teams/<int:pk>/", teams.team, name="settings_team"),
    path("teams/<int:pk>/delete/", teams.team_delete, name="settings_team_delete"),
    path("tokens/", tokens.tokens, name="settings_tokens"),
    path("tokens/new/", tokens.token_create, name="settings_token_create"),
    path("tokens/<int:pk>/revoke/", tokens.token_revoke, name="settings_token_revoke"),
    path("audit/", settings.audit, name="settings_audit"),
]

urlpatterns = [
    path("", start.start, name="start"),
    path("workspaces/", start.workspaces, name="workspaces"),
    path("workspaces/new/", start.workspace_create, name="workspace_create"),
    path("profile/", start.profile, name="profile"),
    path("invitations/<slug:slug>/<str:token>/", join.join, name="join"),
    path("w/<slug:slug>/", home.home, name="home"),
    path("w/<slug:slug>/settings/", include(settings_pages)),
]
