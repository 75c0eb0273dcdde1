"""Random lives of bills: whatever people do in whatever order, the books add up and agree with the queues."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from app.core.clock import at
from app.core.errors import Refusal
from app.core.money import Money
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.db.types import new_id
from app.earnings import service as earnings
from app.payables import review, service
from app.payables.models import PaymentRequest
from app.payables.states import RequestStatus
from tests.factories import organizations, payables, payees, people

_QUEUES = """SELECT (SELECT coalesce(sum(amount_minor), 0) FROM held_earnings WHERE organization_id = :o),
    (SELECT coalesce(sum(amount_minor), 0) FROM ready_earnings WHERE organization_id = :o)"""
_BALANCES = """SELECT coalesce(sum(balance_minor) FILTER (WHERE account = 'payee_held'), 0),
    coalesce(sum(balance_minor) FILTER (WHERE account = 'payee_available'), 0)
    FROM ledger_balances WHERE organization_id = :o"""
_REBUILT = """SELECT b.account, b.payee_id, b.balance_minor, l.total FROM ledger_balances b
    FULL JOIN (SELECT account, payee_id, -sum(amount_minor) AS total FROM ledger_lines
        WHERE organization_id = :o AND payee_id IS NOT NULL GROUP BY 1, 2) l USING (account, payee_id)
    WHERE b.organization_id = :o AND b.balance_minor IS DISTINCT FROM l.total"""
_ENTRIES = """SELECT entry_id FROM ledger_lines WHERE organization_id = :o GROUP BY entry_id, currency
    HAVING sum(amount_minor) <> 0"""
_APPROVED = """SELECT coalesce(sum(approved_minor), 0) FROM payment_requests
    WHERE organization_id = :o AND status = 'approved'"""


class Bills(RuleBasedStateMachine):
    """Two vendors, one organization, a clock; each rule is something a person or the scheduler does.

    Mostly to bills that are open to it, so that lives get long; `anything` also tries what is out of order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.organization_id = organizations.organization(f"o{new_id().hex}")
        self.vendors = [
            payables.vendor_actor(payees.vendor(self.organization_id, f"V{days}", terms_days=days)) for days in (0, 14)
        ]
        self.owner: dict[UUID, Actor] = {}

    @property
    def organization(self) -> Scope:
        return Scope.organization(self.organization_id)

    def pick(self, number: int, where: str) -> UUID | None:
        """One of this organization's bills, or None."""
        sql = f"SELECT r.id FROM payment_requests r WHERE r.organization_id = :o AND {where} ORDER BY r.id"
        with unit_of_work(people.PLATFORM) as session:
            found = list(session.execute(text(sql), {"o": self.organization_id}).scalars())
        return found[number % len(found)] if found else None

    def act(self, scope: Scope, what: Any, *args: Any, **named: Any) -> None:
        """Refused is as good as done: the books must agree after both."""
        with contextlib.suppress(Refusal), at(self.now), unit_of_work(scope) as session:
            what(session, *args, **named)

    def as_vendor(self, what: Any, request_id: UUID, *args: Any, **named: Any) -> None:
        actor = self.owner[request_id]
        self.act(Scope.payee(actor.payee_id or UUID(int=0)), what, actor, request_id, *args, **named)

    @precondition(lambda self: len(self.owner) < 4)
    @rule(vendor=st.integers(0, 1), minor=st.integers(1, 10**7))
    def submit(self, vendor: int, minor: int) -> None:
        actor = self.vendors[vendor]
        with at(self.now):
            request_id = payables.submitted(self.organization_id, actor, minor, invoice_on=self.now.date())
        self.owner[request_id] = actor

    @precondition(lambda self: len(self.owner) < 4)
    @rule(vendor=st.integers(0, 1), minor=st.integers(1, 10**6))
    def import_credit(self, vendor: int, minor: int) -> None:
        actor, made = self.vendors[vendor], new_id()
        with at(self.now), unit_of_work(people.PLATFORM) as session:
            session.add(
                PaymentRequest(
                    id=made, organization_id=self.organization_id, payee_id=actor.payee_id, reference=str(made),
                    amount_minor=-minor, currency="GBP", description="Credit", invoice_on=self.now.date(),
                    status=RequestStatus.SUBMITTED,
                )
            )  # fmt: skip
        self.owner[made] = actor

    @rule(number=st.integers(0, 3), part=st.sampled_from([1, 50, 99, 100]))
    def approve(self, number: int, part: int) -> None:
        request_id = self.pick(number, "r.status IN ('submitted', 'disputed')")
        if request_id is None:
            return
        with unit_of_work(people.PLATFORM) as session:
            asked = session.get_one(PaymentRequest, request_id).amount
        agreed = asked.minor * part // 100 or (1 if asked.minor > 0 else -1)
        self.act(
            self.organization, review.approve, operator(), self.organization_id, request_id,
            amount=Money(agreed, "GBP"), reason="agreed",
        )  # fmt: skip

    @rule(number=st.integers(0, 3), accepted=st.booleans())
    def answer(self, number: int, accepted: bool) -> None:
        waits = """EXISTS (SELECT FROM earnings e JOIN held_earnings h ON h.earning_id = e.id
            WHERE e.source_id = r.id AND h.reason = 'acceptance')"""
        request_id = self.pick(number, waits)
        if request_id is None:
            return
        if accepted:
            self.as_vendor(service.accept, request_id)
        else:
            self.as_vendor(service.dispute, request_id, "it was more")

    @rule(days=st.integers(0, 9), limit=st.integers(1, 3))
    def time_passes(self, days: int, limit: int) -> None:
        self.now += timedelta(days=days)
        with at(self.now), unit_of_work(people.PLATFORM) as session:
            earnings.release_due(session, self.now, limit)

    @rule(number=st.integers(0, 3))
    def release_early(self, number: int) -> None:
        with unit_of_work(people.PLATFORM) as session:
            sql = "SELECT earning_id FROM held_earnings WHERE organization_id = :o ORDER BY 1"
            held = list(session.execute(text(sql), {"o": self.organization_id}).scalars())
        if held:
            earning_id = held[number % len(held)]
            self.act(
                self.organization, earnings.release_early, operator(), self.organization_id, earning_id, "in a hurry"
            )

    @rule(number=st.integers(0, 3), what=st.sampled_from(["reject", "cancel", "submit", "accept", "dispute", "bulk"]))
    def anything(self, number: int, what: str) -> None:
        request_id = self.pick(number, "true")
        if request_id is None:
            return
        if what == "reject":
            self.act(self.organization, review.reject, operator(), self.organization_id, request_id, reason="no")
        elif what == "bulk":
            everything = {"ids": list(self.owner)}
            decision = review.Decision.APPROVE
            self.act(self.organization, review.review_bulk, operator(), self.organization_id, decision, **everything)
        elif what == "dispute":
            self.as_vendor(service.dispute, request_id, "it was more")
        elif what == "submit":
            self.as_vendor(service.submit, request_id, even_so=True)
        else:
            self.as_vendor({"cancel": service.cancel, "accept": service.accept}[what], request_id)

    @invariant()
    def the_books_agree(self) -> None:
        with unit_of_work(people.PLATFORM) as session:
            of = {"o": self.organization_id}
            queues = tuple(int(v) for v in session.execute(text(_QUEUES), of).one())
            balances = tuple(int(v) for v in session.execute(text(_BALANCES), of).one())
            approved = int(session.execute(text(_APPROVED), of).scalar_one())
            assert queues == balances, "held and ready are what the ledger says"
            assert sum(queues) == approved, "what is agreed is owed, neither more nor less"
            assert session.execute(text(_REBUILT), of).all() == [], "balances can be rebuilt from lines"
            assert session.execute(text(_ENTRIES), of).all() == [], "entries sum to zero"


@pytest.mark.usefixtures("database_url")
def test_random_histories() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Bills,
        settings=settings(
            max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
