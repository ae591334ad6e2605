"""The contacts screens at size, under row-level security: lists, searches and whole pages, against 20 rows by primary key."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from django.test import Client

from accounts.models import Membership, User, Workspace
from accounts.scoping import workspace_tx
from contacts.domain import queries
from contacts.domain.queries import ListQuery
from contacts.models import Contact
from tests.bench.report import Figure, Report, median, percentile, seconds
from tests.bench.seed import analyse, seed

BIG = 100_000
EACH = 20_000
WORKSPACES = int(os.environ.get("BENCH_WORKSPACES", "50"))
TIMES = 15
OFTEN = 60
WORDS = ("", "a", "w", "q", "an", "mar", "silva", "ltda", "maria silva", "anna 1", "xyz", "020 7", "zoe zimmer")
LISTS: list[ListQuery] = [
    *(ListQuery(q=word) for word in WORDS),
    ListQuery(sort="changed"),
    ListQuery(q="silva", sort="changed"),
    ListQuery(kind="organisation"),
    ListQuery(q="w", kind="organisation"),
    ListQuery(owner="me"),
    ListQuery(team="none", life_cycle="former"),
    ListQuery(q="a", life_cycle="former", owner="me"),
    ListQuery(tags=("Wholesale",)),
    ListQuery(tags=("Rare",)),
    ListQuery(q="silva", tags=("Rare",)),
]


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one kind of request."""

    name: str
    taken: list[float]

    @property
    def p50(self) -> float:
        return median(self.taken)

    @property
    def p95(self) -> float:
        return percentile(self.taken, 0.95)


def timed(name: str, work: Callable[[], object], *, times: int = TIMES) -> Timing:
    work()
    return Timing(name, [seconds(work) * 1000 for _ in range(times)])


def member(slug: str, role: str) -> Membership:
    return Membership.objects.select_related("workspace", "user").get(workspace__slug=slug, user__email=f"{role}@{slug}.example")


def lists(slug: str, role: str) -> list[Timing]:
    """Every kind of list, its second page, and one deep in it: SQL and objects, without the page around it."""
    who = member(slug, role)
    timings = []
    with workspace_tx(who.workspace):
        ids = list(Contact.objects.values_list("pk", flat=True)[:20])
        timings.append(timed("20 rows by primary key", lambda: list(Contact.objects.filter(pk__in=ids)), times=TIMES * 3))
        for query in LISTS:
            told = (
                " ".join(filter(None, [query.q, *query.tags, *query.facets.values(), query.sort if query.sort != "name" else ""])) or "all"
            )
            timings.append(timed(told, lambda query=query: queries.list_page(who, query)))
        deep = queries.list_page(who, ListQuery(), after=_middle(who)).after or ""
        timings.append(timed("all, a page in the middle", lambda: queries.list_page(who, ListQuery(), after=deep)))
    return timings


def _middle(who: Membership) -> str:
    return queries.list_page(who, ListQuery(q="maria")).after or ""


def pages(slug: str, role: str) -> list[Timing]:
    """Whole pages through the middleware, as a browser asks for them."""
    client = Client()
    client.force_login(User.objects.get(email=f"{role}@{slug}.example"))
    with workspace_tx(Workspace.objects.get(slug=slug)):
        some = Contact.objects.order_by("-updated_at").values_list("pk", flat=True)[0]
    home = f"/w/{slug}/contacts/"
    fragment = {"HX-Request": "true", "HX-Target": "list"}
    return [
        timed("list", lambda: client.get(home), times=OFTEN),
        timed("search as one types", lambda: client.get(f"{home}?q=mar", headers=fragment), times=OFTEN),
        timed("contact", lambda: client.get(f"{home}{some}/"), times=OFTEN),
    ]


def measure(report: Report) -> None:
    """100,000 contacts in one workspace, then a million in fifty: each kind of list, search and page."""
    workspaces = ["big", *(f"b{number}" for number in range(WORKSPACES))]
    for slug in workspaces:
        if not Workspace.objects.filter(slug=slug).exists():
            seed(slug, BIG if slug == "big" else EACH)
    analyse()
    add(report, "100,000 contacts", lists("big", "owner"), bar=20, share=0.5)
    add(report, "100,000 contacts, restricted member", lists("big", "restricted"), bar=20, share=0.5)
    middle = workspaces[len(workspaces) // 2]
    total = f"{(BIG + EACH * WORKSPACES) / 1_000_000:.1f} M contacts"
    add(report, total, [*lists(middle, "owner"), *lists(middle, "member")], bar=50, share=0.95)
    for page in pages(middle, "owner"):
        report.add(Figure(f"whole page, {page.name}, {total}, p95", page.p95, "ms", 50, note=f"p50 {page.p50:.1f} ms; middleware to HTML"))


def add(report: Report, title: str, timings: list[Timing], *, bar: float, share: float) -> None:
    """One figure: all requests together; the note names the slowest kind and the floor."""
    floor, asked = timings[0], [timing for timing in timings if timing.name != timings[0].name]
    slowest = max(asked, key=lambda timing: timing.p50)
    together = [value for timing in asked for value in timing.taken]
    note = f"slowest kind: {slowest.name} {slowest.p50:.1f} ms; 20 rows by key: {floor.p50:.2f} ms"
    report.add(Figure(f"contacts list and search, {title}, p{share * 100:.0f}", percentile(together, share), "ms", bar, note=note))
