"""Random lives of bills: whatever people do in whatever order, the books add up and agree with the queues."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
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
    """Two vendors, one organization, a clock; each rule is something a person or the scheduler does."""

    requests: Bundle[UUID] = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.organization_id = organizations.organization(f"o{new_id().hex}")
        self.vendors = [
            payables.vendor_actor(payees.vendor(self.organization_id, f"V{days}", terms_days=days)) for days in (0, 14)
        ]
        self.owner: dict[UUID, Actor] = {}

    def act(self, scope: Scope, what: Any, *args: Any, **named: Any) -> bool:
        """False when it was refused, as a wrong order of things is."""
        try:
            with at(self.now), unit_of_work(scope) as session:
                what(session, *args, **named)
        except Refusal:
            return False
        return True

    @rule(target=requests, vendor=st.integers(0, 1), minor=st.integers(1, 10**7))
    def submit(self, vendor: int, minor: int) -> UUID:
        actor = self.vendors[vendor]
        with at(self.now):
            request_id = payables.submitted(self.organization_id, actor, minor, invoice_on=self.now.date())
        self.owner[request_id] = actor
        return request_id

    @rule(target=requests, vendor=st.integers(0, 1), minor=st.integers(1, 10**6))
    def import_credit(self, vendor: int, minor: int) -> Any:
        actor = self.vendors[vendor]
        made = new_id()
        with at(self.now), unit_of_work(people.PLATFORM) as session:
            session.add(
                PaymentRequest(
                    id=made, organization_id=self.organization_id, payee_id=actor.payee_id, reference=str(made),
                    amount_minor=-minor, currency="GBP", description="Credit", invoice_on=self.now.date(),
                    status=RequestStatus.SUBMITTED,
                )
            )  # fmt: skip
        self.owner[made] = actor
        return multiple(made)

    def organization(self) -> Scope:
        return Scope.organization(self.organization_id)

    def vendor_scope(self, request_id: UUID) -> Scope:
        return Scope.payee(self.owner[request_id].payee_id or UUID(int=0))

    @rule(request_id=requests, part=st.integers(1, 100))
    def approve(self, request_id: UUID, part: int) -> None:
        with unit_of_work(people.PLATFORM) as session:
            asked = session.get_one(PaymentRequest, request_id).amount
        agreed = asked.minor * part // 100 or (1 if asked.minor > 0 else -1)
        self.act(
            self.organization(), review.approve, operator(), self.organization_id, request_id,
            amount=Money(agreed, "GBP"), reason="agreed",
        )  # fmt: skip

    @rule(request_id=requests)
    def reject(self, request_id: UUID) -> None:
        self.act(self.organization(), review.reject, operator(), self.organization_id, request_id, reason="not ours")

    @rule(chosen=st.lists(requests, min_size=1, max_size=4))
    def approve_many(self, chosen: list[UUID]) -> None:
        self.act(
            self.organization(), review.review_bulk, operator(), self.organization_id, review.Decision.APPROVE,
            ids=chosen,
        )  # fmt: skip

    @rule(request_id=requests)
    def accept(self, request_id: UUID) -> None:
        self.act(self.vendor_scope(request_id), service.accept, self.owner[request_id], request_id)

    @rule(request_id=requests)
    def dispute(self, request_id: UUID) -> None:
        self.act(self.vendor_scope(request_id), service.dispute, self.owner[request_id], request_id, "it was more")

    @rule(request_id=requests)
    def submit_again(self, request_id: UUID) -> None:
        self.act(self.vendor_scope(request_id), service.submit, self.owner[request_id], request_id, even_so=True)

    @rule(request_id=requests)
    def cancel(self, request_id: UUID) -> None:
        self.act(self.vendor_scope(request_id), service.cancel, self.owner[request_id], request_id)

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(limit=st.integers(1, 3))
    def release(self, limit: int) -> None:
        with at(self.now), unit_of_work(people.PLATFORM) as session:
            earnings.release_due(session, self.now, limit)

    @precondition(lambda self: self.owner)
    @rule(request_id=requests)
    def release_early(self, request_id: UUID) -> None:
        with unit_of_work(people.PLATFORM) as session:
            held = session.execute(
                text("SELECT e.id FROM earnings e WHERE e.source_id = :id ORDER BY e.id DESC LIMIT 1"),
                {"id": request_id},
            ).scalar()
        if held is not None:
            self.act(self.organization(), earnings.release_early, operator(), self.organization_id, held, "in a hurry")

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
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
