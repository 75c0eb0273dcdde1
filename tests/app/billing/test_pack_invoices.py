"""A pack has an invoice of its own, however it is paid; what goes back has a credit note, with its tax."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.billing import credits, notes, pack_returns, packs, settling
from app.billing.documents import DocumentKind
from app.billing.invoice_models import Invoice, InvoicePayment, UnbilledCharge
from app.billing.invoice_states import InvoiceOrigin, InvoiceStatus, PaidWith
from app.billing.models import SeatPack
from app.billing.states import PackStatus
from app.charges import promised
from app.charges.client_models import ChargeReturn
from app.charges.states import ChargeProvider, ChargeStatus, ReturnStatus
from app.consultations import charging
from app.consultations.profile_models import Offering
from app.core import clock
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, Scope
from app.db.session import unit_of_work
from app.db.types import new_id
from app.gateways.cards import Refund, RefundStatus
from app.organizations.states import Role
from app.reporting import doctor
from jobs import billing as billing_jobs
from jobs import credits as jobs
from tests.factories import billing, bookings, organizations, people
from tests.factories import credits as make
from tests.factories.charges import funds
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")
NET, TAX, TOTAL = 95_00, 19_00, 114_00  # five half hours, and 20 % on them


@pytest.fixture
def half_hour(database_url: str) -> Offering:
    house = organizations.organization("house", is_house=True, currency="USD")
    billing.profile(
        house, country="FR", tax_id="FR40303265045", service_rate_bps=2000, postcode="75002", prefix="QT",
        legal_name="Q SAS",
    )  # fmt: skip
    return bookings.offering(house, None, 19_00)


@pytest.fixture
def owner(half_hour: Offering) -> Actor:
    buyer = make.buyer()
    billing.profile(buyer, legal_name="Fernhill SARL", country="FR", city="Lyon", postcode="69001", terms_days=14)
    return make.owner(buyer)


def bought(owner: Actor, what: Offering, *, by_invoice: bool = True) -> SeatPack:
    assert owner.organization_id is not None
    with unit_of_work(Scope.organization(owner.organization_id)) as session:
        sold = make.sold(what)
        return packs.buy(
            session, owner, owner.organization_id, sold, 5, ChargeProvider.FUNDS, by_invoice=by_invoice
        )[0]  # fmt: skip


def of(pack_id: UUID) -> SeatPack:
    with unit_of_work(PLATFORM) as session:
        return session.get_one(SeatPack, pack_id)


def books(account: str) -> int:
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT coalesce(-sum(amount_minor), 0) FROM ledger_lines WHERE account = :account")
        return int(session.execute(query, {"account": account}).scalar_one())


def healthy() -> None:
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []


def settle(invoice_id: UUID) -> None:
    """What the jobs of an invoice that was issued, and perhaps paid, do."""
    billing_jobs.issued(str(invoice_id))
    billing_jobs.paid(str(invoice_id))


def test_a_card_is_charged_what_the_invoice_says_which_it_pays(owner: Actor, half_hour: Offering) -> None:
    charge_id = make.asked(owner, half_hour)
    with unit_of_work(PLATFORM) as session:
        assert packs.client.locked(session, charge_id).amount_minor == TOTAL
        assert session.scalar(select(Invoice)) is None
    for _ in range(2):
        with unit_of_work(PLATFORM) as session:
            packs.paid(session, SYSTEM, charge_id)
    invoice = billing.only(owner.organization_id or new_id())
    assert (invoice.origin, invoice.status, invoice.number) == (InvoiceOrigin.PACK, InvoiceStatus.PAID, "QT-2026-00001")
    assert (invoice.net_minor, invoice.tax_minor, invoice.total_minor, invoice.paid_minor) == (NET, TAX, TOTAL, TOTAL)
    with unit_of_work(PLATFORM) as session:
        payment = session.scalars(select(InvoicePayment)).one()
        assert (payment.paid_with, payment.reference) == (PaidWith.CARD, str(charge_id))
        assert session.scalar(select(UnbilledCharge)) is None
    assert [books(one) for one in ("cash", "prepaid_credits", "output_tax", "funds")] == [-TOTAL, NET, TAX, 0]
    settle(invoice.id)
    healthy()


def test_the_card_pays_what_was_quoted_though_the_rate_has_changed(owner: Actor, half_hour: Offering) -> None:
    charge_id = make.asked(owner, half_hour)
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE billing_profiles SET service_rate_bps = 500"))
    with unit_of_work(PLATFORM) as session:
        packs.paid(session, SYSTEM, charge_id)
    assert billing.only(owner.organization_id or new_id()).total_minor == TOTAL
    healthy()


def test_from_funds_its_invoice_is_paid_at_once_and_the_tax_is_covered_too(owner: Actor, half_hour: Offering) -> None:
    assert owner.organization_id is not None
    funds(owner.organization_id, TOTAL - 1, "USD")
    with pytest.raises(Conflict, match="do not cover"):
        bought(owner, half_hour, by_invoice=False)
    funds(owner.organization_id, 1, "USD")
    pack = bought(owner, half_hour, by_invoice=False)
    invoice = billing.only(owner.organization_id)
    assert (invoice.id, invoice.status, invoice.open.minor) == (of(pack.id).invoice_id, InvoiceStatus.PAID, 0)
    assert [books(one) for one in ("prepaid_credits", "output_tax", "funds")] == [NET, TAX, 0]
    healthy()


def test_by_invoice_there_are_credits_once_it_is_paid(owner: Actor, half_hour: Offering) -> None:
    assert owner.organization_id is not None
    pack = bought(owner, half_hour)
    invoice = billing.only(owner.organization_id)
    assert invoice.due_on == utc_now().date() + timedelta(days=14) and invoice.open.minor == TOTAL
    settle(invoice.id)
    with clock.at(utc_now() + timedelta(days=3)):  # an order has until its invoice is due, and longer
        jobs.once_a_day()
        assert of(pack.id).ordered
        with unit_of_work(PLATFORM) as session, pytest.raises(Conflict):
            credits.next_one(session, owner.organization_id, half_hour.id, "USD")
        healthy()
        for minor, status in ((14_00, PackStatus.PENDING), (100_00, PackStatus.ACTIVE)):
            with unit_of_work(PLATFORM) as session:
                settling.transferred(
                    session, SYSTEM, invoice.id, amount=Money(minor, "USD"), reference=f"wire {minor}",
                    received_on=utc_now().date(),
                )  # fmt: skip
            for _ in range(2):
                billing_jobs.paid(str(invoice.id))
            assert of(pack.id).status is status
            healthy()
        assert of(pack.id).expires_on == utc_now().date() + timedelta(days=365)
        with unit_of_work(PLATFORM) as session:
            assert credits.next_one(session, owner.organization_id, half_hour.id, "USD").ordinal == 1
            assert packs.charge_of(session, pack.id).status is ChargeStatus.SUCCEEDED


def test_an_order_is_cancelled_by_a_credit_note(owner: Actor, half_hour: Offering) -> None:
    assert owner.organization_id is not None
    pack = bought(owner, half_hour)
    invoice = billing.only(owner.organization_id)
    for who in (people.member(owner.organization_id, Role.MANAGER), make.owner(make.buyer("other"))):
        with pytest.raises(Forbidden), unit_of_work(PLATFORM) as session:
            packs.cancel_order(session, who, pack.id)
    parts = [(billing.lines(invoice.id)[0].id, Money(NET, "USD"))]
    with pytest.raises(Conflict, match="cancel the order"), unit_of_work(PLATFORM) as session:
        notes.credit_by_hand(session, people.admin(), invoice.id, parts, "Not wanted")
    with unit_of_work(Scope.organization(owner.organization_id)) as session:
        packs.cancel_order(session, owner, pack.id)
    note = billing.only(owner.organization_id, kind=DocumentKind.CREDIT_NOTE)
    assert (note.total_minor, note.corrects_id) == (TOTAL, invoice.id)
    settle(invoice.id)
    assert of(pack.id).status is PackStatus.CANCELLED
    assert [books(one) for one in ("prepaid_credits", "output_tax", "funds")] == [0, 0, 0]
    with pytest.raises(Conflict, match="not paid"), unit_of_work(PLATFORM) as session:
        packs.cancel_order(session, people.admin("two@quittance.test"), pack.id)
    healthy()


def test_what_nobody_used_goes_back_to_the_card_with_its_tax_and_a_note(owner: Actor, half_hour: Offering) -> None:
    assert owner.organization_id is not None
    pack = make.pack(owner, half_hour)
    with unit_of_work(PLATFORM) as session:
        back = pack_returns.refund(session, people.admin(), pack.id, "Bought twice")
        assert back.amount_minor == TOTAL
    for _ in range(2):
        with unit_of_work(PLATFORM) as session:
            pack_returns.returned(session, SYSTEM, back.id)
    note = billing.only(owner.organization_id, kind=DocumentKind.CREDIT_NOTE)
    invoice = billing.only(owner.organization_id, kind=DocumentKind.INVOICE)
    assert (note.total_minor, invoice.status) == (TOTAL, InvoiceStatus.PAID)
    assert [books(one) for one in ("cash", "prepaid_credits", "output_tax", "funds")] == [0, 0, 0, 0]
    healthy()
    with unit_of_work(PLATFORM) as session:
        pack_returns.came_back(session, SYSTEM, back.id, "The card is closed.")
    assert (books("funds"), of(pack.id).status) == (TOTAL, PackStatus.REFUNDED)  # its money, the credits stay out
    with unit_of_work(PLATFORM) as session:
        admin = people.admin("two@quittance.test")
        again = pack_returns.refund_again(session, admin, back.id).id
        assert pack_returns.refund_again(session, admin, back.id).id == again
        pack_returns.returned(session, SYSTEM, again)
    assert (books("funds"), books("cash")) == (0, 0)
    healthy()


def test_news_of_what_came_back_change_nothing(owner: Actor, half_hour: Offering) -> None:
    """A late "refunded" after the client's bank has sent the money back."""
    pack = make.pack(owner, half_hour)
    with unit_of_work(PLATFORM) as session:
        back = pack_returns.refund(session, people.admin(), pack.id, "Bought twice").id
        pack_returns.returned(session, SYSTEM, back)
        pack_returns.came_back(session, SYSTEM, back, "The card is closed.")
    before = books("funds"), books("cash")
    for _ in range(2):
        with unit_of_work(PLATFORM) as session:
            pack_returns.returned(session, SYSTEM, back)
        with unit_of_work(PLATFORM) as session:
            pack_returns.came_back(session, SYSTEM, back, "The card is closed.")
    assert (books("funds"), books("cash")) == before
    assert billing.returned(back).status is ReturnStatus.CAME_BACK
    healthy()


