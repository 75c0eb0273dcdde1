"""Money of an invoice's card that goes back: given back by us, refunded at the provider, or promised so far."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.audit.models import AuditRecord
from app.billing import closing, invoice_cards, letters, limits, notes, settling
from app.billing.invoice_models import Invoice, InvoicePayment
from app.billing.invoice_queries import standings
from app.billing.invoice_states import InvoiceOrigin, InvoiceStatus, PaidWith
from app.charges import cover, promised
from app.charges.client_models import ChargeReturn
from app.charges.states import ChargeProvider, ReturnStatus
from app.consultations import charging
from app.core.clock import at, utc_now
from app.core.errors import Conflict, Invalid
from app.core.money import Money
from app.core.scope import SYSTEM, Actor
from app.db.session import unit_of_work
from app.gateways.cards import Refund, RefundStatus
from app.ledger import service as ledger
from app.organizations.states import Role
from app.payouts import funding
from app.reporting import doctor
from tests.factories import billing, organizations, people
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def college(database_url: str) -> UUID:
    billing.issuer()
    return billing.buyer()


@pytest.fixture
def owner(college: UUID) -> Actor:
    return people.member(college, Role.OWNER, "owner@hartwell.test")


def bill(college: UUID, minor: int = 100_00) -> Invoice:
    billing.charge(college, minor)
    with unit_of_work(PLATFORM) as session:
        made = closing.bill_one(session, SYSTEM, college, origin=InvoiceOrigin.REQUEST)
    return billing.only(college, id=made[0])


def paid(owner: Actor, invoice: Invoice) -> UUID:
    """By card; the charge's id."""
    with unit_of_work(PLATFORM) as session:
        charge = invoice_cards.begin(session, owner, invoice.id, ChargeProvider.SIMULATED)
        charge.provider_reference = f"pi_{invoice.number}"
        invoice_cards.paid(session, SYSTEM, charge.id)
        return charge.id


def refunded_there(invoice: Invoice, minor: int, reference: str = "re_1") -> None:
    with unit_of_work(PLATFORM) as session:
        told = Refund(reference, RefundStatus.SUCCEEDED, Money(minor, "USD"), f"pi_{invoice.number}")
        charging.told_of_refund(session, SYSTEM, ChargeProvider.SIMULATED, told)


def credited(invoice: Invoice, minor: int) -> None:
    line = billing.lines(invoice.id)[0]
    with unit_of_work(PLATFORM) as session:
        notes.credit_by_hand(session, people.admin(), invoice.id, [(line.id, Money(minor, "USD"))], "Too much")


def given_back(invoice: Invoice, minor: int, admin: str = "two@quittance.test") -> UUID:
    with unit_of_work(PLATFORM) as session:
        return invoice_cards.give_back(session, people.admin(admin), invoice.id, Money(minor, "USD"), "Too much").id


def again(invoice: Invoice) -> Invoice:
    return billing.only(invoice.organization_id, id=invoice.id)


def where(invoice: Invoice) -> tuple[InvoiceStatus, int, int]:
    """Status, what is open, and the funds."""
    now = again(invoice)
    with unit_of_work(PLATFORM) as session:
        return now.status, now.open.minor, ledger.funds(session, now.organization_id, "USD").minor


def healthy() -> None:
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []


def remind(days: int) -> int:
    now = utc_now() + timedelta(days=days)
    with at(now), unit_of_work(PLATFORM) as session:
        return letters.remind(session, now.date())


def test_refunded_at_the_provider_the_invoice_is_open_again(college: UUID, owner: Actor) -> None:
    invoice = bill(college)
    paid(owner, invoice)
    for _ in range(2):
        refunded_there(invoice, 60_00)
    assert where(invoice) == (InvoiceStatus.SENT, 60_00, -60_00) and again(invoice).paid_at is None
    refunded_there(invoice, 40_00, "re_2")
    assert where(invoice) == (InvoiceStatus.SENT, 100_00, -100_00)
    with unit_of_work(PLATFORM) as session:
        taken = session.scalars(
            select(InvoicePayment).where(InvoicePayment.amount_minor < 0).order_by(InvoicePayment.id)
        ).all()
        assert [(one.amount_minor, one.paid_with, one.received_on) for one in taken] == [
            (-60_00, PaidWith.CARD, utc_now().date()), (-40_00, PaidWith.CARD, utc_now().date()),
        ]  # fmt: skip
        said = session.scalars(select(AuditRecord.detail).where(AuditRecord.action == "invoice.taken_back")).all()
        assert [one["why"] for one in said] == ["Refunded at the payment provider"] * 2
    with pytest.raises(Conflict, match="bank transfer"), unit_of_work(PLATFORM) as session:
        invoice_cards.begin(session, owner, invoice.id, ChargeProvider.SIMULATED)
    healthy()


def test_what_we_give_back_leaves_the_invoice_paid(college: UUID, owner: Actor) -> None:
    invoice = bill(college)
    paid(owner, invoice)
    credited(invoice, 25_00)
    back = given_back(invoice, 25_00)
    with unit_of_work(PLATFORM) as session:
        invoice_cards.returned(session, SYSTEM, back)
    assert where(invoice) == (InvoiceStatus.PAID, 0, 0)
    refunded_there(invoice, 75_00)  # the rest is not ours to decide
    assert where(invoice) == (InvoiceStatus.SENT, 75_00, -75_00)
    healthy()


