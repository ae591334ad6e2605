"""Tags: contacts carry the names; a row for each name lets it be offered, renamed and removed."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from accounts.scoping import Origin
from contacts.domain.faults import FieldError, Invalid
from contacts.domain.store import live, update_contacts
from contacts.domain.values import one_line
from contacts.models import ContactToken, Tag
from crmsync.lib.text import clip, fold

BATCH = 1000


def known(workspace: Workspace) -> list[str]:
    return sorted(Tag.objects.filter(workspace=workspace).values_list("name", flat=True), key=fold)


def with_counts(workspace: Workspace) -> list[tuple[Tag, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tag, count(*) FROM contacts_contact c, unnest(c.tags) AS tag"
            " WHERE c.workspace_id = %s AND c.deleted_at IS NULL GROUP BY tag",
            [workspace.pk],
        )
        counts = dict(cursor.fetchall())
    return sorted(((tag, counts.get(tag.name, 0)) for tag in Tag.objects.filter(workspace=workspace)), key=lambda pair: fold(pair[0].name))


def remember(workspace: Workspace, contact_ids: Sequence[int]) -> None:
    """Offer from now on the tags that these contacts carry; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_tag (workspace_id, name)"
            " SELECT DISTINCT c.workspace_id, tag FROM contacts_contact c, unnest(c.tags) AS tag"
            " WHERE c.workspace_id = %s AND c.id = ANY(%s) ON CONFLICT (workspace_id, name) DO NOTHING",
            [workspace.pk, list(contact_ids)],
        )


def canonical(workspace: Workspace, names: Sequence[str]) -> list[str]:
    """The names as they are spelled already: "vip" becomes "VIP" when that is the tag."""
    spelled = {fold(name): name for name in known(workspace)}
    return list(dict.fromkeys(spelled.get(fold(name), name) for name in names))


def create(workspace: Workspace, name: str) -> Tag:
    clean = _clean(name)
    if any(fold(other) == fold(clean) for other in known(workspace)):
        raise _taken()
    # Somebody may add it at this moment, or give it to a contact: the database decides.
    tag, is_new = Tag.objects.get_or_create(workspace=workspace, name=clean)
    if not is_new:
        raise _taken()
    return tag


def _taken() -> Invalid:
    return Invalid([FieldError("name", "taken", _("There is a tag of this name."))])


def number_of(workspace: Workspace, tag: Tag) -> int:
    """How many contacts carry the tag, those in the trash included."""
    return ContactToken.objects.filter(workspace=workspace, word=clip(f"t:{tag.name}", 100)).count()


def check_name(name: str) -> str:
    """The name as it may be given, or `Invalid`."""
    return _clean(name)


def rename(workspace: Workspace, tag: Tag, name: str, *, origin: Origin) -> int:
    """Give a tag another name on all its contacts; the name of another tag joins the two. Returns the number of contacts."""
    clean = _clean(name)
    if clean == tag.name:
        return 0
    old = tag.name
    Tag.objects.get_or_create(workspace=workspace, name=clean)
    changed = _replace(workspace, old, [clean], origin=origin)
    tag.delete()
    return changed


def remove(workspace: Workspace, tag: Tag, *, origin: Origin) -> int:
    """Take a tag off all its contacts and forget it."""
    changed = _replace(workspace, tag.name, [], origin=origin)
    tag.delete()
    return changed


def replace(workspace: Workspace, tag: Tag, name: str, *, origin: Origin) -> int:
    """Rename the tag, or remove it when there is no name."""
    return rename(workspace, tag, name, origin=origin) if name else remove(workspace, tag, origin=origin)


def ask(workspace: Workspace, tag: Tag, name: str, *, user: User | None) -> None:
    """Write down what `finish` shall do: many contacts carry the tag. Asked again, the newest wish counts."""
    Tag.objects.filter(workspace=workspace, pk=tag.pk).update(becomes=name, asked_by=user)


def finish(workspace: Workspace, tag_id: int) -> int:
    """Do what was asked of a tag; nothing when another worker has done it."""
    tag = Tag.objects.select_for_update(of=("self",)).filter(workspace=workspace, pk=tag_id, becomes__isnull=False).first()
    if tag is None or tag.becomes is None:
        return 0
    wish, user = tag.becomes, tag.asked_by
    Tag.objects.filter(pk=tag.pk).update(becomes=None, asked_by=None)
    origin = Origin(kind="web", actor_id=user.pk if user else None, label=str(user or ""))
    return replace(workspace, tag, wish, origin=origin)


def unfinished(workspace: Workspace) -> list[int]:
    return list(Tag.objects.filter(workspace=workspace, becomes__isnull=False).order_by("pk").values_list("pk", flat=True))


def _clean(name: str) -> str:
    try:
        clean = one_line(name, limit=60)
    except ValueError as fault:
        raise Invalid([FieldError("name", "invalid", str(fault))]) from None
    if not clean:
        raise Invalid([FieldError("name", "required", _("Give a name."))])
    return clean


def _replace(workspace: Workspace, old: str, new: Sequence[str], *, origin: Origin) -> int:
    tokens = ContactToken.objects.filter(workspace=workspace, word=clip(f"t:{old}", 100))
    ids = sorted(tokens.values_list("contact_id", flat=True))
    total = 0
    for start in range(0, len(ids), BATCH):
        carriers = live(workspace).filter(pk__in=ids[start : start + BATCH], tags__contains=[old])
        # Locked: a tag that a sync or a person gives at this moment must not be written over.
        found = carriers.select_for_update(of=("self",)).order_by("pk").values_list("pk", "tags")
        changes = {pk: {"tags": list(dict.fromkeys(name for tag in tags for name in (new if tag == old else [tag])))} for pk, tags in found}
        total += len(update_contacts(workspace, changes, origin=origin).updated)
    return total
