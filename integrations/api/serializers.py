from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from integrations import registry
from integrations.domain.attention import AttentionRow
from integrations.domain.health import health
from integrations.domain.runs import COUNTERS
from integrations.domain.sentences import sentence
from integrations.domain.settings import name_of
from integrations.enums import Health, LinkState
from integrations.models import Connection, Run, RunLine


class ConnectionSerializer(serializers.Serializer[Connection]):
    """A connection and how it is. Secrets are never shown."""

    id = serializers.IntegerField()
    provider = serializers.CharField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]  # the name of the JSON key
    name = serializers.SerializerMethodField(help_text="What people call the integration.")
    status = serializers.SerializerMethodField()
    health = serializers.SerializerMethodField()
    health_text = serializers.SerializerMethodField()
    needs_attention = serializers.SerializerMethodField()
    account = serializers.CharField(source="account_name")
    settings = serializers.DictField(required=False, help_text="For administrators.")
    connected_at = serializers.DateTimeField(allow_null=True)
    last_success_at = serializers.DateTimeField(allow_null=True)
    last_attempt_at = serializers.DateTimeField(allow_null=True)
    next_due_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, instance: Connection) -> dict[str, Any]:
        self._health = health(instance)
        shown = dict(super().to_representation(instance))
        if not self.context["is_admin"]:
            del shown["settings"]
        return shown

    def get_label(self, connection: Connection) -> str:
        return registry.manifest(connection.provider).label

    def get_name(self, connection: Connection) -> str:
        return name_of(connection)

    def get_status(self, connection: Connection) -> str:
        return str(connection.status).lower()

    @extend_schema_field(serializers.ChoiceField(choices=Health.choices))
    def get_health(self, _connection: Connection) -> str:
        return self._health.state.value

    def get_health_text(self, _connection: Connection) -> str:
        return self._health.sentence

    def get_needs_attention(self, _connection: Connection) -> int:
        return self._health.count


class CountersSerializer(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: serializers.IntegerField(default=0) for name in COUNTERS}


class RunSerializer(serializers.Serializer[Run]):
    id = serializers.IntegerField()
    connection = serializers.IntegerField(source="connection_id")
    kind = serializers.CharField()
    status = serializers.SerializerMethodField()
    outcome = serializers.CharField(help_text="Empty until the run is over.")
    phase = serializers.CharField()
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    counters = CountersSerializer()
    reason = serializers.SerializerMethodField()
    detail = serializers.CharField()
    undone_by = serializers.IntegerField(source="undone_by_id", allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_status(self, run: Run) -> str:
        return str(run.status).lower()

    def get_reason(self, run: Run) -> str:
        return sentence(run.reason, run.connection.provider)


class RunDetailSerializer(RunSerializer):
    plan = serializers.DictField(help_text="Counts of both sides and the first rows, for previews and runs that wait for a decision.")


class RunLineSerializer(serializers.Serializer[RunLine]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    level = serializers.CharField()
    action = serializers.CharField()
    kind = serializers.CharField(source="remote_kind")
    remote_id = serializers.CharField()
    name = serializers.CharField()
    contact = serializers.IntegerField(source="contact_id", allow_null=True)
    fields = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]  # the name of the JSON key
    code = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    detail = serializers.CharField()

    def get_code(self, line: RunLine) -> str:
        return str(line.reason.get("code", ""))

    def get_reason(self, line: RunLine) -> str:
        return sentence(line.reason, self.context["provider"])


class FailureSerializer(serializers.Serializer[AttentionRow]):
    """A record that waits for a person."""

    id = serializers.CharField()
    name = serializers.CharField()
    contact = serializers.SerializerMethodField()
    kind = serializers.CharField(source="remote_kind")
    remote_id = serializers.CharField()
    url = serializers.CharField(source="remote_url")
    code = serializers.CharField()
    reason = serializers.CharField(source="sentence")
    hint = serializers.CharField()
    detail = serializers.CharField()
    actions = serializers.ListField(child=serializers.CharField())
    tries = serializers.IntegerField()
    next_try_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_contact(self, row: AttentionRow) -> int | None:
        return row.contact.pk if row.contact else None


class CandidateSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()


class MatchSerializer(FailureSerializer):
    """A record without a contact, with the contacts that it may be."""

    candidates = CandidateSerializer(many=True)


class MatchInput(serializers.Serializer[Any]):
    """`contact` null brings the record in as a new contact."""

    row = serializers.CharField(max_length=40)
    contact = serializers.IntegerField(allow_null=True, min_value=1, max_value=2**63 - 1)


class RetryInput(serializers.Serializer[Any]):
    rows = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=500)
    reason = serializers.CharField(max_length=40, required=False, allow_blank=True)


class ExportInput(serializers.Serializer[Any]):
    connection = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class ExportAnswer(serializers.Serializer[Any]):
    contact = serializers.IntegerField(help_text="Who is exported: the organisation of a person who belongs to one.")
    state = serializers.CharField()


class SettingsInput(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    settings = serializers.DictField(required=False)
    secrets = serializers.DictField(required=False, help_text="Keys of a provider without OAuth. They are tried first, and never shown.")


class ConnectionInput(serializers.Serializer[Any]):
    """A connection made with keys, without a browser."""

    provider = serializers.CharField(max_length=30)
    settings = serializers.DictField(required=False, default=dict)
    secrets = serializers.DictField()


STATES = (LinkState.HELD, LinkState.FAILING, LinkState.IGNORED, LinkState.GONE)