def test_what_a_credit_note_left_covers_what_was_refunded_at_the_provider(college: UUID, owner: Actor) -> None:
    invoice = bill(college)
    paid(owner, invoice)
    credited(invoice, 25_00)
    refunded_there(invoice, 25_00)
    assert where(invoice) == (InvoiceStatus.PAID, 0, 0)
    refunded_there(invoice, 10_00, "re_2")
    assert where(invoice) == (InvoiceStatus.SENT, 10_00, -10_00)
    healthy()


def test_a_refund_of_ours_on_its_way_does_not_hide_one_made_there(college: UUID, owner: Actor) -> None:
    invoice = bill(college)
    charge_id = paid(owner, invoice)
    credited(invoice, 25_00)
    ours = given_back(invoice, 25_00)
    refunded_there(invoice, 100_00)
    with unit_of_work(PLATFORM) as session:
        invoice_cards.not_returned(session, SYSTEM, ours, "The charge has been refunded.")
        assert invoice_cards.client.locked(session, charge_id).refunded_minor == 100_00
    assert where(invoice) == (InvoiceStatus.SENT, 75_00, -75_00)
    healthy()


def test_a_refund_made_there_that_came_back_pays_the_invoice(college: UUID, owner: Actor) -> None:
    invoice = bill(college)
    paid(owner, invoice)
    refunded_there(invoice, 100_00)
    with unit_of_work(PLATFORM) as session:
        back = session.scalars(select(ChargeReturn)).one()
        assert back.made_there
        failed = Refund("re_1", RefundStatus.FAILED, Money(100_00, "USD"), f"pi_{invoice.number}")
        charging.told_of_refund(session, SYSTEM, ChargeProvider.SIMULATED, failed)
    assert where(invoice) == (InvoiceStatus.PAID, 0, 0)
    healthy()


def test_reminders_count_from_the_day_the_money_went_back(college: UUID, owner: Actor) -> None:
    invoice = bill(college)
    assert remind(37) == 1 and again(invoice).reminded_days == 7  # due in 30
    paid(owner, invoice)
    with at(utc_now() + timedelta(days=90)):
        refunded_there(invoice, 100_00)
    assert again(invoice).reminded_days == 0
    assert [remind(days) for days in (91, 92, 93, 94, 97)] == [0, 0, 1, 0, 1]
    assert again(invoice).reminded_days == 7


@pytest.mark.parametrize("ends", ["returned", "not_returned", "came_back"])
def test_what_is_promised_back_covers_nothing_else(college: UUID, owner: Actor, ends: str) -> None:
    first = bill(college)
    paid(owner, first)
    credited(first, 25_00)
    back = given_back(first, 25_00)
    with pytest.raises(Invalid, match="At most 0"):
        given_back(first, 1, "three@quittance.test")
    with unit_of_work(PLATFORM) as session:
        assert promised.to_others(session, college, "USD") == Money(25_00, "USD")
        assert funding.spendable(session, college, "USD") == Money(0, "USD")
        assert standings(session, college, "USD")[0].left == Money(0, "USD")
        with pytest.raises(Conflict, match="do not cover"):
            cover.check(session, college, Money(1, "USD"))
        limits.watch(session, college)
    organizations.credit(college, 50_00, "USD")
    second = bill(college, 40_00)
    with unit_of_work(PLATFORM) as session:
        assert settling.cover(session, SYSTEM, college, "USD") == Money(0, "USD")
    assert where(second) == (InvoiceStatus.SENT, 40_00, -15_00)
    with unit_of_work(PLATFORM) as session:
        if ends == "not_returned":
            invoice_cards.not_returned(session, SYSTEM, back, "Refused")
        else:
            invoice_cards.returned(session, SYSTEM, back)
    if ends == "came_back":
        assert where(second)[1:] == (40_00, -40_00)
        with unit_of_work(PLATFORM) as session:
            invoice_cards.came_back(session, SYSTEM, back, "Closed")
    gone = ends == "returned"
    assert where(second) == (InvoiceStatus.SENT, 40_00 if gone else 15_00, -40_00 if gone else -15_00)
    assert where(first)[:2] == (InvoiceStatus.PAID, 0)
    healthy()


def test_two_refunds_are_not_promised_the_same_money(college: UUID, owner: Actor) -> None:
    one, other = bill(college), bill(college, 50_00)
    for invoice in (one, other):
        paid(owner, invoice)
    credited(one, 30_00)
    assert billing.returned(given_back(one, 20_00)).status is ReturnStatus.PENDING
    with unit_of_work(PLATFORM) as session:
        charge = invoice_cards.charge_of(session, other.id)
        assert charge is not None and invoice_cards.spare(session, charge) == Money(10_00, "USD")
        waiting = session.execute(text("SELECT count(*) FROM charge_returns WHERE status = 'pending'")).scalar_one()
        assert waiting == 1
