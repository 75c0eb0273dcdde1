"""A pack is bought once, paid once, ends once, and goes back as far as nobody used it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from app.billing import closing, credits, pack_returns, packs
from app.billing.documents import DocumentKind
from app.billing.invoice_states import InvoiceOrigin
from app.billing.models import SeatPack
from app.billing.states import PackStatus
from app.charges.client_models import Charge
from app.charges.states import ChargeProvider, ChargeStatus
from app.consultations import charging
from app.consultations.profile_models import Offering
from app.core import clock
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, Scope
from app.db.session import unit_of_work
from app.gateways.cards import Dispute, DisputeStatus, Refund, RefundStatus
from app.notify.models import Mail
from app.organizations.states import Role
from app.reporting import doctor
from jobs import credits as jobs
from tests.factories import billing, bookings, organizations, people
from tests.factories import credits as make
from tests.factories.charges import funds
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def half_hour(database_url: str) -> Offering:
    return bookings.offering(organization("house", is_house=True, currency="USD"), None, 19_00)


@pytest.fixture
def owner(database_url: str) -> Actor:
    return make.owner(make.buyer())


def status(pack_id: UUID) -> PackStatus:
    with unit_of_work(PLATFORM) as session:
        return session.get_one(SeatPack, pack_id).status


def books(account: str = "prepaid_credits") -> int:
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT coalesce(-sum(amount_minor), 0) FROM ledger_lines WHERE account = :account")
        return int(session.execute(query, {"account": account}).scalar_one())


def healthy() -> None:
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []


def test_there_are_credits_once_the_charge_succeeded(owner: Actor, half_hour: Offering) -> None:
    charge_id = make.asked(owner, half_hour, 10)
    with unit_of_work(PLATFORM) as session:
        charge = session.get_one(Charge, charge_id)
        assert (charge.amount_minor, charge.subject_kind, charge.status) == (180_50, "seat_pack", ChargeStatus.PENDING)
        with pytest.raises(Conflict, match="no credit"):
            credits.next_one(session, charge.organization_id, half_hour.id, "USD")
    assert books() == 0
    for _ in range(2):
        with unit_of_work(PLATFORM) as session:
            packs.paid(session, SYSTEM, charge_id)
    assert books() == 180_50 and books("cash") == -180_50
    with unit_of_work(PLATFORM) as session:
        credit = credits.next_one(session, charge.organization_id, half_hour.id, "USD")
        assert (credit.ordinal, credit.value.minor) == (1, 18_05)
    healthy()


def test_from_funds_it_is_paid_at_once_or_not_at_all(owner: Actor, half_hour: Offering) -> None:
    assert owner.organization_id is not None
    with pytest.raises(Conflict, match="do not cover"):
        make.asked(owner, half_hour, 5, ChargeProvider.FUNDS)
    funds(owner.organization_id, 100_00, "USD")
    make.asked(owner, half_hour, 5, ChargeProvider.FUNDS)
    assert (books(), books("funds")) == (95_00, 5_00)
    healthy()


def test_who_may_buy(owner: Actor, half_hour: Offering) -> None:
    assert owner.organization_id is not None
    for role in (Role.MANAGER, Role.SUPPORT, Role.LEARNER):
        with pytest.raises(Forbidden):
            make.asked(people.member(owner.organization_id, role), half_hour)
    stranger = make.owner(make.buyer("other"))
    with pytest.raises(Forbidden), unit_of_work(PLATFORM) as session:
        packs.buy(session, stranger, owner.organization_id, make.sold(half_hour), 5, ChargeProvider.SIMULATED)
    with pytest.raises(Conflict, match="pay by seat credits"):
        make.asked(make.owner(organization("tagged")), half_hour)
    with pytest.raises(Invalid):
        make.asked(owner, half_hour, 7)


def test_a_price_that_changed_is_looked_at_again(owner: Actor, half_hour: Offering) -> None:
    assert owner.organization_id is not None
    with pytest.raises(Conflict, match="changed"), unit_of_work(PLATFORM) as session:
        packs.buy(
            session, owner, owner.organization_id, make.sold(half_hour), 5, ChargeProvider.SIMULATED,
            expected=Money(94_00, "USD"),
        )  # fmt: skip


def test_what_is_left_at_the_end_is_the_platforms(owner: Actor, half_hour: Offering) -> None:
    pack = make.pack(owner, half_hour)
    last = utc_now().replace(hour=23, minute=30) + timedelta(days=365)
    for moment, minor in ((last, 0), (last + timedelta(hours=1), 95_00), (last + timedelta(days=9), 95_00)):
        with clock.at(moment):
            jobs.once_a_day()
        assert books("platform_revenue") == minor and books() == 95_00 - minor
    assert status(pack.id) is PackStatus.EXPIRED
    healthy()


def test_a_mail_a_week_before_the_end(owner: Actor, half_hour: Offering) -> None:
    assert owner.organization_id is not None
    people.member(owner.organization_id, Role.ADMIN)
    people.member(owner.organization_id, Role.MANAGER)
    pack = make.pack(owner, half_hour)
    for days, mails in ((357, 0), (358, 2), (359, 2)):
        with clock.at(utc_now() + timedelta(days=days)):
            jobs.once_a_day()
        with unit_of_work(PLATFORM) as session:
            found = [mail for mail in session.query(Mail) if mail.template == "credits_ending"]
        assert len(found) == mails
    assert all(mail.context["number"] == 5 for mail in found)
    assert str(pack.expires_on) in found[0].subject


def test_nobody_pays_for_a_day(owner: Actor, half_hour: Offering) -> None:
    charge_id = make.asked(owner, half_hour)
    with unit_of_work(PLATFORM) as session:
        pack_id = session.get_one(Charge, charge_id).subject_id
    jobs.once_a_day()
    assert status(pack_id) is PackStatus.PENDING
    with clock.at(utc_now() + timedelta(days=1, minutes=1)):
        jobs.once_a_day()
    assert status(pack_id) is PackStatus.CANCELLED
    with unit_of_work(PLATFORM) as session:
        packs.paid(session, SYSTEM, charge_id)  # the card was charged after all
    assert status(pack_id) is PackStatus.ACTIVE
    healthy()


def _refund(pack_id: UUID) -> UUID:
    with unit_of_work(PLATFORM) as session:
        return pack_returns.refund(session, people.admin(), pack_id, "Asked for").id


def test_a_refund_takes_what_nobody_used(owner: Actor, half_hour: Offering) -> None:
    pack = make.pack(owner, half_hour)
    back = _refund(pack.id)
    assert owner.organization_id is not None and books() == 95_00
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict):  # nobody uses what is on its way back
        credits.next_one(session, owner.organization_id, half_hour.id, "USD")
    for _ in range(2):
        with unit_of_work(PLATFORM) as session:
            pack_returns.returned(session, SYSTEM, back)
    assert (books(), books("cash"), status(pack.id)) == (0, 0, PackStatus.REFUNDED)
    healthy()


def test_a_refused_refund_leaves_the_credits(owner: Actor, half_hour: Offering) -> None:
    pack = make.pack(owner, half_hour)
    back = _refund(pack.id)
    with unit_of_work(PLATFORM) as session:
        pack_returns.not_returned(session, SYSTEM, back, "The card is closed.")
    assert status(pack.id) is PackStatus.ACTIVE and books() == 95_00
    healthy()


def test_only_the_platform_refunds(owner: Actor, half_hour: Offering) -> None:
    pack = make.pack(owner, half_hour)
    assert owner.organization_id is not None
    with pytest.raises(Forbidden), unit_of_work(Scope.organization(owner.organization_id)) as session:
        pack_returns.refund(session, owner, pack.id, "Mine")


def test_to_funds_it_goes_back_at_once(owner: Actor, half_hour: Offering) -> None:
    assert owner.organization_id is not None
    funds(owner.organization_id, 95_00, "USD")
    charge_id = make.asked(owner, half_hour, 5, ChargeProvider.FUNDS)
    with unit_of_work(PLATFORM) as session:
        pack_id = session.get_one(Charge, charge_id).subject_id
    _refund(pack_id)
    assert (books(), books("funds")) == (0, 95_00)
    healthy()


def test_sold_before_anybody_could_bill_it_is_on_the_next_invoice_and_its_refund_is_a_credit_note(
    owner: Actor, half_hour: Offering
) -> None:
    assert owner.organization_id is not None
    organizations.credit(owner.organization_id, 200_00, "USD")
    charge_id = make.asked(owner, half_hour, 5, ChargeProvider.FUNDS)
    billing.profile(half_hour.organization_id)
    with unit_of_work(PLATFORM) as session:
        pack_id = session.get_one(Charge, charge_id).subject_id
        closing.bill_one(session, SYSTEM, owner.organization_id, origin=InvoiceOrigin.REQUEST)
    invoice = billing.only(owner.organization_id)
    assert invoice.net_minor == 95_00 and books("funds") == -95_00
    _refund(pack_id)
    note = billing.only(owner.organization_id, kind=DocumentKind.CREDIT_NOTE)
    assert note.net_minor == 95_00 and not billing.only(owner.organization_id, id=invoice.id).open
    assert (books(), books("funds")) == (0, 0)
    healthy()


def test_a_bank_questions_takes_and_gives_back(owner: Actor, half_hour: Offering) -> None:
    """The way the provider's news take: by the subject of the charge."""
    pack = make.pack(owner, half_hour)
    with unit_of_work(PLATFORM) as session:
        charge = packs.charge_of(session, pack.id)
        charge.provider_reference = "pi_7"
        amount = Money(40_00, "USD")

    def told(status: DisputeStatus) -> str:
        with unit_of_work(PLATFORM) as session:
            news = Dispute("dp_7", status, amount, "pi_7", "fraudulent")
            return charging.told_of_dispute(session, SYSTEM, ChargeProvider.SIMULATED, news)

    told(DisputeStatus.OPEN)
    assert books() == 95_00  # the credits can be used while the bank decides
    for _ in range(2):
        told(DisputeStatus.LOST)
    assert (books(), books("funds")) == (57_00, -2_00)  # two whole credits, and two dollars of a used one
    told(DisputeStatus.WON)
    assert (books(), books("funds"), status(pack.id)) == (95_00, 0, PackStatus.ACTIVE)
    healthy()


def test_a_refund_made_at_the_provider(owner: Actor, half_hour: Offering) -> None:
    pack = make.pack(owner, half_hour)
    with unit_of_work(PLATFORM) as session:
        packs.charge_of(session, pack.id).provider_reference = "pi_8"
    news = Refund("re_8", RefundStatus.SUCCEEDED, Money(95_00, "USD"), "pi_8")
    for _ in range(2):
        with unit_of_work(PLATFORM) as session:
            charging.told_of_refund(session, SYSTEM, ChargeProvider.SIMULATED, news)
    assert (books(), books("cash"), status(pack.id)) == (0, 0, PackStatus.REFUNDED)
    healthy()
