"""Random histories of paying, refunding, disputing, holding sessions and paying consultants.

Whatever happens, in whatever order: what clients paid less what they got back, with what the platform added, is what
platform, organization and consultants have of it; nobody gets more back than was paid; the doctor finds nothing.
"""

from __future__ import annotations

import contextlib
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.charges.states import ChargeProvider, ReturnKind
from app.consultations import late, money
from app.consultations.models import Consultation
from app.consultations.profile_models import ConsultantProfile
from app.consultations.states import ConsultationStatus, Practice
from app.core.errors import Refusal
from app.core.money import Money
from app.core.scope import SYSTEM, Scope, operator
from app.db.session import unit_of_work
from app.db.types import new_id
from app.earnings import rates
from app.payouts import service as payouts
from app.rails.base import Outcome
from app.reporting import doctor
from jobs import clients
from jobs import payouts as payout_jobs
from tests.factories import bookings as make
from tests.factories.organizations import provides
from tests.factories.payouts import PLATFORM, admin, method, payee_actor, shop
from tests.fakes.rail import fake_rail


class History:
    """Two consultants of a provider organization, the second sharing in what the first offers, and one client.

    `own`: the organization is a payee itself and earns its part; else that stays in its funds.
    """

    def __init__(self, own: bool = False) -> None:
        with unit_of_work(PLATFORM) as session:
            self.number = session.execute(text("SELECT count(*) FROM organizations")).scalar_one()
        place = shop(2, funds=0, slug=f"clinic{self.number}")
        self.organization_id, (self.owner, self.other) = place.organization_id, place.payee_ids
        self.checker = admin(f"checker{self.number}@quittance.test")
        self.client = make.client_account(email=f"ada{self.number}@client.test")
        self.held: list[Consultation] = []
        self.own = provides(self.organization_id) if own else None
        with unit_of_work(PLATFORM) as session:
            if self.own:
                method(session, self.own, "simulated")
            session.add(
                ConsultantProfile(
                    id=new_id(), payee_id=self.owner, organization_id=self.organization_id,
                    practice=Practice.CONSULTANT, slug=f"owner-{self.number}", name="Owner", bio="", skills=[],
                    specialties=[], languages=[], portfolio_urls=[],
                )
            )  # fmt: skip

    def any(self, which: int) -> Consultation | None:
        return self.held[which % len(self.held)] if self.held else None

    def rate(self, bps: int) -> None:
        with unit_of_work(PLATFORM) as session:
            rates.set_override(session, operator(), self.organization_id, self.owner, bps)

    def book(self, minor: int, discount: int, weight: int) -> None:
        what = make.offering(self.organization_id, self.owner, minor, "GBP")
        if weight:
            make.collaborators(what.id, (self.owner, 3), (self.other, weight))
        held = make.booked(
            what, self.owner, self.client, discount_minor=minor * discount // 100, hours=24 + len(self.held)
        )
        with unit_of_work(PLATFORM) as session:
            made = money.charge(session, SYSTEM, held, ChargeProvider.SIMULATED)
            money.paid(session, SYSTEM, made.id)
        make.advance(held.id, ConsultationStatus.BOOKED)
        self.held.append(held)

    def complete(self, which: int) -> None:
        if held := self.any(which):
            with contextlib.suppress(Refusal):
                make.advance(held.id, ConsultationStatus.COMPLETED)
                with unit_of_work(PLATFORM) as session:
                    money.release(session, SYSTEM, [held.id])

    def ask_back(self, which: int, percent: int | None, kind: ReturnKind) -> None:
        if held := self.any(which):
            amount = None if percent is None else Money(held.price_minor * percent // 100, "GBP")
            reference = f"dp_{new_id()}" if kind is ReturnKind.DISPUTE else None
            with contextlib.suppress(Refusal), unit_of_work(PLATFORM) as session:
                money.give_back(
                    session, SYSTEM, held.id, amount=amount, kind=kind, reason="because", reference=reference
                )

    def decide(self, which: int, through: bool) -> None:
        """Of all returns, decided or not: the provider says things twice, and a won dispute may be lost later."""
        with unit_of_work(PLATFORM) as session:
            query = text("SELECT id FROM charge_returns WHERE organization_id = :o ORDER BY id")
            ids: list[UUID] = list(session.execute(query, {"o": self.organization_id}).scalars())
        if ids:
            with contextlib.suppress(Refusal), unit_of_work(PLATFORM) as session:
                if through:
                    money.returned(session, SYSTEM, ids[which % len(ids)])
                else:
                    money.not_returned(session, SYSTEM, ids[which % len(ids)], "no")

    def come_back(self, which: int, kept: bool) -> None:
        """Of all returns: the client's bank sends back what counted as returned, and a person settles it (or not)."""
        with unit_of_work(PLATFORM) as session:
            query = text("SELECT id FROM charge_returns WHERE organization_id = :o ORDER BY id")
            ids: list[UUID] = list(session.execute(query, {"o": self.organization_id}).scalars())
        if ids:
            with unit_of_work(PLATFORM) as session:
                late.came_back(session, SYSTEM, ids[which % len(ids)], "The account was closed.")
            with contextlib.suppress(Refusal), unit_of_work(PLATFORM) as session:
                if kept:
                    late.stays(session, operator(), ids[which % len(ids)], "Paid by hand.")

    def pay_out(self) -> None:
        for payee_id in (self.owner, self.other, *([self.own] if self.own else [])):
            with contextlib.suppress(Refusal):
                with unit_of_work(Scope.payee(payee_id)) as session:
                    made = payouts.withdraw(
                        session,
                        payee_actor(payee_id),
                        organization_id=self.organization_id,
                        currency="GBP",
                        amount=None,
                    )
                with unit_of_work(PLATFORM) as session:
                    payouts.bulk(session, self.checker, [made.id], "approve", "because")
                payout_jobs.send([made.id])

    def sums(self) -> None:
        with unit_of_work(PLATFORM) as session:
            assert doctor.examine(session) == []
            row = session.execute(_SUMS, {"o": self.organization_id}).one()
            questioned = session.execute(_QUESTIONED, {"o": self.organization_id}).all()
        kept = 0 if self.own else row.organization  # what stays in the funds without a payee it belongs to
        assert row.paid - row.back == row.fee + kept + row.earned
        assert row.most_back <= 0  # no charge gave more back than was paid
        assert questioned == []  # nothing is ready of what a bank, or a person, has to decide
        assert min(row.fee, row.organization, row.earned) >= 0
        assert row.revenue == row.fee and row.earned == row.owed + row.paid_out
        assert row.own == (row.organization if self.own else 0)
        assert row.funds == kept + row.owed  # everything that is promised is there, and nothing else is


_SUMS = text(
    """SELECT coalesce(sum(c.amount_minor + c.promotion_minor), 0) AS paid,
    coalesce(sum(r.amount + r.promotion), 0) AS back,
    coalesce(sum(c.fee_minor - coalesce(r.fee, 0)), 0) AS fee,
    coalesce(sum(k.organization_minor - coalesce(r.organization, 0)), 0) AS organization,
    coalesce(max(coalesce(r.amount, 0) - c.amount_minor), 0) AS most_back,
    (SELECT coalesce(sum(amount_minor), 0) FROM earnings WHERE organization_id = :o) AS earned,
    (SELECT coalesce(sum(e.amount_minor), 0) FROM earnings e JOIN payees p ON p.id = e.payee_id
        AND p.own_organization_id = :o WHERE e.organization_id = :o) AS own,
    (SELECT coalesce(-sum(amount_minor), 0) FROM ledger_lines
        WHERE organization_id = :o AND account = 'funds') AS funds,
    (SELECT coalesce(-sum(amount_minor), 0) FROM ledger_lines
        WHERE organization_id = :o AND account = 'platform_revenue') AS revenue,
    (SELECT coalesce(sum(balance_minor), 0) FROM ledger_balances
        WHERE organization_id = :o AND account LIKE 'payee%') AS owed,
    (SELECT coalesce(sum(amount_minor), 0) FROM payouts WHERE organization_id = :o AND status = 'paid') AS paid_out
    FROM charges c JOIN consultations k ON k.id = c.subject_id
    LEFT JOIN (SELECT charge_id, sum(amount_minor) AS amount, sum(promotion_minor) AS promotion, sum(fee_minor) AS fee,
        sum(organization_minor) AS organization FROM charge_returns WHERE status = 'succeeded' GROUP BY 1) r
        ON r.charge_id = c.id
    WHERE c.organization_id = :o AND c.status = 'succeeded'"""
)
_QUESTIONED = text(
    """SELECT k.id, q.payee_id, sum(q.amount_minor) FROM consultations k
    JOIN charges c ON c.subject_id = k.id AND EXISTS (SELECT FROM charge_returns r WHERE r.charge_id = c.id
        AND r.kind = 'dispute' AND r.status = 'pending')
    JOIN (SELECT id, consultation_id FROM consultation_shares
        UNION ALL SELECT id, consultation_id FROM consultation_returns
        UNION ALL SELECT id, id FROM consultations
        UNION ALL SELECT r.id, c.subject_id FROM charge_returns r JOIN charges c ON c.id = r.charge_id) s
        ON s.consultation_id = k.id
    JOIN earnings e ON e.source_id = s.id JOIN ready_earnings q ON q.earning_id = e.id
    WHERE k.organization_id = :o GROUP BY 1, 2 HAVING sum(q.amount_minor) > 0"""
)
WHICH = st.integers(0, 9)
BOOK = st.tuples(st.just("book"), st.integers(1, 200_00), st.sampled_from([0, 0, 30, 100]), st.integers(0, 4))
STEPS = st.one_of(
    BOOK,
    st.tuples(st.just("rate"), st.integers(0, 9_000)),
    st.tuples(st.just("complete"), WHICH),
    *2 * [st.tuples(st.just("ask_back"), WHICH, st.none() | st.integers(1, 100), st.sampled_from(ReturnKind))],
    *2 * [st.tuples(st.just("decide"), WHICH, st.booleans())],
    st.tuples(st.just("come_back"), WHICH, st.booleans()),
    st.tuples(st.just("pay_out")),
)


@pytest.mark.usefixtures("database_url")
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(own=st.booleans(), first=BOOK, steps=st.lists(STEPS, min_size=25, max_size=25))
def test_histories(own: bool, first: tuple[Any, ...], steps: list[tuple[Any, ...]]) -> None:
    history = History(own)
    with fake_rail(outcome=Outcome.PAID):
        for name, *arguments in (first, *steps):
            getattr(history, name)(*arguments)
            history.sums()


@pytest.mark.usefixtures("database_url")
def test_a_dispute_lost_after_the_payout_is_netted_in_the_next_one() -> None:
    history = History()
    with fake_rail(outcome=Outcome.PAID):
        history.book(100_00, 0, 0)
        history.complete(0)
        history.pay_out()
        history.ask_back(0, None, ReturnKind.DISPUTE)
        history.decide(0, True)
        history.book(200_00, 0, 0)
        history.complete(1)
        history.pay_out()
        history.sums()
    with unit_of_work(PLATFORM) as session:
        paid = session.execute(text("SELECT amount_minor FROM payouts WHERE status = 'paid' ORDER BY created_at"))
        assert [row.amount_minor for row in paid] == [85_00, 85_00]


@pytest.mark.usefixtures("database_url")
def test_a_dispute_pulls_back_what_was_ready_and_gives_it_back_when_it_is_won() -> None:
    history = History()
    with fake_rail(outcome=Outcome.PAID):
        history.book(100_00, 0, 0)
        history.complete(0)
        for last in (False, True):  # twice: each time its own entries
            history.ask_back(0, None, ReturnKind.DISPUTE)
            assert _states(history) == [("held", "dispute")]
            history.pay_out()
            history.sums()
            history.decide(-1, False)
            assert _states(history) == [("ready", None)]
            history.sums()
            if last:
                history.pay_out()
        history.sums()
    with unit_of_work(PLATFORM) as session:
        paid = session.execute(text("SELECT amount_minor FROM payouts WHERE status = 'paid'")).scalars().all()
        moved = session.execute(
            text("SELECT kind, count(*) FROM ledger_entries WHERE kind IN ('earning_withheld', 'earning_released')"
                 " GROUP BY 1 ORDER BY 1")
        ).all()  # fmt: skip
        assert list(paid) == [85_00]
        assert [tuple(row) for row in moved] == [("earning_released", 3), ("earning_withheld", 2)]


def _states(history: History) -> list[tuple[str, str | None]]:
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT state, hold_reason FROM earning_states WHERE organization_id = :o ORDER BY earning_id")
        return [tuple(row) for row in session.execute(query, {"o": history.organization_id})]


@pytest.mark.usefixtures("database_url")
@pytest.mark.parametrize("paid_out", [False, True])
def test_a_refund_that_came_back_waits_for_a_person(paid_out: bool) -> None:
    history = History()
    with fake_rail(outcome=Outcome.PAID):
        history.book(100_00, 0, 0)
        history.complete(0)
        if paid_out:
            history.pay_out()
        history.ask_back(0, 40, ReturnKind.REFUND)
        history.decide(0, True)
        history.come_back(0, False)
        assert _states(history)[-1] == ("held", "refund")
        history.sums()
        history.come_back(0, False)  # told twice
        history.decide(0, True)
        assert len(_states(history)) == 3
        history.ask_back(0, 40, ReturnKind.REFUND)  # somebody refunds it anew, which settles the first one
        history.decide(1, True)
        assert {state for state, _ in _states(history)} <= {"ready", "paid"}
        history.sums()
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(
            text("SELECT r.status, r.settled_at IS NOT NULL, c.refunded_minor FROM charge_returns r"
                 " JOIN charges c ON c.id = r.charge_id ORDER BY r.id")
        ).all()  # fmt: skip
    assert [tuple(row) for row in rows] == [("came_back", True, 40_00), ("succeeded", False, 40_00)]


@pytest.mark.usefixtures("database_url")
def test_what_comes_back_from_a_payout_while_the_bank_decides_waits_too() -> None:
    history = History()
    with fake_rail(outcome=Outcome.FAILED):
        history.book(100_00, 0, 0)
        history.complete(0)
        with unit_of_work(Scope.payee(history.owner)) as session:
            made = payouts.withdraw(
                session, payee_actor(history.owner), organization_id=history.organization_id, currency="GBP",
                amount=Money(60_00, "GBP"),
            ).id  # fmt: skip
        history.ask_back(0, None, ReturnKind.DISPUTE)  # 60 is in a payout, 25 waits
        assert _states(history) == [("held", "dispute")]
        with unit_of_work(PLATFORM) as session:
            payouts.cancel(session, operator(), made, "Not now")
        clients.look_up()
        with unit_of_work(PLATFORM) as session:
            ready, held = session.execute(
                text("SELECT (SELECT count(*) FROM ready_earnings), (SELECT sum(amount_minor) FROM held_earnings)")
            ).one()
        assert (ready, held) == (0, 85_00)
        history.sums()
        history.decide(-1, False)
        assert _states(history) == [("ready", None)]
        history.sums()
