"""What a client pays reaches everybody, what goes back comes from everybody, and the books add up all the way."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.charges import client_service
from app.charges.client_models import Charge
from app.charges.states import ChargeProvider, ChargeStatus, ReturnKind, ReturnStatus
from app.consultations import money, pricing
from app.consultations.models import Consultation
from app.consultations.states import ConsultationStatus, PaidBy, Practice
from app.core.errors import Conflict, Invalid
from app.core.money import Money
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.ledger import service as ledger
from app.ledger.recipes import Account
from app.reporting import doctor
from tests.factories import bookings as make
from tests.factories.organizations import credit, organization
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")
CARD = ChargeProvider.SIMULATED


def charged(held: Consultation, provider: ChargeProvider = CARD) -> Charge:
    with unit_of_work(Scope.client(held.client_account_id)) as session:
        return money.charge(session, SYSTEM, held, provider)


def paid(held: Consultation) -> Charge:
    made = charged(held)
    with unit_of_work(PLATFORM) as session:
        money.paid(session, SYSTEM, made.id)
    make.advance(held.id, ConsultationStatus.BOOKED)
    return made


def back(
    held: Consultation, minor: int | None = None, kind: ReturnKind = ReturnKind.REFUND, reference: str | None = None
) -> UUID:
    amount = None if minor is None else Money(minor, held.currency)
    with unit_of_work(PLATFORM) as session:
        return money.give_back(
            session, SYSTEM, held.id, amount=amount, kind=kind, reason="Cancelled in time", reference=reference
        ).id


def returned(return_id: UUID) -> None:
    with unit_of_work(PLATFORM) as session:
        money.returned(session, SYSTEM, return_id)


def lines() -> dict[str, int]:
    """Account → what all its lines sum to, credit-positive."""
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(text("SELECT account, -sum(amount_minor) FROM ledger_lines GROUP BY account"))
        return {account: int(minor) for account, minor in rows if minor}


def of(payee_id: UUID, currency: str = "INR") -> dict[Account, int]:
    with unit_of_work(PLATFORM) as session:
        found = ledger.payee_balances(session, payee_id).get(currency, {})
    return {account: minor.minor for account, minor in found.items() if minor}


def healthy() -> None:
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []


def clinic_session(discount_minor: int = 0) -> Consultation:
    clinic = organization("clinic", currency="INR")
    somebody = make.consultant(clinic, currency="INR")
    what = make.offering(clinic, somebody, 10_000_00, "INR", 60)
    return make.booked(what, somebody, make.client_account(), discount_minor=discount_minor)


def test_a_paid_booking_is_shared_and_waits_for_its_session() -> None:
    held = clinic_session()
    first = charged(held)
    assert charged(held).id == first.id and lines() == {}
    paid(held)
    with unit_of_work(PLATFORM) as session:
        money.paid(session, SYSTEM, first.id)  # the provider says everything twice
    assert lines() == {
        "cash": -10_000_00, "platform_revenue": 1_000_00, "funds": 9_000_00, "payee_held": 8_500_00,
        "receivable": -8_500_00,
    }  # fmt: skip
    with unit_of_work(PLATFORM) as session:
        row = session.execute(text("SELECT kind, description, rule_detail, basis_minor, share_bps FROM earnings")).one()
        topics = list(session.execute(text("SELECT topic FROM outbox WHERE topic LIKE 'consult%'")).scalars())
    assert (row.kind, row.description) == ("booking", "60 minutes with Ada")
    assert row.rule_detail["organization_minor"] == 500_00 and (row.basis_minor, row.share_bps) == (10_000_00, 8_500)
    assert topics == ["consultation.paid"]
    make.advance(held.id, ConsultationStatus.COMPLETED)
    for released in (1, 0):
        with unit_of_work(PLATFORM) as session:
            assert money.release(session, SYSTEM, [held.id]) == released
    assert of(held.payee_id) == {Account.PAYEE_AVAILABLE: 8_500_00}
    healthy()


def test_a_full_refund_leaves_nothing_and_one_reversal() -> None:
    held = clinic_session(discount_minor=2_000_00)
    charge = paid(held)
    assert lines()["promotions"] == -2_000_00 and lines()["cash"] == -8_000_00
    return_id = back(held)
    assert of(held.payee_id) == {Account.PAYEE_HELD: 8_500_00}  # nothing happened before the provider said so
    returned(return_id)
    returned(return_id)
    assert lines() == {} and of(held.payee_id) == {}
    with unit_of_work(PLATFORM) as session:
        kinds = session.execute(text("SELECT kind, amount_minor FROM earnings ORDER BY created_at, kind")).all()
        assert session.get_one(Charge, charge.id).refundable.minor == 0
        told = session.execute(text("SELECT description FROM earnings WHERE kind = 'reversal'")).scalar_one()
    assert [tuple(row) for row in kinds] == [("booking", 8_500_00), ("reversal", -8_500_00)]
    assert told == "Refund of 60 minutes with Ada: Cancelled in time"
    with pytest.raises(Conflict):
        back(held)
    healthy()


def test_never_more_back_than_was_paid_even_before_the_provider_answers() -> None:
    held = clinic_session()
    charged(held)
    with pytest.raises(Conflict):
        back(held)
    paid(held)
    back(held, 6_000_00)
    for wrong in (4_000_01, 0, -5):
        with pytest.raises(Invalid) as refused:
            back(held, wrong)
        assert "4000.00" in refused.value.fields["amount"]
    back(held, 4_000_00)
    with pytest.raises(Conflict):
        back(held)


def test_a_partial_refund_after_the_payout_is_owed_by_everybody_in_proportion() -> None:
    held = clinic_session()
    paid(held)
    make.advance(held.id, ConsultationStatus.COMPLETED)
    with unit_of_work(PLATFORM) as session:
        money.release(session, SYSTEM, [held.id])
    returned(back(held, 2_500_00))
    assert of(held.payee_id) == {Account.PAYEE_AVAILABLE: 6_375_00}
    assert lines()["platform_revenue"] == 750_00 and lines()["funds"] == 6_750_00
    healthy()


def test_a_dispute_holds_and_is_won_or_lost() -> None:
    held = clinic_session()
    paid(held)
    won = back(held, None, ReturnKind.DISPUTE, "dp_1")
    assert back(held, None, ReturnKind.DISPUTE, "dp_1") == won
    make.advance(held.id, ConsultationStatus.COMPLETED)
    with unit_of_work(PLATFORM) as session:
        assert money.release(session, SYSTEM, [held.id]) == 0
        assert session.execute(text("SELECT reason FROM held_earnings")).scalar_one() == "dispute"
        money.not_returned(session, SYSTEM, won, "The dispute was won.")
    assert of(held.payee_id) == {Account.PAYEE_AVAILABLE: 8_500_00}
    returned(won)  # an appeal of the client's bank
    assert of(held.payee_id) == {} and lines() == {}
    healthy()


def test_a_refused_refund_of_a_cancellation_pays_nobody_before_somebody_acts() -> None:
    held = clinic_session()
    paid(held)
    refused = back(held)
    make.advance(held.id, ConsultationStatus.CANCELLED)
    with unit_of_work(PLATFORM) as session:
        money.not_returned(session, SYSTEM, refused, "The card is closed.")
    assert of(held.payee_id) == {Account.PAYEE_HELD: 8_500_00}
    returned(back(held))  # asked for again
    assert of(held.payee_id) == {} and lines() == {}
    healthy()


def test_an_organization_that_buys_pays_from_its_funds() -> None:
    house, buyer = organization("house", is_house=True, currency="USD"), organization("buyer", currency="USD")
    advisor, client = make.consultant(house, Practice.ADVISOR), make.client_account()
    what = make.offering(house, None, 3500)
    held = make.booked(what, advisor, client, paid_by=PaidBy.INVOICE, buyer=buyer)
    with pytest.raises(Conflict, match="do not cover"):
        charged(held, ChargeProvider.FUNDS)
    credit(buyer, 3500, "USD")
    assert charged(held, ChargeProvider.FUNDS).status is ChargeStatus.SUCCEEDED
    with unit_of_work(PLATFORM) as session:
        assert ledger.funds(session, buyer, "USD").minor == -3500
        assert ledger.funds(session, house, "USD").minor == 2450
    assert "cash" not in lines() and lines()["platform_revenue"] == 1050
    healthy()
    back(held)
    assert lines() == {}
    healthy()
    with pytest.raises(ValueError, match="by card"):
        charged(held)


def test_nothing_to_pay_is_paid_at_once_and_goes_back_once() -> None:
    house = organization("house", is_house=True, currency="USD")
    advisor = make.consultant(house, Practice.ADVISOR)
    held = make.booked(make.offering(house, None, 900), advisor, make.client_account(), discount_minor=900)
    assert charged(held).status is ChargeStatus.SUCCEEDED
    assert of(advisor, "USD") == {Account.PAYEE_HELD: 630} and lines()["promotions"] == -900
    return_id = back(held)
    with unit_of_work(PLATFORM) as session:
        assert client_service.locked_return(session, return_id)[1].status is ReturnStatus.SUCCEEDED
    assert lines() == {} and of(advisor, "USD") == {}
    with pytest.raises(Conflict):
        back(held)
    healthy()


def test_a_collaborators_earning_explains_itself() -> None:
    clinic = organization("clinic", currency="INR")
    owner, other = make.consultant(clinic), make.consultant(clinic)
    what = make.offering(clinic, owner, 100_00, "INR")
    make.collaborators(what.id, (owner, 3), (other, 1))
    paid(make.booked(what, owner, make.client_account()))
    with unit_of_work(Scope.payee(other)) as session:
        earning = session.execute(text("SELECT amount_minor, rule_detail FROM earnings")).one()
    last = pricing.explain(earning.rule_detail)[-1]
    assert (last.label, last.arithmetic, last.amount.minor) == ("Your part", "1 of 4 parts of 85.00 INR", 21_25)
    assert earning.amount_minor == 21_25
    healthy()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE charges SET fee_minor = fee_minor + 1",
        "UPDATE charges SET promotion_minor = 1",
        "UPDATE charges SET refunded_minor = amount_minor + 1",
        "UPDATE consultations SET platform_minor = platform_minor - 1",
        "UPDATE consultations SET platform_minor = platform_minor - 1, consultant_minor = consultant_minor + 1",
        "UPDATE charge_returns SET fee_minor = fee_minor + 1",
        "UPDATE charge_returns SET organization_minor = 0, fee_minor = 0",
    ],
)
def test_the_database_lets_no_unit_slip(change: str) -> None:
    returned(back(paid_session := paid_clinic_session(), 1_000_00))
    with pytest.raises(DBAPIError) as refused, unit_of_work(PLATFORM) as session:
        session.execute(text(change))
    assert "check" in str(refused.value.orig).lower() or "return" in str(refused.value.orig)
    assert paid_session.id and of(paid_session.payee_id) == {Account.PAYEE_HELD: 7_650_00}


def paid_clinic_session() -> Consultation:
    held = clinic_session()
    paid(held)
    return held
