"""Random histories of buying, using, cancelling, refunding and expiring seat credits.

Whatever happens, in whatever order, with invoices and tax or before anybody could bill: the ledger sums to zero, the
prepaid credits of the books are what is left of the packs, credits are what was bought less what was taken and is not
back, and never below nothing.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.billing import pack_returns, packs, settling
from app.billing.invoice_models import Invoice
from app.billing.invoice_states import InvoiceStatus
from app.charges.states import ChargeProvider
from app.consultations import booking
from app.consultations.models import Consultation
from app.consultations.profile_models import Offering
from app.consultations.states import CancelledBy, PaidBy
from app.core import clock
from app.core.errors import Refusal
from app.core.money import Money
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.db.types import new_id
from app.organizations.states import Role
from app.reporting import doctor
from jobs import credits as jobs
from tests.app.consultations import making
from tests.factories import billing, bookings, people
from tests.factories import credits as make
from tests.factories.charges import funds
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM

START = making.NOON


class History:
    """A clinic with one consultant, and an organization whose learner books there."""

    def __init__(self) -> None:
        with unit_of_work(PLATFORM) as session:
            number = session.execute(text("SELECT count(*) FROM organizations")).scalar_one()
        clinic = organization(f"clinic{number}", currency="USD")
        self.payee_id = making.consultant(clinic, f"Leila {number}")
        self.what = bookings.offering(clinic, self.payee_id, 33_33, minutes=30)
        self.buyer = make.buyer(f"buyer{number}")
        self.owner, self.admin = make.owner(self.buyer), people.admin(f"admin{number}@quittance.test")
        people.member(self.buyer, Role.LEARNER, f"noor{number}@client.test")
        self.noor = making.client(f"noor{number}@client.test")
        funds(self.buyer, 500_00, "USD")
        self.now, self.held, self.bought = START, list[Consultation](), 0

    def any(self, which: int) -> Consultation | None:
        return self.held[which % len(self.held)] if self.held else None

    def buy(self, number: int, by_funds: bool) -> None:
        provider = ChargeProvider.FUNDS if by_funds else ChargeProvider.SIMULATED
        with contextlib.suppress(Refusal), clock.at(self.now):
            with unit_of_work(PLATFORM) as session:
                what = session.get_one(Offering, self.what.id)
            make.pack(self.owner, what, number, provider)
            self.bought += number

    def order(self, number: int, paid: bool, wanted: bool) -> None:
        """By invoice: paid, left open, or taken back before it is paid."""
        buyer = Scope.organization(self.buyer)
        with contextlib.suppress(Refusal), clock.at(self.now):
            with unit_of_work(buyer) as session:
                what = make.sold(session.get_one(Offering, self.what.id))
                pack = packs.buy(
                    session, self.owner, self.buyer, what, number, ChargeProvider.FUNDS, by_invoice=True
                )[0]  # fmt: skip
            if not wanted:
                with unit_of_work(buyer) as session:
                    packs.cancel_order(session, self.owner, pack.id)
            elif paid:
                with unit_of_work(PLATFORM) as session:
                    invoice = settling.locked(session, pack.invoice_id or new_id())
                    settling.transferred(
                        session, SYSTEM, invoice.id, amount=invoice.open, reference=str(new_id()),
                        received_on=self.now.date(),
                    )  # fmt: skip
        self.granted()

    def granted(self) -> None:
        """What the job does with each invoice that was paid."""
        with unit_of_work(PLATFORM) as session:
            open_ = "SELECT invoice_id, credits FROM seat_packs WHERE organization_id = :o AND status = 'pending'"
            for invoice_id, number in session.execute(text(open_ + " AND invoice_id IS NOT NULL"), {"o": self.buyer}):
                with clock.at(self.now):
                    packs.granted(session, SYSTEM, invoice_id)
                if session.get_one(Invoice, invoice_id).status is InvoiceStatus.PAID:
                    self.bought += number

    def price(self, minor: int) -> None:
        with unit_of_work(PLATFORM) as session:
            session.get_one(Offering, self.what.id).price_minor = minor

    def book(self) -> None:
        assert self.noor.account_id is not None
        starts = datetime.combine(self.now.date(), START.timetz()) + timedelta(days=3, minutes=30 * len(self.held))
        with (
            contextlib.suppress(Refusal),
            clock.at(self.now),
            unit_of_work(Scope.client(self.noor.account_id)) as session,
        ):
            self.held.append(
                booking.book(
                    session, self.noor, payee_id=self.payee_id, offering_id=self.what.id, starts_at=starts,
                    client_time_zone="UTC", locale="en_US", paid_by=PaidBy.CREDIT, by_calendar=True,
                    buyer_organization_id=self.buyer,
                )
            )  # fmt: skip

    def cancel(self, which: int, hours: int, by: CancelledBy) -> None:
        if held := self.any(which):
            now = held.starts_at - timedelta(hours=hours)
            with contextlib.suppress(Refusal), clock.at(now), unit_of_work(PLATFORM) as session:
                booking.cancel(session, SYSTEM, held.id, by)

    def absent(self, which: int, who: CancelledBy) -> None:
        if held := self.any(which):
            with contextlib.suppress(Refusal), clock.at(held.ends_at), unit_of_work(PLATFORM) as session:
                booking.no_show(session, SYSTEM, held.id, who)

    def complete(self, which: int) -> None:
        if held := self.any(which):
            with clock.at(held.ends_at), unit_of_work(PLATFORM) as session:
                booking.complete(session, SYSTEM, [held.id])

    def refund(self, which: int, through: bool) -> None:
        """The platform gives back what is left of a pack; the provider says yes or no, twice."""
        with unit_of_work(PLATFORM) as session:
            query = text("SELECT id FROM seat_packs WHERE organization_id = :o ORDER BY id")
            ids = list(session.execute(query, {"o": self.buyer}).scalars())
        if not ids:
            return
        with contextlib.suppress(Refusal), clock.at(self.now):
            with unit_of_work(PLATFORM) as session:
                back = pack_returns.refund(session, self.admin, ids[which % len(ids)], "because").id
            for _ in range(2):
                with contextlib.suppress(Refusal), unit_of_work(PLATFORM) as session:
                    if through:
                        pack_returns.returned(session, SYSTEM, back)
                    else:
                        pack_returns.not_returned(session, SYSTEM, back, "no")

    def charged_back(self, minor: int) -> None:
        """A bank takes some of the newest card payment for a pack back, used or not."""
        with contextlib.suppress(Refusal), clock.at(self.now), unit_of_work(PLATFORM) as session:
            query = text(
                "SELECT id FROM charges WHERE organization_id = :o AND subject_kind = 'seat_pack'"
                " AND provider = 'simulated' ORDER BY id DESC LIMIT 1"
            )
            found = session.execute(query, {"o": self.buyer}).scalar()
            if found:
                of = packs.client.locked(session, found)
                amount = min(Money(minor, "USD"), of.refundable)
                pack_returns.returned(
                    session, SYSTEM, pack_returns.disputed(session, SYSTEM, of, amount, "fraud", f"dp_{new_id()}")
                )  # fmt: skip

    def came_back(self, which: int) -> None:
        """A bank sends a refund back, or a lost dispute is won."""
        with unit_of_work(PLATFORM) as session:
            query = text(
                "SELECT r.id FROM charge_returns r JOIN charges c ON c.id = r.charge_id WHERE c.organization_id = :o"
                " AND c.subject_kind = 'seat_pack' AND c.provider <> 'funds' ORDER BY r.id"
            )
            ids = list(session.execute(query, {"o": self.buyer}).scalars())
        if ids:
            with clock.at(self.now), unit_of_work(PLATFORM) as session:
                pack_returns.came_back(session, SYSTEM, ids[which % len(ids)], "sent back")

    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)
        with clock.at(self.now):
            jobs.once_a_day()

    def sums(self) -> None:
        self.granted()
        with unit_of_work(PLATFORM) as session:
            assert [one for one in doctor.examine(session) if not one.code.startswith("outbox")] == []
            row = session.execute(_SUMS, {"o": self.buyer}).one()
        assert row.total == 0
        assert row.bought == self.bought
        assert row.left == row.bought - row.used + row.returned - row.expired - row.refunded
        assert row.left >= 0 and row.prepaid >= 0 and (row.left == 0) == (row.prepaid == 0)


_SUMS = text(
    """SELECT (SELECT coalesce(sum(amount_minor), 0) FROM ledger_lines) AS total,
    (SELECT coalesce(sum(credits), 0) FROM seat_packs WHERE organization_id = :o AND paid_at IS NOT NULL) AS bought,
    count(*) FILTER (WHERE kind = 'used') AS used, count(*) FILTER (WHERE returned_at IS NOT NULL) AS returned,
    count(*) FILTER (WHERE kind = 'expired') AS expired, count(*) FILTER (WHERE kind = 'refunded') AS refunded,
    (SELECT count(*) FROM seat_packs p CROSS JOIN generate_series(1, p.credits) k WHERE p.organization_id = :o
        AND p.paid_at IS NOT NULL AND NOT EXISTS (SELECT FROM credit_uses t
            WHERE t.pack_id = p.id AND t.ordinal = k AND t.returned_at IS NULL)) AS left,
    (SELECT coalesce(sum(balance_minor), 0) FROM ledger_balances
        WHERE organization_id = :o AND account = 'prepaid_credits') - (SELECT coalesce(sum(price_minor), 0)
        FROM seat_packs WHERE organization_id = :o AND status = 'pending' AND invoice_id IS NOT NULL) AS prepaid
    FROM credit_uses WHERE organization_id = :o"""
)
WHICH = st.integers(0, 20)
BUY = st.tuples(st.just("buy"), st.sampled_from([5, 5, 10, 25]), st.booleans())
STEPS = st.one_of(
    BUY,
    *4 * [st.tuples(st.just("book"))],
    *2 * [st.tuples(st.just("cancel"), WHICH, st.sampled_from([2, 30]), st.sampled_from(CancelledBy))],
    st.tuples(st.just("absent"), WHICH, st.sampled_from([CancelledBy.CLIENT, CancelledBy.CONSULTANT])),
    st.tuples(st.just("complete"), WHICH),
    st.tuples(st.just("price"), st.integers(10_00, 60_00)),
    st.tuples(st.just("refund"), WHICH, st.booleans()),
    st.tuples(st.just("charged_back"), st.integers(1, 300_00)),
    st.tuples(st.just("came_back"), WHICH),
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 200, 366])),
)


@pytest.mark.usefixtures("database_url")
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=BUY, steps=st.lists(STEPS, min_size=25, max_size=25))
def test_histories(first: tuple[Any, ...], steps: list[tuple[Any, ...]]) -> None:
    run(History(), (first, *steps))


ORDER = st.tuples(st.just("order"), st.sampled_from([5, 10]), st.booleans(), st.sampled_from([True, True, False]))


@pytest.mark.usefixtures("issuer")
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=BUY, steps=st.lists(st.one_of(STEPS, ORDER, ORDER), min_size=25, max_size=25))
def test_histories_with_invoices_and_tax(first: tuple[Any, ...], steps: list[tuple[Any, ...]]) -> None:
    history = History()
    billing.profile(history.buyer, legal_name="Buyer SARL", country="FR", postcode="69001")
    run(history, (first, *steps))


@pytest.fixture
def issuer(database_url: str) -> None:
    house = organization("house", is_house=True, currency="USD")
    billing.profile(house, country="FR", tax_id="FR40303265045", service_rate_bps=1900, postcode="75002")


def run(history: History, steps: tuple[tuple[Any, ...], ...]) -> None:
    for name, *arguments in steps:
        getattr(history, name)(*arguments)
        history.sums()
