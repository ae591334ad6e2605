"""The mass-change guard: a vendor's fault must not become ours.

Counted are contacts, not fields, and only what takes something away from a link that exists:
- hidden: linked records that a rule now leaves out;
- unlinked: linked records that are gone at the vendor;
- overwritten: contacts in which at least one filled value is replaced by another or emptied. Filling an empty value takes nothing away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from integrations.engine.merge import is_empty, same
from integrations.engine.reasons import OWN_CHOICES
from integrations.engine.types import Action, Decision, Fields, Local, Reason

# A record that was made from here is left out from its first day: nothing is taken away.
_NO_LOSS = OWN_CHOICES | {"marked_ours", "organisation_marked_ours"}
ALWAYS_ALLOWED = 20
ALLOWED_SHARE = 10  # one in ten


@dataclass(frozen=True, slots=True)
class Impact:
    """What a pull would take away. Add the batches up."""

    hidden: int = 0
    unlinked: int = 0
    overwritten: int = 0

    def __add__(self, other: Impact) -> Impact:
        return Impact(self.hidden + other.hidden, self.unlinked + other.unlinked, self.overwritten + other.overwritten)

    @property
    def total(self) -> int:
        return self.hidden + self.unlinked + self.overwritten


@dataclass(frozen=True, slots=True)
class Stop:
    """Do not write: a person must look. `reason` carries the counts."""

    reason: Reason


def weigh(decisions: Iterable[Decision], *, contacts: Mapping[int, Local]) -> Impact:
    """Count what these decisions would take away."""
    listed = list(decisions)
    return Impact(
        hidden=sum(_hides(decision) for decision in listed),
        unlinked=sum(decision.action is Action.GONE and decision.contact_id is not None for decision in listed),
        overwritten=sum(_overwrites(decision, contacts) for decision in listed),
    )


def allowed(links: int) -> int:
    """Say how many contacts a pull may touch in this way without asking."""
    return max(ALWAYS_ALLOWED, links // ALLOWED_SHARE)


def check_impact(impact: Impact, *, links: int) -> Stop | None:
    """Stop a pull that would take away more than max(20, 10 %) of the links."""
    if impact.total <= allowed(links):
        return None
    counts = {"hidden": impact.hidden, "unlinked": impact.unlinked, "overwritten": impact.overwritten}
    return Stop(Reason("mass_change", {**counts, "total": impact.total, "links": links}))


def check_list(*, read: int, links: int) -> Stop | None:
    """Stop at an empty list after a full one: that is a fault over there, not a mass delete."""
    return Stop(Reason("empty_list", {"links": links})) if links and not read else None


def _hides(decision: Decision) -> bool:
    left_out = decision.action is Action.SKIP and decision.contact_id is not None
    return left_out and decision.reason is not None and decision.reason.code not in _NO_LOSS


def _overwrites(decision: Decision, contacts: Mapping[int, Local]) -> bool:
    local = contacts.get(decision.contact_id) if decision.contact_id is not None else None
    return local is not None and any(_replaces(local.fields, name, value) for name, value in decision.changes.items())


def _replaces(fields: Fields, name: str, value: object) -> bool:
    before = fields.get(name)
    return not is_empty(before) and not same(name, before, value)
