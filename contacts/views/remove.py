from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.domain.keyset import keyset_page
from contacts import panels
from contacts.domain import bulk, queries
from contacts.domain.store import delete_contacts
from contacts.domain.trash import KEPT
from contacts.domain.visibility import trash_of, visible_or_404
from contacts.enums import Kind
from contacts.views.common import address, membership_of, origin_of, picked, say_undoable
from crmsync.lib.paging import CursorError

PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Say first what will happen."""
    membership = membership_of(request)
    contact = visible_or_404(membership, pk)
    if request.method != "POST":
        context = {
            "contact": contact,
            "people_count": queries.people_of(membership, contact)[1] if contact.kind == Kind.ORGANISATION else 0,
            "warnings": panels.rendered("delete_warning", request, contact),
        }
        return render(request, "contacts/delete.html", context)
    delete_contacts(membership.workspace, [contact.pk], origin=origin_of(request))
    say_undoable(request, _("%(name)s is in the trash.") % {"name": contact.name}, address(request, "restore"), [("picked", pk)])
    return HttpResponseRedirect(address(request, "list"))


@require_safe
def trash(request: HttpRequest) -> HttpResponse:
    found = trash_of(membership_of(request))
    try:
        page = keyset_page(found, order=("-deleted_at", "-id"), cursor=request.GET.get("cursor"), limit=PAGE)
    except CursorError:
        return HttpResponseRedirect(address(request, "trash"))
    rows = [(contact, contact.deleted_at + KEPT) for contact in page.rows if contact.deleted_at]
    next_url = f"{address(request, 'trash')}?cursor={page.next_cursor}" if page.next_cursor else ""
    return render(request, "contacts/trash.html", {"rows": rows, "next_url": next_url, "days": KEPT.days})


@require_POST
def restore(request: HttpRequest) -> HttpResponse:
    back = bulk.restore(membership_of(request), picked(request), origin=origin_of(request))
    if not back:
        messages.info(request, _("There was nothing to restore."))
        return HttpResponseRedirect(address(request, "trash"))
    text = ngettext("%(number)d contact is back.", "%(number)d contacts are back.", len(back)) % {"number": len(back)}
    messages.success(request, text)
    return HttpResponseRedirect(address(request, "detail", pk=back[0]) if len(back) == 1 else address(request, "list"))
