from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.clock import at
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.money import Money
from app.core.scope import SYSTEM, Scope, operator
from app.db.session import unit_of_work
from app.earnings import queries, rules, service
from app.earnings.models import HoldReason
from app.ledger import service as ledger
from app.ledger.recipes import Account
from app.organizations.states import Role
from app.payables import review
from app.payables.queries import RequestFilter
from app.payables.review import Decision
from tests.factories import organizations, payables, payees, people
from tests.factories.payables import csv, imported

pytestmark = pytest.mark.usefixtures("database_url")
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def vendor(oxford: UUID) -> UUID:
    return payees.vendor(oxford, terms_days=30)


def owed(payee_id: UUID) -> tuple[int, int]:
    """Held and available in GBP."""
    with unit_of_work(Scope.payee(payee_id)) as session:
        found = ledger.payee_balances(session, payee_id).get("GBP", {})
    zero = Money(0, "GBP")
    return found.get(Account.PAYEE_HELD, zero).minor, found.get(Account.PAYEE_AVAILABLE, zero).minor


def earning_of(payee_id: UUID) -> UUID:
    with unit_of_work(Scope.payee(payee_id)) as session:
        found: UUID = queries.earnings(session, payee_id=payee_id).items[0].id
        return found


def held_bill(oxford: UUID, vendor: UUID, minor: int = 100_00, agreed: int | None = None) -> UUID:
    """An earning that waits, approved at NOW."""
    with at(NOW):
        payables.approved(oxford, payables.vendor_actor(vendor), minor, agreed, invoice_on=NOW.date())
    return earning_of(vendor)


def test_sql_and_rules_agree_on_when_an_earning_is_ready(superuser: Any) -> None:
    zones = ["UTC", "Europe/London", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland"]
    checked = 0
    for zone in zones:
        organization_id = organizations.organization(
            f"in-{zone.lower().replace('/', '-').replace('_', '-')}", time_zone=zone
        )
        for terms_days in (0, 20, 45):
            payee_id = payees.vendor(organization_id, f"T{terms_days}", terms_days=terms_days)
            actor = payables.vendor_actor(payee_id)
            for invoice_on in (date(2026, 2, 10), date(2026, 3, 9), date(2026, 3, 10)):
                for agreed in (None, 40_00):
                    with at(NOW):
                        request_id = payables.approved(organization_id, actor, 100_00, agreed, invoice_on=invoice_on)
                    ends = rules.terms_end(invoice_on=invoice_on, due_on=None, terms_days=terms_days, time_zone=zone)
                    when = rules.available_at(
                        approved_minor=agreed or 100_00, amount_minor=100_00, terms_end=ends, now=NOW
                    )
                    row = superuser.execute(
                        "SELECT h.available_at, h.reason, q.earning_id FROM earnings e"
                        " LEFT JOIN held_earnings h ON h.earning_id = e.id"
                        " LEFT JOIN ready_earnings q ON q.earning_id = e.id WHERE e.source_id = %s",
                        [request_id],
                    ).fetchone()
                    if when <= NOW:
                        assert row[0] is None and row[2] is not None
                    else:
                        reason = rules.hold_reason(approved_minor=agreed or 100_00, amount_minor=100_00)
                        assert (row[0], row[1], row[2]) == (when, reason.value, None)
                    checked += 1
    assert checked == len(zones) * 18


def test_recording_twice_adds_nothing(oxford: UUID, vendor: UUID) -> None:
    earning_id = held_bill(oxford, vendor)
    with unit_of_work(people.PLATFORM) as session:
        request_id = session.execute(text("SELECT id FROM payment_requests")).scalar_one()
        assert service.record_requests(session, SYSTEM, [request_id]).total == 0
        service.release_due(session, NOW + timedelta(days=60))
        assert service.record_requests(session, SYSTEM, [request_id]).total == 0
    assert owed(vendor) == (0, 100_00)
    assert earning_of(vendor) == earning_id


def test_only_approved_requests_earn(oxford: UUID, vendor: UUID) -> None:
    request_id = payables.submitted(oxford, payables.vendor_actor(vendor))
    with unit_of_work(Scope.organization(oxford)) as session:
        assert service.record_requests(session, operator(), [request_id]).total == 0
        assert service.record_requests(session, operator(), []).total == 0
    assert owed(vendor) == (0, 0)


def test_release_waits_for_the_day_and_happens_once(oxford: UUID, vendor: UUID) -> None:
    earning_id = held_bill(oxford, vendor)
    due = datetime(2026, 4, 8, 23, tzinfo=UTC)  # 9 April in London
    with unit_of_work(people.PLATFORM) as session:
        why = queries.why_not_ready(session, earning_id)
        assert why == rules.NotReady(HoldReason.TERMS, "Waiting for the payment terms to pass.", due)
        assert service.release_due(session, due - timedelta(microseconds=1)) == 0
        assert service.release_due(session, due) == 1
        assert service.release_due(session, due) == 0
        assert queries.why_not_ready(session, earning_id) is None
    assert owed(vendor) == (0, 100_00)
    with unit_of_work(Scope.payee(vendor)) as session:
        (row,) = queries.earnings(session, payee_id=vendor).items
        assert (row.state, row.payout_id) == ("ready", None)
        assert queries.ready(session, oxford, vendor) == [Money(100_00, "GBP")]


def test_releases_at_once_share_the_work(oxford: UUID) -> None:
    imported(oxford, csv(*(f"T{n},S{n % 9},Supplier {n % 9},10.00,01/03/2026" for n in range(120))), terms_days=30)
    with at(NOW), unit_of_work(Scope.organization(oxford)) as session:
        review.review_bulk(session, operator(), oxford, Decision.APPROVE, chosen=RequestFilter())

    def release(_: int) -> int:
        count = 0
        while True:
            with unit_of_work(people.PLATFORM) as session:
                done = service.release_due(session, NOW + timedelta(days=60), limit=7)
            count += done
            if done < 7:
                return count

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(release, range(4))) == 120
    with unit_of_work(people.PLATFORM) as session:
        totals = session.execute(
            text("SELECT account, CAST(sum(balance_minor) AS bigint) FROM ledger_balances GROUP BY 1 ORDER BY 1")
        ).all()
    assert [tuple(row) for row in totals] == [("payee_available", 120_000), ("payee_held", 0)]


