from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Workspace
from invoices.domain.summarise import badge_expression, days_overdue, shown, status, summary, today_of, worst_status
from invoices.enums import InvoiceKind, Status, VendorState
from invoices.models import Invoice
from tests.invoices.builders import TODAY, organisation, row, store

YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"due_on": YESTERDAY}, Status.OVERDUE),
        ({"due_on": TODAY}, Status.DUE),
        ({"due_on": None}, Status.DUE),
        ({"outstanding": Decimal(0), "due_on": YESTERDAY}, Status.PAID),
        ({"outstanding": Decimal(-5)}, Status.PAID),
        ({"state": "paid", "due_on": YESTERDAY}, Status.OVERDUE),  # the numbers decide
        ({"state": "draft", "due_on": YESTERDAY}, Status.DRAFT),
        ({"state": "written_off", "due_on": YESTERDAY}, Status.WRITTEN_OFF),
        ({"state": "credited", "outstanding": Decimal(0)}, Status.CREDITED),
        ({"state": "credited", "due_on": YESTERDAY}, Status.OVERDUE),
        ({"kind": "credit_note", "outstanding": Decimal(-5)}, Status.CREDITED),
    ],
)
def test_badge(inside: Workspace, changes: dict[str, object], expected: Status) -> None:
    (invoice,) = store(inside, row(**changes))
    assert status(invoice, TODAY) is expected


def test_days_overdue_counts_only_what_is_late(inside: Workspace) -> None:
    late, fine = store(inside, row(due_on=date(2026, 9, 11)), row())
    assert days_overdue(late, TODAY) == 71
    assert days_overdue(fine, TODAY) == 0


@given(
    kind=st.sampled_from([kind for kind in InvoiceKind if kind is not InvoiceKind.QUOTE]),
    state=st.sampled_from(VendorState),
    outstanding=st.sampled_from([Decimal(-1), Decimal(0), Decimal("0.01")]),
    due_on=st.sampled_from([None, YESTERDAY, TODAY, TOMORROW]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_says_the_same_as_python(
    inside: Workspace, kind: InvoiceKind, state: VendorState, outstanding: Decimal, due_on: date | None
) -> None:
    (invoice,) = store(inside, row(kind=kind.value, state=state.value, outstanding=outstanding, due_on=due_on))
    badge = Invoice.objects.annotate(badge=badge_expression(TODAY)).get(pk=invoice.pk).badge
    assert badge == status(invoice, TODAY)


def test_summary_keeps_currencies_apart_and_leaves_out_what_is_not_owed(inside: Workspace) -> None:
    contact = organisation(inside)
    store(
        inside,
        row(outstanding=Decimal("1180.00")),
        row(outstanding=Decimal("2400.00"), due_on=date(2026, 9, 11)),
        row(outstanding=Decimal("50"), currency="EUR"),
        row(outstanding=Decimal("999"), state="draft"),
        row(outstanding=Decimal("999"), state="written_off"),
        row(outstanding=Decimal("-20")),
        row(kind="quote", gross=Decimal("4100")),
        row(gross=Decimal("860"), outstanding=Decimal(0), paid_on=date(2026, 5, 30)),
        row(gross=Decimal("70"), outstanding=Decimal(0), paid_on=date(2025, 11, 21)),
        row(gross=Decimal("30"), outstanding=Decimal(0), due_on=date(2026, 7, 1)),
        contact=contact,
    )
    got = summary(contact, TODAY)
    euro, pound = got.lines
    assert (euro.currency, euro.outstanding, euro.overdue) == ("EUR", 50, 0)
    assert (pound.outstanding, pound.overdue, pound.overdue_count) == (3580, 2400, 1)
    assert (pound.paid_12m, pound.credit, pound.quotes, pound.quotes_count) == (860 + 30 + 120, 20, 4100, 1)
    assert (got.count, got.worst, got.overdue_count, got.has_credit) == (10, Status.OVERDUE, 1, True)


def test_summary_of_nobody(inside: Workspace) -> None:
    got = summary(organisation(inside), TODAY)
    assert (got.lines, got.count, got.worst) == ((), 0, None)


def test_worst_status_per_contact_in_one_query(inside: Workspace, django_assert_num_queries: object) -> None:
    late, due, paid, none = (organisation(inside, name) for name in ("Late", "Due", "Paid", "None"))
    store(inside, row(due_on=YESTERDAY), row(outstanding=Decimal(0)), contact=late)
    store(inside, row(), row(outstanding=Decimal(0)), contact=due)
    store(inside, row(outstanding=Decimal(0)), row(kind="quote"), contact=paid)
    ids = [contact.pk for contact in (late, due, paid, none)]
    with django_assert_num_queries(1):  # type: ignore[operator]
        got = worst_status(inside, ids, TODAY)
    assert got == {late.pk: Status.OVERDUE, due.pk: Status.DUE, paid.pk: Status.PAID}


def test_today_is_the_workspace_s_own_day(inside: Workspace, time_machine: object) -> None:
    time_machine.move_to("2026-11-21T23:30:00Z", tick=False)  # type: ignore[attr-defined]
    inside.time_zone = "Europe/Copenhagen"
    assert today_of(inside) == date(2026, 11, 22)
    inside.time_zone = "America/Sao_Paulo"
    assert today_of(inside) == date(2026, 11, 21)
    assert shown(inside).count() == 0
