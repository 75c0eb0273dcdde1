"""Random histories of earning, withdrawing, approving, sending, failing, returning and retrying.

Whatever happens, in whatever order, the books sum to zero, every earning is in exactly one place, and no rail is asked
twice for the same money. The doctor is asked after every step.
"""

from __future__ import annotations

import contextlib
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.errors import Refusal
from app.core.money import Money
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.payouts import batches, service, settling
from app.payouts.settling import News
from app.payouts.states import BatchStatus
from app.rails.base import Outcome, RailUnavailable, Result
from app.reporting import doctor
from jobs import payouts as jobs
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM
from tests.fakes.rail import FakeRail, fake_rail


class History:
    """Two payees of one organization, two admins, a rail; each method is one thing that may happen."""

    def __init__(self) -> None:
        with unit_of_work(PLATFORM) as session:
            number = session.execute(text("SELECT count(*) FROM organizations")).scalar_one()
        self.place = make.shop(2, funds=2_000_00, slug=f"shop{number}")
        self.maker = make.admin(f"maker{number}@quittance.test")
        self.checker = make.admin(f"checker{number}@quittance.test")
        self.rail: FakeRail

    def ids(self, *statuses: str) -> list[UUID]:
        with unit_of_work(PLATFORM) as session:
            query = text("SELECT id FROM payouts WHERE organization_id = :o AND status = ANY(:s) ORDER BY id")
            return list(session.execute(query, {"o": self.place.organization_id, "s": list(statuses)}).scalars())

    def found(self, *statuses: BatchStatus) -> UUID | None:
        with unit_of_work(PLATFORM) as session:
            query = text("SELECT id FROM batches WHERE organization_id = :o AND status = ANY(:s) ORDER BY id LIMIT 1")
            return session.execute(query, {"o": self.place.organization_id, "s": [s.value for s in statuses]}).scalar()

    def earn(self, payee: int, minor: int) -> None:
        make.earn(self.place, minor, payee=payee)

    def withdraw(self, payee: int, minor: int | None, approve: bool) -> None:
        """A payee who has earned something asks for all or part of it; half of the time it is approved at once."""
        payee_id = self.place.payee_ids[payee]
        self.earn(payee, 30_00)
        try:
            with unit_of_work(Scope.payee(payee_id)) as session:
                made = service.withdraw(
                    session,
                    make.payee_actor(payee_id),
                    organization_id=self.place.organization_id,
                    currency="GBP",
                    amount=None if minor is None else Money(minor, "GBP"),
                )
        except Refusal:
            return
        if approve:
            self.bulk("approve", [made.id], 0)

    def bulk(self, action: str, ids: list[UUID], which: int) -> None:
        if ids:
            with unit_of_work(PLATFORM) as session:
                service.bulk(session, self.checker, [ids[which % len(ids)]], action, "because")

    def approve(self, which: int) -> None:
        self.bulk("approve", self.ids("pending"), which)

    def retry_and_approve(self, which: int) -> None:
        self.bulk("retry", self.ids("failed", "returned"), which)
        self.bulk("approve", self.ids("pending"), which)

    def decide(self, action: str, which: int) -> None:
        self.bulk(action, self.ids("pending", "approved", "on_hold", "failed", "returned"), which)

    def batch(self, steps: int) -> None:
        """A batch goes on from where it stands: planned, submitted, approved, run."""
        for _ in range(steps):
            with contextlib.suppress(Refusal):
                self.batch_goes_on()

    def batch_goes_on(self) -> None:
        if batch_id := self.found(BatchStatus.DRAFT):
            with unit_of_work(PLATFORM) as session:
                batches.submit(session, self.maker, batch_id)
        elif batch_id := self.found(BatchStatus.SUBMITTED):
            with unit_of_work(PLATFORM) as session:
                batches.approve(session, self.checker, batch_id)
        elif batch_id := self.found(BatchStatus.APPROVED):
            with unit_of_work(PLATFORM) as session:
                batches.run(session, self.maker, batch_id)
        else:
            with unit_of_work(PLATFORM) as session:
                batch_id = batches.create(session, self.maker, self.place.organization_id).id
            jobs.plan_batch(str(batch_id), "maker", str(self.maker.account_id))

    def batch_cancelled(self) -> None:
        batch_id = self.found(BatchStatus.DRAFT, BatchStatus.SUBMITTED, BatchStatus.APPROVED)
        if batch_id:
            with unit_of_work(PLATFORM) as session:
                batches.cancel(session, self.maker, batch_id, "because")

    def sent(self, lose: bool, drop: bool, outcome: Outcome) -> None:
        self.rail.lose_replies, self.rail.drop_requests, self.rail.outcome = int(lose), int(drop), outcome
        with unit_of_work(PLATFORM) as session:
            query = "SELECT c.id FROM batch_chunks c WHERE c.organization_id = :o AND done_at IS NULL"
            chunks = session.execute(text(query), {"o": self.place.organization_id}).scalars().all()
            alone = [i for i in self.ids("approved", "processing") if service.get(session, i).batch_id is None]
        for chunk_id in chunks:
            self.attempt(lambda chunk_id=chunk_id: jobs.run_chunk(str(chunk_id)))
        self.attempt(lambda: jobs.send(alone))

    def attempt(self, work) -> None:
        with contextlib.suppress(RailUnavailable):
            work()

    def news(self, outcomes: list[Outcome], which: int) -> None:
        """The rail tells about one instruction, in any order and as often as it likes."""
        keys = sorted(self.rail.orders)
        if not keys:
            return
        key = keys[which % len(keys)]
        for outcome in outcomes:
            with unit_of_work(PLATFORM) as session:
                result = Result(key, outcome, f"ref-{key[-12:]}", "code", "The bank said no.")
                settling.apply(session, SYSTEM, [News(result, "event")])

    def funds_arrive(self, minor: int) -> None:
        with unit_of_work(PLATFORM) as session:
            make.deposit(session, self.place.organization_id, Money(minor, "GBP"))
            batches.funds_arrived(session, SYSTEM, self.place.organization_id)

    def healthy(self) -> None:
        with unit_of_work(PLATFORM) as session:
            assert doctor.examine(session) == []

    def no_money_is_made(self) -> None:
        """What rails hold as paid is what payouts say, and funds never went below zero."""
        with unit_of_work(PLATFORM) as session:
            row = session.execute(
                text(
                    """SELECT coalesce(sum(p.amount_minor) FILTER (WHERE p.status = 'paid'), 0) AS paid,
                    (SELECT coalesce(sum(a_p.amount_minor), 0) FROM payout_attempts a
                        JOIN payouts a_p ON a_p.id = a.payout_id
                        WHERE a.status = 'succeeded' AND a.organization_id = :o) AS succeeded
                    FROM payouts p WHERE p.organization_id = :o"""
                ),
                {"o": self.place.organization_id},
            ).one()
        assert row.paid == row.succeeded
        assert make.funds_left(self.place) >= 0


