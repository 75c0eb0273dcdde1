"""The money of orders: what a creator earned by them, and what a refund takes back. One earning an order, one reversal
a change; together they are always the commission on what is left of the order.

The caller acts as the platform and holds the organization's lock on orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text, update

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.earnings import recording
from app.earnings.models import EarningKind, HoldReason
from app.earnings.recording import NewEarning
from app.gateways.shops import ChangeKind, ShopChange
from app.organizations.models import Organization
from app.payees.models import Engagement
from app.sales import rules
from app.sales.models import Order, OrderChange
from app.sales.states import Commission

SOURCE, CHANGE_SOURCE = "order", "order_change"
WHAT = {
    ChangeKind.REFUND: "Refund",
    ChangeKind.CANCEL: "Cancellation",
    ChangeKind.CHARGEBACK: "Chargeback",
}


def earn(session: ScopedSession, actor: Actor, order_ids: Sequence[UUID]) -> None:
    """Commission of those of the orders that earn, held until their return window ends. Repeating it adds nothing."""
    if not order_ids:
        return
    rows = session.execute(
        select(
            Order.id, Order.organization_id, Order.payee_id, Order.number, Order.code, Order.currency,
            Order.basis_minor, Order.refunded_minor, Order.commission_bps, Order.ordered_at,
            Engagement.commission_hold_days,
            Organization.time_zone,
        )
        .join(
            Engagement,
            (Engagement.organization_id == Order.organization_id) & (Engagement.payee_id == Order.payee_id),
        )
        .join(Organization, Organization.id == Order.organization_id)
        .where(Order.id.in_(order_ids), Order.commission == Commission.EARNED)
    ).all()  # fmt: skip
    made, nothing = [], []
    for row in rows:
        minor = rules.commission(row.basis_minor, row.refunded_minor, row.commission_bps)
        if minor == 0:
            nothing.append(row.id)
            continue
        made.append(
            NewEarning(
                organization_id=row.organization_id,
                payee_id=row.payee_id,
                amount=Money(minor, row.currency),
                kind=EarningKind.COMMISSION,
                rule="commission",
                source_kind=SOURCE,
                source_id=row.id,
                earned_on=row.ordered_at.astimezone(ZoneInfo(row.time_zone)).date(),
                description=f"Commission on order {row.number} with {row.code}",
                reference=row.number,
                available_at=rules.available_at(row.ordered_at, row.commission_hold_days),
                hold_reason=HoldReason.RETURN_WINDOW,
                basis_minor=row.basis_minor - row.refunded_minor,
                share_bps=row.commission_bps,
            )
        )
    if nothing:  # all of it went back before it earned
        session.execute(update(Order).where(Order.id.in_(nothing)).values(commission=Commission.NOTHING))
    recording.record_many(session, actor, made)


_EARNED = text(
    """SELECT h.available_at, o.time_zone FROM earnings e JOIN organizations o ON o.id = e.organization_id
    LEFT JOIN held_earnings h ON h.earning_id = e.id
    WHERE e.organization_id = :organization_id AND e.source_kind = 'order' AND e.source_id = :order_id"""
)


def take_back(session: ScopedSession, actor: Actor, order: Order, change: OrderChange) -> None:
    """Note on the order what went back to the buyer, and reverse the commission on that part. `order` is locked.

    A reversal waits as long as the commission does, so that both become payable together.
    """
    said = ShopChange(
        change.external_id, change.order_external_id, change.kind, change.occurred_at, change.lines_minor,
        change.lines_tax_minor, change.gross_minor,
    )  # fmt: skip
    taken = rules.taken_back(
        said, basis_minor=order.basis_minor, total_minor=order.total_minor, lines_hold_tax=order.lines_hold_tax
    )
    before = order.refunded_minor
    change.order_id, change.taken_minor = order.id, min(taken, order.basis_minor - before)
    order.refunded_minor = before + change.taken_minor
    was = order.status
    order.status = rules.status_after(was, change.kind, order.basis_minor, order.refunded_minor)
    session.flush()
    audit.timeline(
        session, actor, "order", order.id, order.status.value, from_state=was.value, note=change.note or None,
        organization_id=order.organization_id, payee_id=order.payee_id,
    )  # fmt: skip
    bps = order.commission_bps or 0
    lost = rules.commission(order.basis_minor, before, bps) - rules.commission(
        order.basis_minor, order.refunded_minor, bps
    )
    if order.commission is not Commission.EARNED or lost == 0 or order.payee_id is None:
        return
    found = session.execute(_EARNED, {"organization_id": order.organization_id, "order_id": order.id}).one()
    day = change.occurred_at.astimezone(ZoneInfo(found.time_zone)).date()
    change.reversal_id = recording.record(
        session, actor, order.organization_id, order.payee_id, Money(-lost, order.currency),
        kind=EarningKind.REVERSAL, rule="commission_reversal", source_kind=CHANGE_SOURCE, source_id=change.id,
        earned_on=day, description=f"{WHAT[change.kind]} of order {order.number}",
        reference=order.number, available_at=found.available_at or utc_now(), hold_reason=HoldReason.RETURN_WINDOW,
    )  # fmt: skip
    session.flush()
