"""What contacts tell the apps above them, once per batch and inside the writing transaction."""

from django.dispatch import Signal

# contact_ids: list[int] and origin: accounts.scoping.Origin, fields: dict[int, set[str]] (what changed per contact),
# fresh: bool (they have just been made: nothing can point at them yet)
contacts_changed = Signal()
# contact_ids, origin: the contacts have just been deleted (they can be restored)
contacts_deleted = Signal()
# contact_ids, origin
contacts_restored = Signal()
# kept_id, gone_id, origin, choices: mapping the merging person filled in (upper apps' questions)
contacts_merged = Signal()
# kept_id, gone_id, origin: a merge was taken back; `gone` is restored just after this
contacts_unmerged = Signal()