PAYEE = st.integers(0, 1)
WHICH = st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.just("earn"), PAYEE, st.integers(-20_00, 100_00).filter(bool)),
    st.tuples(st.just("withdraw"), PAYEE, st.one_of(st.none(), st.integers(1, 120_00)), st.booleans()),
    st.tuples(st.just("approve"), WHICH),
    st.tuples(st.just("retry_and_approve"), WHICH),
    st.tuples(st.just("decide"), st.sampled_from(["hold", "release", "reject", "cancel"]), WHICH),
    st.tuples(st.just("batch"), st.integers(1, 4)),
    st.tuples(st.just("batch_cancelled")),
    *2 * [st.tuples(st.just("sent"), st.booleans(), st.booleans(), st.sampled_from([Outcome.ACCEPTED, Outcome.PAID]))],
    *2
    * [
        st.tuples(
            st.just("news"),
            st.lists(st.sampled_from([Outcome.PAID, Outcome.FAILED, Outcome.RETURNED]), min_size=1, max_size=3),
            WHICH,
        )
    ],
    st.tuples(st.just("funds_arrive"), st.integers(1, 200_00)),
)


@pytest.mark.usefixtures("database_url")
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=40, max_size=40))
def test_histories(steps: list[tuple[Any, ...]]) -> None:
    history = History()
    with fake_rail() as rail:
        history.rail = rail
        for name, *arguments in steps:
            getattr(history, name)(*arguments)
            history.healthy()
            history.no_money_is_made()
