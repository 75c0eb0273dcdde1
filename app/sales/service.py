"""Orders in, commission out. An order is known once by (organization, source, the source's own id).

One order or ten thousand take the same handful of statements. Orders and changes of one organization are written one
after the other (an advisory lock), so that a refund and its order never miss each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.crypto import blind_index
from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.gateways.shops import ShopChange, ShopOrder
from app.payees import rates as dated
from app.payees import rules as payee_rules
from app.payees.states import EngagementStatus
from app.sales import commissions, rules
from app.sales.models import DiscountCode, Order, OrderChange
from app.sales.states import Commission, OrderSource

BUYER = "orders.buyer"
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Recorded:
    """`new` orders were written; `known` were there; `without_code` concern nobody and are not kept."""

    new: int
    known: int
    without_code: int


@dataclass(frozen=True, slots=True)
class _Code:
    """A code as orders of this moment find it. `bps` is the rate of now, `rates` are those of each day."""

    id: UUID
    payee_id: UUID
    usable: bool
    bps: int
    rates: dated.Dated
    buyer_indexes: frozenset[str]


def buyer_index(email: str) -> str | None:
    """What is kept of a buyer: equal for equal mailboxes, and telling nothing else."""
    found = rules.person(email)
    return blind_index(found, BUYER) if found else None


def record_orders(
    session: ScopedSession, actor: Actor, organization_id: UUID, source: OrderSource, orders: Sequence[ShopOrder]
) -> Recorded:
    """Write paid orders down; those with a usable code earn commission at once, at the rate of the day they
    were placed, however late they are told.

    Raises Forbidden. Orders known already are left as they are, whatever they say now.
    """
    actor.require(Permission.SALES_RECORD)
    actor.require_organization(organization_id)
    once = {order.external_id: order for order in reversed(orders) if order.codes}
    without = sum(not order.codes for order in orders)
    with session.elevated("orders, after the permission check"):
        locks.hold(session, "orders of", organization_id)
        codes = _codes(session, organization_id, {code for order in once.values() for code in order.codes})
        rows = [_row(organization_id, source, order, codes) for order in once.values()]
        made = _insert(session, rows)
        commissions.earn(session, actor, [row["id"] for row in rows if row["id"] in made])
        _adopt(session, actor, organization_id, source, made)
    return Recorded(len(made), len(orders) - without - len(made), without)


def _codes(session: ScopedSession, organization_id: UUID, written: Iterable[str]) -> dict[str, _Code]:
    """Codes of the organization by their lower-case text, with the mailboxes of the creator behind each."""
    rows = session.execute(
        _CODES, {"organization_id": organization_id, "codes": sorted({code.lower() for code in written})}
    ).all()
    rates = dated.dated(session, organization_id, {row.payee_id for row in rows})
    return {
        row.code: _Code(
            row.id,
            row.payee_id,
            row.active and row.status == EngagementStatus.ACTIVE.value,
            row.commission_bps,
            rates.get(row.payee_id, ()),
            frozenset(filter(None, (buyer_index(email) for email in row.emails))),
        )
        for row in rows
    }


_CODES = text(
    """SELECT lower(d.code) AS code, d.id, d.payee_id, d.active, g.status, g.commission_bps,
        array_remove(array_agg(a.email) || min(p.email), NULL) AS emails
    FROM discount_codes d
    JOIN engagements g ON g.organization_id = d.organization_id AND g.payee_id = d.payee_id
    JOIN payees p ON p.id = d.payee_id LEFT JOIN accounts a ON a.payee_id = d.payee_id
    WHERE d.organization_id = :organization_id AND lower(d.code) = ANY(:codes)
    GROUP BY d.id, g.status, g.commission_bps"""
)


def _row(organization_id: UUID, source: OrderSource, order: ShopOrder, codes: dict[str, _Code]) -> dict[str, Any]:
    """The first code that is somebody's counts; else the first that was typed waits to be claimed."""
    typed = next((code for code in order.codes if code.lower() in codes), order.codes[0])
    found, buyer = codes.get(typed.lower()), order.buyer_index or buyer_index(order.buyer_email)
    bps = found and payee_rules.rate_at(found.rates, order.ordered_at)
    return {
        "id": new_id(),
        "organization_id": organization_id,
        "payee_id": found and found.payee_id,
        "source": source,
        "external_id": order.external_id,
        "number": order.number,
        "code": typed,
        "discount_code_id": found and found.id,
        "currency": order.basis.currency,
        "basis_minor": order.basis.minor,
        "total_minor": order.total.minor,
        "lines_hold_tax": order.lines_hold_tax,
        "buyer_index": buyer,
        "ordered_at": order.ordered_at,
        "commission": _first_state(found, buyer, order.basis.minor, bps or 0),
        "commission_bps": bps,
        "created_at": utc_now(),
    }


