"""Remittance advice and checks as values: what they say, and who may have them."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.clock import utc_now
from app.core.errors import Conflict, NotFound
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, Scope
from app.db.session import unit_of_work
from app.payouts import documents, exports, service, settling
from app.payouts.settling import News
from app.pdf.render import MAX_LINES
from app.rails.base import Outcome, Result
from jobs import payouts as jobs
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes.rail import fake_rail

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def checker(database_url: str) -> Actor:
    return make.admin("checker@quittance.test")


def withdrawn(place: Shop, checker: Actor, payee: int = 0) -> UUID:
    """Everything ready of a payee, approved."""
    with unit_of_work(PLATFORM) as session:
        actor = make.payee_actor(place.payee_ids[payee])
        payout = service.withdraw(session, actor, organization_id=place.organization_id, currency="GBP")
    with unit_of_work(PLATFORM) as session:
        assert not service.approve(session, checker, [payout.id])[0].refused
    return payout.id


def sent(place: Shop, payout_id: UUID, *, paid: bool = False) -> None:
    with fake_rail() as rail:
        jobs.send_payouts([str(payout_id)], str(place.organization_id), "x", None)
    if paid:
        with unit_of_work(PLATFORM) as session:
            settling.apply(session, SYSTEM, [News(Result(key, Outcome.PAID, "r"), "event") for key in rail.orders])


def test_it_lists_bills_and_credits_and_adds_up(checker: Actor) -> None:
    place = make.shop(1)
    make.earn(place, 100_00, -30_00, 50_00)
    payout_id = withdrawn(place, checker)
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict):
        documents.remittance(session, payout_id)  # not sent yet
    sent(place, payout_id)
    with unit_of_work(PLATFORM) as session:
        made = documents.remittance(session, payout_id)
        assert made.status == "In transit"
        assert sorted(line.amount.minor for line in made.lines) == [-30_00, 50_00, 100_00]
        assert (made.total, made.gross, made.credits) == (
            Money(120_00, "GBP"),
            Money(150_00, "GBP"),
            Money(-30_00, "GBP"),
        )
        assert made.method.endswith("••8905") and made.simulated
        assert made.statement_reference == f"Shop {made.number}"


def test_a_paid_one_is_dated_where_the_payer_is(checker: Actor) -> None:
    place = make.shop(1)
    make.earn(place, 100_00)
    payout_id = withdrawn(place, checker)
    sent(place, payout_id, paid=True)
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE payouts SET paid_at = '2026-11-20 23:30+00'"))
        session.execute(text("UPDATE organizations SET time_zone = 'Asia/Kolkata'"))
        made = documents.remittance(session, payout_id)
    assert (made.status, made.on) == ("Paid", date(2026, 11, 21))


def test_what_came_back_has_none(checker: Actor) -> None:
    place = make.shop(1)
    make.earn(place, 100_00)
    payout_id = withdrawn(place, checker)
    with fake_rail() as rail:
        rail.reject_with = "No."
        jobs.send_payouts([str(payout_id)], str(place.organization_id), "x", None)
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict):
        documents.remittance(session, payout_id)


def test_bill_numbers_come_from_the_request(checker: Actor, superuser: Any) -> None:
    place = make.shop(1)
    [earning_id] = make.earn(place, 100_00)
    with unit_of_work(PLATFORM) as session:
        session.execute(
            text(
                """INSERT INTO payment_requests (id, organization_id, payee_id, reference, invoice_number, amount_minor,
                    approved_minor, currency, description, work_type, invoice_on, status)
                SELECT source_id, organization_id, payee_id, 'R-1', 'INV-77', 10000, 10000, 'GBP', 'Trees', 'other',
                    '2026-10-05', 'approved' FROM earnings WHERE id = :id"""
            ),
            {"id": earning_id},
        )
    superuser.execute("SET session_replication_role = replica")  # an earning never changes: only a test may do this
    superuser.execute("UPDATE earnings SET source_kind = 'payment_request'")
    payout_id = withdrawn(place, checker)
    sent(place, payout_id)
    with unit_of_work(PLATFORM) as session:
        [line] = documents.remittance(session, payout_id).lines
    assert (line.invoice_number, line.on) == ("INV-77", date(2026, 10, 5))


def test_the_scope_decides_who_may_have_it(checker: Actor) -> None:
    place, other = make.shop(2), make.shop(1, slug="other")
    make.earn(place, 100_00)
    payout_id = withdrawn(place, checker)
    sent(place, payout_id)
    allowed = [Scope.payee(place.payee_ids[0]), Scope.organization(place.organization_id)]
    for scope in allowed:
        with unit_of_work(scope) as session:
            assert documents.remittance(session, payout_id).total == Money(100_00, "GBP")
    strangers = [Scope.payee(place.payee_ids[1]), Scope.organization(other.organization_id), Scope.public()]
    for scope in strangers:
        with unit_of_work(scope) as session, pytest.raises(NotFound):
            documents.remittance(session, payout_id)


def test_more_bills_than_fit_are_summed_in_one_line(checker: Actor) -> None:
    place = make.shop(1)
    make.earn(place, 1_00)
    payout_id = withdrawn(place, checker)
    sent(place, payout_id)
    with unit_of_work(PLATFORM) as session:
        session.execute(
            text(
                """WITH more AS (
                    INSERT INTO earnings (organization_id, payee_id, kind, amount_minor, currency, basis_minor, rule,
                        source_kind, source_id, earned_on, description)
                    SELECT organization_id, payee_id, kind, 100, currency, 100, rule, 'test', uuidv7(), earned_on,
                        'Work'
                    FROM earnings, generate_series(1, :n) RETURNING id, organization_id, payee_id
                )
                INSERT INTO payout_items (payout_id, earning_id, organization_id, payee_id, amount_minor)
                SELECT :payout_id, id, organization_id, payee_id, 100 FROM more"""
            ),
            {"n": MAX_LINES + 5, "payout_id": payout_id},
        )
        session.execute(text("UPDATE payouts SET amount_minor = 100 * (:n + 1)"), {"n": MAX_LINES + 5})
        made = documents.remittance(session, payout_id)
    assert len(made.lines) == MAX_LINES
    assert made.lines[-1].description == "7 further bills" and made.lines[-1].amount == Money(7_00, "GBP")


def test_checks_carry_the_frozen_address_and_number(checker: Actor) -> None:
    place = make.shop(2, rail="check")
    maker = make.admin("maker@quittance.test")
    ids = []
    for payee in range(2):
        make.earn(place, 100_00 + payee, -10_00, payee=payee)
        ids.append(str(withdrawn(place, checker, payee)))
    jobs.send_payouts(ids, str(place.organization_id), maker.label, str(maker.account_id))
    with unit_of_work(PLATFORM) as session:
        export_id = session.execute(text("SELECT id FROM payout_exports")).scalar_one()
        exports.release(session, checker, export_id)
        _export, lines = exports.open_lines(session, checker, export_id, "printed")
        papers = documents.checks(session, lines, utc_now())
        with pytest.raises(NotFound):
            documents.checks(session, lines, utc_now(), part=2)
        with pytest.raises(NotFound):
            documents.checks(session, lines, utc_now(), part=0)
    assert [paper.number for paper in papers] == ["000001", "000002"]
    assert sorted(paper.amount.minor for paper in papers) == [90_00, 90_01]
    assert papers[0].payee_name == "A Payee" and papers[0].address == ("1 High Street", "Oxford", "UNITED KINGDOM")
    assert papers[0].paper == "A4" and papers[0].simulated