def test_what_came_back_goes_again_out_of_the_funds_and_takes_no_other_credit(
    owner: Actor, half_hour: Offering
) -> None:
    """Two credits were refunded at the provider, and the client's bank sent the money back."""
    assert owner.organization_id is not None
    pack = make.pack(owner, half_hour)
    with unit_of_work(PLATFORM) as session:
        packs.charge_of(session, pack.id).provider_reference = "pi_9"
        told = Refund("re_9", RefundStatus.SUCCEEDED, Money(45_60, "USD"), "pi_9")
        charging.told_of_refund(session, SYSTEM, ChargeProvider.SIMULATED, told)
        back = session.scalars(select(ChargeReturn.id)).one()
        pack_returns.came_back(session, SYSTEM, back, "The card is closed.")
    left = books("prepaid_credits")
    assert (left, books("funds")) == (57_00, 45_60)
    with unit_of_work(PLATFORM) as session:
        admin = people.admin()
        again = pack_returns.refund_again(session, admin, back).id
        assert promised.to_cards(session, owner.organization_id, "USD") == Money(45_60, "USD")
        pack_returns.not_returned(session, SYSTEM, again, "Refused once more")
        third = pack_returns.refund_again(session, admin, again).id  # it still comes out of the funds
        pack_returns.returned(session, SYSTEM, third)
        assert not promised.to_cards(session, owner.organization_id, "USD")
    assert (books("prepaid_credits"), books("funds"), of(pack.id).status) == (left, 0, PackStatus.ACTIVE)
    assert billing.only(owner.organization_id, kind=DocumentKind.INVOICE).status is InvoiceStatus.PAID
    healthy()