def _first_state(found: _Code | None, buyer: str | None, basis_minor: int, bps: int) -> Commission:
    if found is None:
        return Commission.UNKNOWN_CODE
    if not found.usable:
        return Commission.NOT_ACTIVE
    if buyer is not None and buyer in found.buyer_indexes:
        return Commission.SELF_REFERRAL
    return Commission.EARNED if rules.commission(basis_minor, 0, bps) else Commission.NOTHING


def _insert(session: ScopedSession, rows: list[dict[str, Any]]) -> dict[UUID, str]:
    """New rows' ids with their source's ids; those known already are left out."""
    if not rows:
        return {}
    made = session.execute(
        insert(Order)
        .on_conflict_do_nothing(index_elements=["organization_id", "source", "external_id"])
        .returning(Order.id, Order.external_id),
        rows,
    )
    return {row.id: row.external_id for row in made}


def _adopt(
    session: ScopedSession, actor: Actor, organization_id: UUID, source: OrderSource, made: dict[UUID, str]
) -> None:
    """Changes that came before their order take effect now."""
    waiting = session.scalars(
        select(OrderChange)
        .where(
            OrderChange.organization_id == organization_id,
            OrderChange.source == source,
            OrderChange.order_id.is_(None),
            OrderChange.order_external_id.in_(made.values()),
        )
        .order_by(OrderChange.id)
    ).all()
    if waiting:
        by_external = {external_id: order_id for order_id, external_id in made.items()}
        for change in waiting:
            order = session.get_one(Order, by_external[change.order_external_id], with_for_update=True)
            commissions.take_back(session, actor, order, change)


def record_change(
    session: ScopedSession, actor: Actor, organization_id: UUID, source: OrderSource, change: ShopChange
) -> bool:
    """Write a refund, cancellation or chargeback down, with the reversal that follows; False when it is known.

    Before its order it waits for it. Raises Forbidden.
    """
    actor.require(Permission.SALES_RECORD)
    actor.require_organization(organization_id)
    with session.elevated("a change of an order, after the permission check"):
        locks.hold(session, "orders of", organization_id)
        change_id = session.scalar(
            insert(OrderChange)
            .values(
                id=new_id(), organization_id=organization_id, source=source, created_at=utc_now(),
                order_external_id=change.order_external_id, external_id=change.external_id, kind=change.kind,
                occurred_at=change.occurred_at, lines_minor=change.lines_minor,
                lines_tax_minor=change.lines_tax_minor, gross_minor=change.gross_minor, note=change.note,
            )
            .on_conflict_do_nothing(
                index_elements=["organization_id", "source", "order_external_id", "external_id"]
            )
            .returning(OrderChange.id)
        )  # fmt: skip
        if change_id is None:
            return False
        order = session.scalar(
            select(Order)
            .where(
                Order.organization_id == organization_id,
                Order.source == source,
                Order.external_id == change.order_external_id,
            )
            .with_for_update()
        )
        if order is not None:
            commissions.take_back(session, actor, order, session.get_one(OrderChange, change_id))
    return True


