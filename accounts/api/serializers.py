from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import Membership, Team


class TeamSerializer(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ["id", "name", "slug"]


class UserSerializer(serializers.ModelSerializer[Membership]):
    """A member of the workspace; `id` is the person's, as in `owner` of a contact."""

    id = serializers.IntegerField(source="user_id")
    name = serializers.CharField(source="user.name")
    email = serializers.EmailField(source="user.email")
    role = serializers.SerializerMethodField()
    teams = serializers.ListField(source="team_ids", child=serializers.IntegerField())

    class Meta:
        model = Membership
        fields = ["id", "name", "email", "role", "teams"]

    def get_role(self, membership: Membership) -> str:
        return str(membership.role).lower()


Serializer = serializers.Serializer[Any]
