"""Bills fall due at invoice date + terms, to the moment: across month ends, time zones and changed clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.core.clock import at
from app.core.money import Money
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.earnings import service as earnings
from app.payables import queries, review, service
from app.payables.queries import RequestFilter
from app.payables.review import Decision
from app.payees import service as payee_service
from app.payees.rules import due_on
from tests.factories import organizations, payables, payees
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")
TERMS = (0, 15, 30, 45, 60)


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


def ready(moment: datetime) -> int:
    """How many earnings the release finds at that moment."""
    with unit_of_work(PLATFORM) as session:
        return earnings.release_due(session, moment)


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])
@pytest.mark.parametrize(
    ("invoice_on", "terms", "expected"),
    [
        (date(2026, 1, 31), 30, date(2026, 3, 2)),  # over a short February
        (date(2028, 1, 31), 30, date(2028, 3, 1)),  # of a leap year
        (date(2026, 12, 31), 60, date(2027, 3, 1)),
        (date(2026, 2, 12), 45, date(2026, 3, 29)),  # the day clocks go forward in London
        (date(2026, 10, 2), 30, date(2026, 11, 1)),  # the day they go back in New York
    ],
)
def test_ready_at_the_start_of_the_due_day_and_not_before(
    zone: str, invoice_on: date, terms: int, expected: date
) -> None:
    house = organizations.organization("kiwi", time_zone=zone)
    vendor = payables.vendor_actor(payees.vendor(house, terms_days=terms))
    with at(datetime.combine(invoice_on, time(12), UTC)):
        payables.approved(house, vendor, invoice_on=invoice_on)
    start = datetime.combine(expected, time(), ZoneInfo(zone)).astimezone(UTC)
    assert due_on(invoice_on, terms) == expected
    assert ready(start - timedelta(microseconds=1)) == 0
    assert ready(start) == 1


@pytest.mark.parametrize("terms", TERMS)
def test_each_of_the_terms_and_the_shown_day_agree(oxford: UUID, superuser: Any, terms: int) -> None:
    vendor = payables.vendor_actor(payees.vendor(oxford, terms_days=terms))
    with at(datetime(2026, 3, 2, 12, tzinfo=UTC)):
        request_id = payables.approved(oxford, vendor, invoice_on=date(2026, 3, 2))
    with unit_of_work(Scope.organization(oxford)) as session:
        shown = queries.detail(session, request_id, oxford).due_on
    assert shown == date(2026, 3, 2) + timedelta(days=terms)
    held = superuser.execute("SELECT available_at FROM held_earnings").fetchone()
    if terms == 0:
        assert held is None  # due on receipt: ready once it is approved
    else:
        assert held[0].astimezone(ZoneInfo("Europe/London")) == datetime.combine(
            shown, time(), ZoneInfo("Europe/London")
        )


@pytest.mark.parametrize("bulk", [False, True])
def test_new_terms_do_not_move_what_was_agreed(oxford: UUID, bulk: bool) -> None:
    payee_id = payees.vendor(oxford, terms_days=30)
    request_id = payables.submitted(oxford, payables.vendor_actor(payee_id), invoice_on=date(2026, 3, 2))
    if bulk:
        with unit_of_work(Scope.organization(oxford)) as session:
            review.review_bulk(session, operator(), oxford, Decision.APPROVE, ids=[request_id])
    else:
        payables.approve(oxford, request_id)
    with unit_of_work(Scope.organization(oxford)) as session:
        payee_service.edit(session, operator(), oxford, payee_id, terms_days=60)
    with unit_of_work(Scope.organization(oxford)) as session:
        assert queries.detail(session, request_id, oxford).due_on == date(2026, 4, 1)


def test_a_corrected_invoice_date_counts_anew(oxford: UUID) -> None:
    vendor = payables.vendor_actor(payees.vendor(oxford, terms_days=30))
    assert vendor.payee_id is not None
    request_id = payables.approved(oxford, vendor, 100_00, agreed=80_00, invoice_on=date(2026, 3, 2))
    with unit_of_work(Scope.payee(vendor.payee_id)) as session:
        service.dispute(session, vendor, request_id, "We agreed on 100")
    with unit_of_work(Scope.organization(oxford)) as session:
        review.reject(session, operator(), oxford, request_id, reason="Wrong date")
    with unit_of_work(Scope.payee(vendor.payee_id)) as session:
        service.edit(session, vendor, request_id, payables.form(100_00, invoice_on=date(2026, 3, 9)))
        service.submit(session, vendor, request_id)
    with unit_of_work(Scope.organization(oxford)) as session:
        assert queries.detail(session, request_id, oxford).due_on == date(2026, 4, 8)


def found(organization_id: UUID, **chosen: Any) -> list[str]:
    with unit_of_work(Scope.organization(organization_id)) as session:
        rows = queries.approval_queue(session, organization_id, RequestFilter(**chosen)).items
    return sorted(row.description for row in rows)


def test_what_is_due_is_found_while_it_is_to_be_paid(oxford: UUID) -> None:
    vendor = payables.vendor_actor(payees.vendor(oxford, terms_days=30))

    def bill(name: str, minor: int = 100_00) -> UUID:
        return payables.submitted(oxford, vendor, minor, invoice_on=date(2026, 3, 2), description=name)

    bill("waits")
    payables.approve(oxford, bill("approved"))
    with unit_of_work(Scope.organization(oxford)) as session:
        review.reject(session, operator(), oxford, bill("rejected"), reason="no")
    assert found(oxford, due_until=date(2026, 4, 1)) == ["approved", "waits"]
    assert found(oxford, due_until=date(2026, 3, 31)) == []
    assert found(oxford, due_from=date(2026, 4, 1)) == ["approved", "waits"]
    assert found(oxford, due_from=date(2026, 4, 2)) == []


def test_a_credit_is_never_due(oxford: UUID) -> None:
    payables.imported(oxford, payables.csv("A,S1,Acme,-5.00,01/03/2026", "B,S1,Acme,5.00,01/03/2026"))
    with unit_of_work(Scope.organization(oxford)) as session:
        rows = queries.approval_queue(session, oxford, RequestFilter(due_until=date(2026, 12, 1))).items
    assert [Money(row.amount_minor, row.currency).minor for row in rows] == [5_00]


def test_terms_of_a_line_become_its_due_day(oxford: UUID, superuser: Any) -> None:
    body = "Reference,Supplier Name,Amount,Date,Terms\r\nA,Acme,5.00,31/01/2026,Net 30\r\nB,Acme,6.00,31/01/2026,\r\n"
    payables.imported(oxford, body.encode(), terms_days=15)
    rows = superuser.execute("SELECT reference, due_on FROM payment_requests ORDER BY 1").fetchall()
    assert rows == [("A", date(2026, 3, 2)), ("B", None)]
