"""One-time imports: the fields that an account added are made here first, and the values of new contacts go into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from contacts.domain import custom
from contacts.models import CustomField
from integrations import registry
from integrations.domain.access import Access
from integrations.domain.connect import finish_import
from integrations.domain.journal import note
from integrations.domain.leases import page_tx, save_progress
from integrations.domain.runs import origin_of
from integrations.engine import types as engine
from integrations.engine.capabilities import KnowsCustomFields
from integrations.engine.errors import Denied, Gone, SkipRecord
from integrations.engine.provider import Provider
from integrations.engine.types import Party
from integrations.enums import Level
from integrations.models import Run


@dataclass(frozen=True, slots=True)
class Customs:
    """The account's own fields with those of this workspace that hold their values."""

    provider: KnowsCustomFields
    fields: Mapping[str, tuple[engine.CustomField, CustomField]]

    def of(self, party: Party) -> dict[str, Any]:
        """Values for a new contact; what a field cannot hold is left out."""
        found: dict[str, Any] = {}
        for key, value in party.custom.items():
            theirs, ours = self.fields.get(key, (None, None))
            if theirs is None or ours is None or ours.applies_to not in ("", party.kind.value):
                continue
            try:
                clean = custom.clean_value(ours, self.provider.custom_value(theirs, value))
            except ValueError:
                continue
            if clean is not None:
                found[key] = clean
        return found


def make_fields(run: Run, access: Access) -> None:
    """Before the first write, once per run. An account that does not show its fields is brought over without them."""
    provider = access.provider
    if not isinstance(provider, KnowsCustomFields) or "custom" in run.cursor:
        return
    refused: Denied | Gone | SkipRecord | None = None
    try:
        fields = [asdict(field) for field in provider.custom_fields()]
    except (Denied, Gone, SkipRecord) as error:
        fields, refused = [], error
    with page_tx(run, origin=origin_of(run)):
        custom.ensure_fields(run.workspace, fields)
        save_progress(run, cursor={**run.cursor, "custom": fields})
        if refused is not None:
            note(run, "denied", level=Level.WARNING, reason=refused.reason, detail=refused.detail)


def customs_of(run: Run, provider: Provider) -> Customs | None:
    told = run.cursor.get("custom")
    if not told or not isinstance(provider, KnowsCustomFields):
        return None
    theirs = {each["key"]: engine.CustomField(**{**each, "choices": tuple(each["choices"])}) for each in told}
    ours = {field.key: field for field in custom.fields_of(run.workspace)}
    return Customs(provider, {key: (field, ours[key]) for key, field in theirs.items() if key in ours})


def end_import(run: Run) -> None:
    """In the transaction that ends the run. While somebody has still to decide about records the secret is needed."""
    if registry.manifest(run.connection.provider).one_time and not run.counters["held"]:
        finish_import(run.connection)
