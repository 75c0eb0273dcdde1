"""What one organization has with its payees, and what needs somebody there now. Currencies are never added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, union_all
from sqlalchemy.orm import Session

from app.charges.models import Deposit
from app.charges.states import DepositStatus
from app.consultations.models import Appointment
from app.consultations.profile_models import ConsultantProfile
from app.core.clock import utc_now
from app.core.money import Money
from app.db.paging import CAP, AnyRow, AnySelect
from app.deliverables.models import Deliverable
from app.deliverables.states import DeliverableStatus
from app.ledger.account_lines import AccountLine
from app.ledger.recipes import PAYOUT_FUNDED, PAYOUT_UNFUNDED
from app.organizations.states import OrganizationKind
from app.payables.models import BillImport, PaymentRequest
from app.payables.states import ImportStatus, RequestStatus
from app.payees.application_models import PayeeApplication
from app.payees.models import Payee
from app.payees.states import ApplicationStatus
from app.payouts.models import Payout
from app.payouts.queries import not_own
from app.payouts.states import HoldCode, PayoutStatus
from app.projects.models import Project
from app.projects.states import ProjectStatus
from app.reporting.overview import LATELY
from app.sales.listing import waiting_orders


@dataclass(frozen=True, slots=True)
class Attention:
    """How many of each wait; above 1,000 means "and more"."""

    submitted: int  # bills to approve
    disputed: int  # bills whose payee says no to the changed amount
    imports: int  # files uploaded and not imported
    waiting_for_funds: int  # payouts
    failed: int  # payouts, lately
    announced: int  # deposits the platform has not seen yet
    orders: int  # to claim for a creator, or to decide about
    projects: int  # handed in by contractors
    deliverables: int  # handed in by creators
    applications: int  # of payees who want to work with the organization
    consultants: int  # above zero when it has any: one with a profile, or an appointment that was told of


def has_rates(kind: OrganizationKind, consultants: int) -> bool:
    """Whether it shares bookings by rates: one that only buys does when it has consultants all the same."""
    return kind is not OrganizationKind.BUYER or consultants > 0


def attention(session: Session, organization_id: UUID, *, own: bool = True) -> Attention:
    """One statement of short index scans. Without `own`, payouts to the organization itself do not count."""
    parts = [
        select(func.count()).select_from(query.limit(CAP + 1).subquery()).scalar_subquery().label(name)
        for name, query in _waiting(organization_id, own).items()
    ]
    return Attention(**session.execute(select(*parts)).one()._mapping)


def _waiting(organization_id: UUID, own: bool) -> dict[str, AnySelect]:
    bills: Any = select(PaymentRequest.id).where(PaymentRequest.organization_id == organization_id)
    payouts: Any = select(Payout.id).where(Payout.organization_id == organization_id)
    if not own:
        payouts = payouts.where(not_own())
    failed = payouts.where(Payout.status.in_([PayoutStatus.FAILED, PayoutStatus.RETURNED]))
    return {
        "submitted": bills.where(PaymentRequest.status == RequestStatus.SUBMITTED),
        "disputed": bills.where(PaymentRequest.status == RequestStatus.DISPUTED),
        "orders": waiting_orders(organization_id),
        "projects": select(Project.id).where(
            Project.organization_id == organization_id,
            Project.status == ProjectStatus.SUBMITTED,
            Project.cancelled_at.is_(None),
        ),
        "deliverables": select(Deliverable.id).where(
            Deliverable.organization_id == organization_id, Deliverable.status == DeliverableStatus.SUBMITTED
        ),
        "applications": select(PayeeApplication.id).where(
            PayeeApplication.organization_id == organization_id, PayeeApplication.status == ApplicationStatus.SUBMITTED
        ),
        "imports": select(BillImport.id).where(
            BillImport.organization_id == organization_id, BillImport.status == ImportStatus.UPLOADED
        ),
        "waiting_for_funds": payouts.where(
            Payout.status == PayoutStatus.ON_HOLD, Payout.hold_code == HoldCode.AWAITING_FUNDS
        ),
        "failed": failed.where(Payout.status_at > utc_now() - LATELY),
        "consultants": union_all(
            select(ConsultantProfile.id).where(ConsultantProfile.organization_id == organization_id).limit(1),
            select(Appointment.id).where(Appointment.organization_id == organization_id).limit(1),
        ),
        "announced": select(Deposit.id).where(
            Deposit.organization_id == organization_id, Deposit.status == DepositStatus.ANNOUNCED
        ),
    }


@dataclass(frozen=True, slots=True)
class Position:
    """One currency of an organization: what it has with us, and what its payees are promised.

    `funds` may be below zero, down to −`credit`. `due` may be paid now, `later` is approved and not due yet, `taken`
    is in payouts that funds have not covered yet (`waiting` of it is on hold for that), `sent` is covered and not
    arrived yet. Credits make `due` smaller.
    """

    funds: Money
    credit: Money
    due: Money
    later: Money
    taken: Money
    waiting: Money
    sent: Money
    announced: Money

    @property
    def currency(self) -> str:
        return self.funds.currency

    @property
    def spendable(self) -> Money:
        """Funds and what is left of the credit."""
        return self.funds + self.credit

    @property
    def needed(self) -> Money:
        """What payouts will draw next."""
        return Money(max(self.due.minor, 0) + self.taken.minor, self.currency)

    @property
    def short(self) -> Money:
        return Money(max(self.needed.minor - self.spendable.minor, 0), self.currency)


_POSITIONS = text(
    """WITH kept AS (
        SELECT currency,
            CAST(coalesce(sum(balance_minor) FILTER (WHERE account = 'funds'), 0) AS bigint) AS funds,
            CAST(coalesce(sum(balance_minor) FILTER (WHERE account = 'payee_available'), 0) AS bigint) AS due,
            CAST(coalesce(sum(balance_minor) FILTER (WHERE account = 'payee_held'), 0) AS bigint) AS later,
            CAST(coalesce(sum(balance_minor) FILTER (WHERE account = 'payee_in_transit'), 0) AS bigint) AS moving
        FROM ledger_balances WHERE organization_id = :organization_id GROUP BY currency
    ), taken AS (
        SELECT currency, CAST(sum(amount_minor) AS bigint) AS taken,
            CAST(coalesce(sum(amount_minor) FILTER (WHERE hold_code = 'awaiting_funds'), 0) AS bigint) AS waiting
        FROM payouts WHERE organization_id = :organization_id AND status IN ('pending', 'approved', 'on_hold')
            AND NOT funded GROUP BY currency
    ), coming AS (
        SELECT currency, CAST(sum(amount_minor) AS bigint) AS announced FROM deposits
        WHERE organization_id = :organization_id AND status = 'announced' GROUP BY currency
    ), policy AS (
        SELECT currency, credit_limit_minor FROM funds_policies WHERE organization_id = :organization_id
    ), keys AS (
        SELECT currency FROM organizations WHERE id = :organization_id
        UNION SELECT currency FROM kept UNION SELECT currency FROM taken UNION SELECT currency FROM coming
        UNION SELECT currency FROM policy
    )
    SELECT keys.currency, kept.funds, kept.due, kept.later, kept.moving, taken.taken, taken.waiting, coming.announced,
        policy.credit_limit_minor AS credit
    FROM keys LEFT JOIN kept USING (currency) LEFT JOIN taken USING (currency) LEFT JOIN coming USING (currency)
    LEFT JOIN policy USING (currency)
    ORDER BY keys.currency <> (SELECT currency FROM organizations WHERE id = :organization_id), keys.currency"""
)


def positions(session: Session, organization_id: UUID) -> list[Position]:
    """The organization's own currency first, then every other one it ever used."""
    rows = session.execute(_POSITIONS, {"organization_id": organization_id})
    return [_position(row) for row in rows]


