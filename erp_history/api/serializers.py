"""What the documents of the API show of ERP data. Rows are never put through a serializer."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from erp_history.domain.run_log import words_of
from erp_history.models import ErpPhase, ErpRequest, ErpRun, ErpSnapshot


class RemarkSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    key = serializers.CharField()
    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class BatchAnswerSerializer(serializers.Serializer[Any]):
    received = serializers.IntegerField()
    inserted = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    superseded = serializers.IntegerField(help_text="Older than what is stored, or repeated later in the same batch.")
    rejected = serializers.IntegerField()
    errors = RemarkSerializer(many=True)  # type: ignore[assignment]  # a field named as an attribute of serializers
    warning_count = serializers.IntegerField()
    warnings = RemarkSerializer(many=True)


class ErpRowSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="Key columns joined with |; the other columns are those of `info/`.")


class FieldInfoSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField()
    size = serializers.IntegerField(allow_null=True)
    required = serializers.BooleanField()  # type: ignore[assignment]  # as above
    key = serializers.BooleanField()
    values = serializers.ListField(child=serializers.CharField(), allow_null=True)
    references = serializers.CharField(allow_null=True)


class TableInfoSerializer(serializers.Serializer[Any]):
    table = serializers.CharField()
    description = serializers.CharField()
    key = serializers.ListField(child=serializers.CharField())
    one_of = serializers.ListField(child=serializers.CharField(), help_text="One of these is needed.")
    fields = FieldInfoSerializer(many=True)  # type: ignore[assignment]  # as above


class TablesSerializer(serializers.Serializer[Any]):
    tables = TableInfoSerializer(many=True)


class SnapshotBody(serializers.Serializer[Any]):
    table = serializers.CharField(max_length=20)


class SnapshotEndBody(serializers.Serializer[Any]):
    rows = serializers.IntegerField(min_value=0, max_value=2**31 - 1, help_text="The number of rows sent in this snapshot.")
    confirm = serializers.BooleanField(required=False, default=False, help_text="Close them even if it is nearly all there is.")


class SnapshotSerializer(serializers.ModelSerializer[ErpSnapshot]):
    closed = serializers.IntegerField(source="closed_rows", help_text="Rows that did not come.")

    class Meta:
        model = ErpSnapshot
        fields = ["id", "table", "status", "rows", "closed", "began_at", "ended_at"]


class RequestSerializer(serializers.ModelSerializer[ErpRequest]):
    class Meta:
        model = ErpRequest
        fields = [
            "id", "source", "at", "user", "token_name", "method", "path", "table", "snapshot_id", "run_id", "status", "milliseconds",
            "size",
            "received", "inserted", "updated", "unchanged", "superseded", "rejected", "warnings", "sample", "answer",
        ]  # fmt: skip


class LogLineSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    text = serializers.CharField()


class PhaseSerializer(serializers.ModelSerializer[ErpPhase]):
    log = serializers.SerializerMethodField()

    class Meta:
        model = ErpPhase
        fields = ["name", "status", "rows", "seconds", "counters", "log", "error", "finished_at"]

    @extend_schema_field(LogLineSerializer(many=True))
    def get_log(self, phase: ErpPhase) -> list[dict[str, Any]]:
        return [{"at": each["at"], "text": words_of(each)} for each in phase.log]


class ErpRunSerializer(serializers.ModelSerializer[ErpRun]):
    phases = PhaseSerializer(many=True, read_only=True)

    class Meta:
        model = ErpRun
        fields = ["id", "kind", "status", "outcome", "today", "rows", "error", "created_at", "started_at", "finished_at", "phases"]