def test_early_release_is_an_audited_act_of_an_admin(oxford: UUID, vendor: UUID) -> None:
    earning_id = held_bill(oxford, vendor)
    bath = organizations.organization("bath")
    for actor in (people.member(oxford, Role.MANAGER), people.member(bath, Role.OWNER), people.payee(vendor)):
        with unit_of_work(Scope.organization(oxford)) as session, pytest.raises(Forbidden):
            service.release_early(session, actor, oxford, earning_id, "please")
    with unit_of_work(Scope.organization(bath)) as session, pytest.raises(NotFound):
        service.release_early(session, people.member(bath, Role.ADMIN), bath, earning_id, "please")
    admin = people.member(oxford, Role.ADMIN)
    with unit_of_work(Scope.organization(oxford)) as session:
        with pytest.raises(Invalid):
            service.release_early(session, admin, oxford, earning_id, " ")
        service.release_early(session, admin, oxford, earning_id, "They need it now")
        with pytest.raises(NotFound):
            service.release_early(session, admin, oxford, earning_id, "again")
        detail = session.execute(
            text("SELECT detail FROM audit_records WHERE action = 'earning.released_early'")
        ).scalar_one()
    assert detail["reason"] == "They need it now"
    assert owed(vendor) == (0, 100_00)
    with unit_of_work(Scope.payee(vendor)) as session:
        note = session.execute(text("SELECT note FROM timeline_events WHERE from_state = 'held'")).scalar_one()
    assert note == "Released early: They need it now"


def test_the_payee_s_time_to_dispute_is_not_cut_short(oxford: UUID, vendor: UUID) -> None:
    earning_id = held_bill(oxford, vendor, 100_00, 60_00)
    with unit_of_work(people.PLATFORM) as session, pytest.raises(Conflict):
        service.release_early(session, operator(), oxford, earning_id, "please")
    assert owed(vendor) == (60_00, 0)


def test_a_cancelled_earning_leaves_nothing_owed_and_its_row(oxford: UUID, vendor: UUID) -> None:
    earning_id = held_bill(oxford, vendor, 100_00, 60_00)
    with unit_of_work(Scope.payee(vendor)) as session:
        assert service.cancel_held(session, operator(), earning_id, "disputed") == Money(60_00, "GBP")
        with pytest.raises(NotFound):
            service.cancel_held(session, operator(), earning_id, "again")
    assert owed(vendor) == (0, 0)
    with unit_of_work(Scope.payee(vendor)) as session:
        assert [row.state for row in queries.earnings(session, payee_id=vendor).items] == ["reversed"]
    with unit_of_work(people.PLATFORM) as session:
        total = session.execute(
            text("SELECT sum(amount_minor) FROM ledger_lines WHERE account = 'receivable'")
        ).scalar_one()
    assert total == 0


def test_a_bill_and_its_credit_are_one_sum(oxford: UUID) -> None:
    imported(oxford, csv("T1,S1,One,100.00,01/03/2026", "T2,S1,One,-30.00,01/03/2026"))
    with at(NOW), unit_of_work(Scope.organization(oxford)) as session:
        review.review_bulk(session, operator(), oxford, Decision.APPROVE, chosen=RequestFilter())
        payee_id = session.execute(text("SELECT payee_id FROM engagements")).scalar_one()
        assert queries.ready(session, oxford, payee_id) == [Money(70_00, "GBP")]
        kinds = {row.kind.value for row in queries.earnings(session, payee_id=payee_id).items}
    assert kinds == {"bill", "credit"}


def test_others_see_no_earning(oxford: UUID, vendor: UUID) -> None:
    earning_id = held_bill(oxford, vendor)
    other = payees.vendor(oxford, "Other")
    for scope in (Scope.organization(organizations.organization("bath")), Scope.payee(other), Scope.public()):
        with unit_of_work(scope) as session:
            assert queries.earnings(session, payee_id=vendor).items == []
            assert queries.why_not_ready(session, earning_id) is None
            assert queries.held(session, vendor) == []
            assert ledger.payee_balances(session, vendor) == {}
    with unit_of_work(Scope.organization(oxford)) as session:
        assert len(queries.earnings(session, payee_id=vendor, organization_id=oxford).items) == 1


def test_the_books_do_not_change(oxford: UUID, vendor: UUID) -> None:
    held_bill(oxford, vendor)
    for sql in ("UPDATE earnings SET amount_minor = 1", "DELETE FROM earnings", "DELETE FROM ledger_lines"):
        with pytest.raises(Exception, match=r"permission denied|only grow"), unit_of_work(people.PLATFORM) as session:
            session.execute(text(sql))