def test_a_bank_takes_money_back_for_credits_that_are_used(owner: Actor, half_hour: Offering) -> None:
    """What is left is credited; the invoice is open again for the rest."""
    assert owner.organization_id is not None
    pack = make.pack(owner, half_hour)
    with unit_of_work(PLATFORM) as session:
        of_ = packs.client.locked(session, packs.charge_of(session, pack.id).id)
        amount = Money(50_00, "USD")
        back = pack_returns.disputed(session, SYSTEM, of_, amount, "fraud", "dp_1")
        pack_returns.returned(session, SYSTEM, back)
    invoice = billing.only(owner.organization_id, kind=DocumentKind.INVOICE)
    note = billing.only(owner.organization_id, kind=DocumentKind.CREDIT_NOTE)
    assert (note.total_minor, invoice.open.minor) == (45_60, 4_40)  # two whole credits
    assert [books(one) for one in ("prepaid_credits", "output_tax", "funds")] == [57_00, 11_40, -4_40]
    healthy()
    with unit_of_work(PLATFORM) as session:
        pack_returns.came_back(session, SYSTEM, back, "Won")
    assert not billing.only(owner.organization_id, kind=DocumentKind.INVOICE).open
    assert books("funds") == 45_60
    healthy()


def test_what_was_ordered_and_paid_goes_back_to_the_funds(owner: Actor, half_hour: Offering) -> None:
    assert owner.organization_id is not None
    funds(owner.organization_id, TOTAL, "USD")
    pack = bought(owner, half_hour)
    settle(billing.only(owner.organization_id).id)
    assert of(pack.id).status is PackStatus.ACTIVE
    with unit_of_work(PLATFORM) as session:
        pack_returns.refund(session, people.admin(), pack.id, "Asked for")
    assert [books(one) for one in ("prepaid_credits", "output_tax", "funds")] == [0, 0, TOTAL]
    assert billing.only(owner.organization_id, kind=DocumentKind.CREDIT_NOTE).total_minor == TOTAL
    healthy()


def test_who_cannot_be_billed_is_told_before_paying(half_hour: Offering) -> None:
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE billing_profiles SET country = 'IN', region = '29', tax_id = '29AAACA1234A1ZG'"))
    buyer = make.buyer("nowhere")
    billing.profile(buyer, legal_name="Nowhere Ltd", country="IN", region="ZZ")
    with pytest.raises(Conflict, match="Nowhere Ltd"):
        bought(make.owner(buyer), half_hour)


def test_without_an_issuer_nothing_is_sold_by_invoice(database_url: str) -> None:
    what = bookings.offering(organizations.organization("house", is_house=True, currency="USD"), None, 19_00)
    with pytest.raises(Conflict, match="cannot bill yet"):
        bought(make.owner(make.buyer()), what)
