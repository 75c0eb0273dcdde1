"""Random histories of earning, withdrawing, approving, sending, failing, returning and retrying.

Whatever happens, in whatever order, the books sum to zero, every earning is in exactly one place, and no rail is asked
twice for the same money. The doctor is asked after every step.
"""

from __future__ import annotations

import contextlib
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
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
from tests.fakes.rail import fake_rail


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        with unit_of_work(PLATFORM) as session:
            number = session.execute(text("SELECT count(*) FROM organizations")).scalar_one()
        self.place = make.shop(2, funds=500_00, slug=f"shop{number}")
        self.maker = make.admin(f"maker{number}@quittance.test")
        self.checker = make.admin(f"checker{number}@quittance.test")
        self.patch = fake_rail()
        self.rail = self.patch.__enter__()

    def teardown(self) -> None:
        self.patch.__exit__(None, None, None)

    def ids(self, *statuses: str) -> list[UUID]:
        with unit_of_work(PLATFORM) as session:
            query = text("SELECT id FROM payouts WHERE organization_id = :o AND status = ANY(:s) ORDER BY id")
            return list(session.execute(query, {"o": self.place.organization_id, "s": list(statuses)}).scalars())

    def batch(self, *statuses: BatchStatus) -> UUID | None:
        with unit_of_work(PLATFORM) as session:
            query = text("SELECT id FROM batches WHERE organization_id = :o AND status = ANY(:s) ORDER BY id LIMIT 1")
            return session.execute(query, {"o": self.place.organization_id, "s": [s.value for s in statuses]}).scalar()

    @rule(payee=st.integers(0, 1), minor=st.integers(-20_00, 100_00).filter(bool))
    def earn(self, payee: int, minor: int) -> None:
        make.earn(self.place, minor, payee=payee)

    @rule(payee=st.integers(0, 1), minor=st.one_of(st.none(), st.integers(1, 120_00)))
    def withdraw(self, payee: int, minor: int | None) -> None:
        payee_id = self.place.payee_ids[payee]
        try:
            with unit_of_work(Scope.payee(payee_id)) as session:
                service.withdraw(
                    session,
                    make.payee_actor(payee_id),
                    organization_id=self.place.organization_id,
                    currency="GBP",
                    amount=None if minor is None else Money(minor, "GBP"),
                )
        except Refusal:
            pass

    def bulk(self, action: str, ids: list[UUID], which: int) -> None:
        if ids:
            with unit_of_work(PLATFORM) as session:
                service.bulk(session, self.checker, [ids[which % len(ids)]], action, "because")

    @rule(which=st.integers(0, 9))
    def approve(self, which: int) -> None:
        self.bulk("approve", self.ids("pending"), which)

    @rule(which=st.integers(0, 9))
    def retry_and_approve(self, which: int) -> None:
        self.bulk("retry", self.ids("failed", "returned"), which)
        self.bulk("approve", self.ids("pending"), which)

    @rule(action=st.sampled_from(["hold", "release", "reject", "cancel"]), which=st.integers(0, 9))
    def decide(self, action: str, which: int) -> None:
        self.bulk(action, self.ids("pending", "approved", "on_hold", "failed", "returned"), which)

    @rule()
    def batch_planned(self) -> None:
        try:
            with unit_of_work(PLATFORM) as session:
                batch_id = batches.create(session, self.maker, self.place.organization_id).id
        except Refusal:
            return
        jobs.plan_batch(str(batch_id), "maker", str(self.maker.account_id))

    @rule()
    def batch_goes_on(self) -> None:
        try:
            if batch_id := self.batch(BatchStatus.DRAFT):
                with unit_of_work(PLATFORM) as session:
                    batches.submit(session, self.maker, batch_id)
            elif batch_id := self.batch(BatchStatus.SUBMITTED):
                with unit_of_work(PLATFORM) as session:
                    batches.approve(session, self.checker, batch_id)
            elif batch_id := self.batch(BatchStatus.APPROVED):
                with unit_of_work(PLATFORM) as session:
                    batches.run(session, self.maker, batch_id)
        except Refusal:
            pass

    @rule()
    def batch_cancelled(self) -> None:
        batch_id = self.batch(BatchStatus.DRAFT, BatchStatus.SUBMITTED, BatchStatus.APPROVED)
        if batch_id:
            with unit_of_work(PLATFORM) as session:
                batches.cancel(session, self.maker, batch_id, "because")

    @rule(lose=st.booleans(), drop=st.booleans(), outcome=st.sampled_from([Outcome.ACCEPTED, Outcome.PAID]))
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

    @precondition(lambda self: self.rail.orders)
    @rule(outcome=st.sampled_from([Outcome.PAID, Outcome.FAILED, Outcome.RETURNED]), which=st.integers(0, 9))
    def news(self, outcome: Outcome, which: int) -> None:
        keys = sorted(self.rail.orders)
        key = keys[which % len(keys)]
        with unit_of_work(PLATFORM) as session:
            result = Result(key, outcome, f"ref-{key[-12:]}", "code", "The bank said no.")
            settling.apply(session, SYSTEM, [News(result, "event")])

    @rule(minor=st.integers(1, 200_00))
    def funds_arrive(self, minor: int) -> None:
        with unit_of_work(PLATFORM) as session:
            make.deposit(session, self.place.organization_id, Money(minor, "GBP"))
            batches.funds_arrived(session, SYSTEM, self.place.organization_id)

    @invariant()
    def healthy(self) -> None:
        with unit_of_work(PLATFORM) as session:
            assert doctor.examine(session) == []

    @invariant()
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


@pytest.mark.usefixtures("database_url")
def test_histories() -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