def claim(session: ScopedSession, actor: Actor, organization_id: UUID, code_id: UUID) -> int:
    """Give orders that wait for this code to its creator, at the rate of now; returns how many earn.

    Those that came while the creator was not active are taken along once they are. Raises Forbidden, NotFound, and
    Conflict while nothing can be earned.
    """
    actor.require(Permission.SALES_MANAGE)
    actor.require_organization(organization_id)
    with session.elevated("a claim, after the permission check"):
        locks.hold(session, "orders of", organization_id)
        code = session.scalar(
            select(DiscountCode).where(DiscountCode.id == code_id, DiscountCode.organization_id == organization_id)
        )
        if code is None:
            raise NotFound("There is no such code.")
        found = _codes(session, organization_id, [code.code])[code.code.lower()]
        if not found.usable:
            raise Conflict("The code or its creator is not active. Switch them on first.")
        if found.bps == 0:
            raise Conflict("The creator's commission is 0 %. Set the rate first.")
        earned = _claim(session, organization_id, code, found)
        commissions.earn(session, actor, earned)
        claimed = {"ids": earned, "now": utc_now(), "actor": actor.label, "note": f"Claimed with the code {code.code}"}
        session.execute(_CLAIMED, claimed)
    audit.record(
        session, actor, "orders.claimed", "discount_code", code_id, organization_id=organization_id,
        code=code.code, payee_id=found.payee_id, orders=len(earned),
    )  # fmt: skip
    return len(earned)


_CLAIMED = text(
    """INSERT INTO timeline_events
        (organization_id, payee_id, subject_kind, subject_id, at, actor, from_state, to_state, note)
    SELECT organization_id, payee_id, 'order', id, :now, :actor, status, status, :note
    FROM orders WHERE id = ANY(:ids)"""
)


def _claim(session: ScopedSession, organization_id: UUID, code: DiscountCode, found: _Code) -> list[UUID]:
    waiting = (Commission.UNKNOWN_CODE, Commission.NOT_ACTIVE)
    mine = Order.buyer_index.in_(found.buyer_indexes)
    changed = session.execute(
        update(Order)
        .where(
            Order.organization_id == organization_id,
            func.lower(Order.code) == code.code.lower(),
            Order.commission.in_(waiting),
        )
        .values(
            payee_id=found.payee_id,
            discount_code_id=found.id,
            commission_bps=func.coalesce(Order.commission_bps, found.bps),
            commission=text("CASE WHEN buyer_index = ANY(:mine) THEN 'self_referral' ELSE 'earned' END").bindparams(
                mine=sorted(found.buyer_indexes)
            ),
        )
        .returning(Order.id, mine.label("own")),
        execution_options={"synchronize_session": False},
    ).all()
    return [row.id for row in changed if not row.own]


def decide_self_referral(
    session: ScopedSession, actor: Actor, organization_id: UUID, order_id: UUID, *, earns: bool, reason: str
) -> Order:
    """A creator bought with their own code: let it earn after all, or not.

    Raises Forbidden, NotFound, Invalid without a reason, Conflict when there is nothing to decide.
    """
    actor.require(Permission.SALES_MANAGE)
    actor.require_organization(organization_id)
    said = " ".join(reason.split())
    if not said or len(said) > LONGEST_REASON:
        sentence = f"Say why, in at most {LONGEST_REASON} letters."
        raise Invalid(sentence, fields={"reason": sentence})
    with session.elevated("a decision about an order, after the permission check"):
        locks.hold(session, "orders of", organization_id)
        order = session.scalar(
            select(Order).where(Order.id == order_id, Order.organization_id == organization_id).with_for_update()
        )
        if order is None:
            raise NotFound("There is no such order.")
        if order.commission is not Commission.SELF_REFERRAL:
            raise Conflict("There is nothing to decide about this order, or somebody has decided already.")
        order.commission, order.reason = (Commission.EARNED if earns else Commission.DISMISSED), said
        session.flush()
        if earns:
            commissions.earn(session, actor, [order_id])
        kept = order.status.value
        audit.timeline(
            session, actor, "order", order_id, kept, from_state=kept, organization_id=organization_id,
            payee_id=order.payee_id, note=f"{'The commission is given' if earns else 'No commission'}: {said}",
        )  # fmt: skip
    audit.record(
        session, actor, "order.self_referral_decided", "order", order_id, organization_id=organization_id,
        earns=earns, reason=said,
    )  # fmt: skip
    return order
