"""What needs a person of the platform now. Counts stop at 1,001; sums stay apart by currency."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.charges import client_queries
from app.charges.client_models import ChargeReturn
from app.charges.models import Deposit
from app.charges.states import DepositStatus, ReturnKind, ReturnStatus
from app.core.clock import utc_now
from app.db.paging import CAP, AnySelect
from app.payees.application_models import PayeeApplication
from app.payees.states import ApplicationStatus
from app.payouts.models import Attempt, Batch, Export, Payout
from app.payouts.states import AttemptStatus, BatchStatus, ExportStatus, HoldCode, PayoutStatus
from app.reconciliation.models import DeskItem, OpenLine
from app.webhooks.models import EventStatus, WebhookEvent

LATELY = timedelta(days=14)  # an older failure was paid with a later payout, or was left on purpose
NO_ANSWER_AFTER = timedelta(minutes=15)  # an instruction without an answer for that long waits for a person


@dataclass(frozen=True, slots=True)
class Attention:
    """How many of each wait for somebody; above 1,000 means "and more"."""

    pending: int  # payouts to approve outside batches
    second: int  # signed once
    approved: int  # ready to send, outside batches
    held: int  # on hold for review
    waiting_for_funds: int
    failed: int  # lately
    unknown: int  # attempts whose outcome nobody knows
    batches: int  # for a second approval
    drafts: int  # planned, not submitted
    exports: int  # for a second person to release
    deposits: int
    webhooks: int  # events that were not applied
    applications: int  # of people who want to be payees
    refunds: int  # refused ones, and those without an answer
    lines: int  # of bank statements that nobody explained yet
    noticed: int  # payouts that are late, balances that differ

    @property
    def anything(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


def attention(session: Session) -> Attention:
    return Attention(**counts(session, Attention.__slots__))


def counts(session: Session, names: Collection[str]) -> dict[str, int]:
    """Some of the numbers of `Attention`, by name: one statement of short index scans."""
    parts = [
        select(func.count()).select_from(query.limit(CAP + 1).subquery()).scalar_subquery().label(name)
        for name, query in _waiting().items()
        if name in names
    ]
    return dict(session.execute(select(*parts)).one()._mapping)


def _waiting() -> dict[str, AnySelect]:
    payouts: Any = select(Payout.id)
    single = payouts.where(Payout.batch_id.is_(None))
    by_people = [code for code in HoldCode if code is not HoldCode.AWAITING_FUNDS]
    attempts: Any = select(Attempt.id)
    batches: Any = select(Batch.id)
    return {
        "pending": single.where(Payout.status == PayoutStatus.PENDING),
        "second": payouts.where(Payout.first_approved_at.is_not(None)),
        "approved": single.where(Payout.status == PayoutStatus.APPROVED),
        "held": payouts.where(Payout.hold_code.in_(by_people)),
        "waiting_for_funds": payouts.where(Payout.hold_code == HoldCode.AWAITING_FUNDS),
        "failed": payouts.where(
            Payout.status.in_([PayoutStatus.FAILED, PayoutStatus.RETURNED]), Payout.status_at > utc_now() - LATELY
        ),
        "unknown": attempts.where(
            Attempt.export_id.is_(None),
            or_(
                Attempt.status == AttemptStatus.UNKNOWN,
                (Attempt.status == AttemptStatus.SUBMITTED) & (Attempt.created_at < utc_now() - NO_ANSWER_AFTER),
            ),
        ),
        "batches": batches.where(Batch.status == BatchStatus.SUBMITTED),
        "drafts": batches.where(Batch.status == BatchStatus.DRAFT),
        "exports": select(Export.id).where(Export.status == ExportStatus.READY),
        "deposits": select(Deposit.id).where(Deposit.status == DepositStatus.ANNOUNCED),
        "webhooks": select(WebhookEvent.id).where(
            or_(
                WebhookEvent.status == EventStatus.FAILED,
                (WebhookEvent.status == EventStatus.RECEIVED) & (WebhookEvent.created_at < utc_now() - NO_ANSWER_AFTER),
            )
        ),
        "applications": select(PayeeApplication.id).where(PayeeApplication.status == ApplicationStatus.SUBMITTED),
        "refunds": _refunds(),
        "lines": select(OpenLine.line_id),
        "noticed": select(DeskItem.id).where(DeskItem.closed_at.is_(None)),
    }


def _refunds() -> AnySelect:
    silent = select(ChargeReturn.id).where(
        ChargeReturn.kind == ReturnKind.REFUND,
        ChargeReturn._status.in_((ReturnStatus.PENDING, ReturnStatus.UNKNOWN)),
        ChargeReturn.created_at < utc_now() - NO_ANSWER_AFTER,
    )
    both: AnySelect = select(client_queries.refused().union_all(silent).subquery().c.id)
    return both