def _position(row: Any) -> Position:
    def money(minor: int | None) -> Money:
        return Money(minor or 0, row.currency)

    return Position(
        funds=money(row.funds),
        credit=money(row.credit),
        due=money(row.due),
        later=money(row.later),
        taken=money(row.taken),
        waiting=money(row.waiting),
        sent=money((row.moving or 0) - (row.taken or 0)),
        announced=money(row.announced),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """What a payee is owed by one organization in one currency."""

    due: Money
    later: Money
    moving: Money
    paid: Money

    @property
    def currency(self) -> str:
        return self.due.currency


_STANDINGS = text(
    """WITH kept AS (
        SELECT currency,
            CAST(coalesce(sum(balance_minor) FILTER (WHERE account = 'payee_available'), 0) AS bigint) AS due,
            CAST(coalesce(sum(balance_minor) FILTER (WHERE account = 'payee_held'), 0) AS bigint) AS later,
            CAST(coalesce(sum(balance_minor) FILTER (WHERE account = 'payee_in_transit'), 0) AS bigint) AS moving
        FROM ledger_balances WHERE organization_id = :organization_id AND payee_id = :payee_id
            AND account IN ('payee_available', 'payee_held', 'payee_in_transit') GROUP BY currency
    ), settled AS (
        SELECT currency, CAST(sum(amount_minor) AS bigint) AS paid FROM payouts
        WHERE payee_id = :payee_id AND organization_id = :organization_id AND status = 'paid' GROUP BY currency
    ), keys AS (
        SELECT currency FROM engagements WHERE organization_id = :organization_id AND payee_id = :payee_id
        UNION SELECT currency FROM kept UNION SELECT currency FROM settled
    )
    SELECT currency, kept.due, kept.later, kept.moving, settled.paid
    FROM keys LEFT JOIN kept USING (currency) LEFT JOIN settled USING (currency) ORDER BY currency"""
)


def standings(session: Session, organization_id: UUID, payee_id: UUID) -> list[Standing]:
    """By currency; a new payee gets zeros in its own."""
    rows = session.execute(_STANDINGS, {"organization_id": organization_id, "payee_id": payee_id})
    return [
        Standing(*(Money(minor or 0, row.currency) for minor in (row.due, row.later, row.moving, row.paid)))
        for row in rows
    ]


def newest_payouts(session: Session, organization_id: UUID, limit: int = 5, *, own: bool = True) -> Sequence[AnyRow]:
    """id, payee_id, payee_name, amount_minor, currency, status, status_at, created_at. Without `own`, none that was
    to the organization itself."""
    found: AnySelect = (
        select(
            Payout.id, Payout.payee_id, Payee.name.label("payee_name"), Payout.amount_minor, Payout.currency,
            Payout.status.label("status"), Payout.status_at, Payout.created_at,
        )
        .join(Payee, Payee.id == Payout.payee_id)
        .where(Payout.organization_id == organization_id)
    )  # fmt: skip
    if not own:
        found = found.where(not_own())
    return session.execute(found.order_by(Payout.created_at.desc(), Payout.id.desc()).limit(limit)).all()


_OF_LINES = text(
    """SELECT p.id, y.name FROM payouts p JOIN payees y ON y.id = p.payee_id
    WHERE p.organization_id = :organization_id AND p.id = ANY(:ids) AND (:own OR y.own_organization_id IS NULL)"""
)


def payouts_of_lines(
    session: Session, organization_id: UUID, lines: Sequence[AccountLine], *, own: bool = True
) -> dict[int, tuple[UUID, str]]:
    """Line of the funds account → the payout it was for and its payee's name; other lines are left out. Without `own`,
    so are those of payouts to the organization itself."""
    ids = {line.id: UUID(line.ref.partition(":")[0]) for line in lines if line.kind in _FUNDED}
    if not ids:
        return {}
    rows = session.execute(_OF_LINES, {"organization_id": organization_id, "ids": list(set(ids.values())), "own": own})
    names = {row.id: row.name for row in rows}
    return {line_id: (payout_id, names[payout_id]) for line_id, payout_id in ids.items() if payout_id in names}


_FUNDED = frozenset({PAYOUT_FUNDED.kind, PAYOUT_UNFUNDED.kind})
