"""Handing payouts to a rail: claim and commit, call, record. Jobs orchestrate; nothing here calls a network.

The key and request hash of an attempt are committed before the call. Whatever happens to the process then, the next
run finds the attempt, looks it up at the rail by its key, and sends it again under the same key only when the rail
never saw it (decision 12).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.crypto import CannotOpen, open_sealed
from app.core.money import Money
from app.core.scope import SYSTEM, Actor
from app.methods.service import seal_context
from app.payouts import content, contradictions, engagements, payers
from app.payouts.moves import move
from app.payouts.rules import HOLD_TEXT, arrival, payout_number, request_sha256, send_key
from app.payouts.states import HoldCode, PayoutStatus
from app.rails import registry
from app.rails.access import Mode, standing
from app.rails.base import SendOrder


@dataclass(frozen=True, slots=True)
class Chunk:
    """A slice of a batch as its job sees it."""

    id: UUID
    batch_id: UUID
    organization_id: UUID
    rail: str
    currency: str
    payout_ids: Sequence[UUID]


_CHUNK = text(
    """SELECT c.id, c.batch_id, c.organization_id, c.rail, c.currency, c.first_payout_id, c.last_payout_id
    FROM batch_chunks c JOIN batches b ON b.id = c.batch_id
    WHERE c.id = :id AND c.done_at IS NULL AND b.status = 'running'"""
)
_CHUNK_PAYOUTS = text(
    """SELECT id FROM payouts WHERE batch_id = :batch_id AND rail = :rail AND currency = :currency
    AND id BETWEEN :first AND :last AND status IN ('approved', 'processing') ORDER BY id"""
)


def chunk(session: Session, chunk_id: UUID) -> Chunk | None:
    """None when it is done, or its batch is paused or over."""
    row = session.execute(_CHUNK, {"id": chunk_id}).one_or_none()
    if row is None:
        return None
    ids = session.execute(
        _CHUNK_PAYOUTS,
        {
            "batch_id": row.batch_id,
            "rail": row.rail,
            "currency": row.currency,
            "first": row.first_payout_id,
            "last": row.last_payout_id,
        },
    ).scalars()
    return Chunk(row.id, row.batch_id, row.organization_id, row.rail, row.currency, list(ids))


_ORDERS = f"""SELECT p.id, p.amount_minor, p.currency, p.rail, p.attempt_number, p.organization_id, p.payee_id,
    p.method_id, m.details_sealed,
    CASE WHEN m.unusable_because IS NULL THEN m.status ELSE 'disabled' END AS method_status,
    y.name AS payee_name, {payers.NAME} AS payer_name
    FROM payouts p JOIN methods m ON m.id = p.method_id JOIN payees y ON y.id = p.payee_id
    JOIN organizations o ON o.id = p.organization_id WHERE p.id = ANY(:ids)"""


def _order(row: Any, key: str, call: str = "") -> SendOrder:
    return SendOrder(
        key=key,
        payout_id=row.id,
        amount=Money(row.amount_minor, row.currency),
        payee_name=row.payee_name,
        destination=open_sealed(row.details_sealed, seal_context(row.method_id)),
        reference=f"{row.payer_name[:20]} {payout_number(row.id)}",
        call=call,
    )


def in_calls(orders: Sequence[SendOrder], rails: Mapping[UUID, str]) -> list[SendOrder]:
    """The orders, each with the key of its call: of one rail and currency, as many as the rail takes at once.

    The key is that of the call's first order, so it is as unique as they are.
    """
    together: dict[tuple[str, str], list[SendOrder]] = {}
    for order in orders:
        together.setdefault((rails[order.payout_id], order.amount.currency), []).append(order)
    made = []
    for (name, _currency), found in together.items():
        chunk = registry.rail(name).chunk
        for start in range(0, len(found), chunk):
            part = found[start : start + chunk]
            made += [replace(order, call=part[0].key) for order in part]
    return made


_ATTEMPTS = text(
    """INSERT INTO payout_attempts
        (organization_id, payee_id, payout_id, number, rail, key, call, request_sha256, payee_name, reference, status,
        created_at)
    SELECT p.organization_id, p.payee_id, p.id, p.attempt_number + 1, p.rail, n.key, n.call, n.sha256, n.payee_name,
        n.reference, 'submitted', :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[]), CAST(:calls AS text[]), CAST(:hashes AS text[]),
        CAST(:names AS text[]), CAST(:references AS text[])) AS n (id, key, call, sha256, payee_name, reference)
    JOIN payouts p ON p.id = n.id"""
)
_COUNT_ATTEMPT = text("UPDATE payouts SET attempt_number = attempt_number + 1 WHERE id = ANY(:ids)")


def claim(session: Session, actor: Actor, ids: Sequence[UUID]) -> list[SendOrder]:
    """Take approved, funded payouts to processing and write their attempts; commit before calling the rail.

    A payout whose content no approval covers any more, whose method is gone, or whose engagement is suspended goes on
    hold instead.
    """
    lock = text(
        """SELECT id FROM payouts WHERE id = ANY(:ids) AND status = 'approved' AND funded
        ORDER BY id FOR UPDATE SKIP LOCKED"""
    )
    ready = list(session.execute(lock, {"ids": list(ids)}).scalars())
    held = set(engagements.hold(session, actor, engagements.suspended(session, ready)))
    ready = [payout_id for payout_id in ready if payout_id not in held]
    kept_back = _off(session, actor, ready) | _paid_before(session, actor, ready)
    ready = [payout_id for payout_id in ready if payout_id not in kept_back]
    changed = set(content.changed_since_approval(session, ready))
    _hold(session, actor, sorted(changed), HoldCode.METHOD_CHANGED)
    orders: list[SendOrder] = []
    unusable: list[UUID] = []
    rows = session.execute(text(f"{_ORDERS} ORDER BY p.id FOR UPDATE OF p"), {"ids": ready}).all()
    for row in rows:
        if row.id in changed:
            continue
        try:
            if row.method_status != "active":
                raise CannotOpen("disabled")
            orders.append(_order(row, send_key(row.id, row.attempt_number + 1)))
        except CannotOpen:
            unusable.append(row.id)
    _hold(session, actor, unusable, HoldCode.NO_METHOD)
    orders = in_calls(orders, {row.id: row.rail for row in rows})
    _write_attempts(session, actor, orders)
    return orders


def _off(session: Session, actor: Actor, ids: Sequence[UUID]) -> set[UUID]:
    """Those whose rail does not work in this deployment, now on hold: nothing is ever sent in its place."""
    off = [name for name, rail in registry.RAILS.items() if standing(rail).mode is Mode.OFF]
    query = text("SELECT id FROM payouts WHERE id = ANY(:ids) AND rail = ANY(:names)")
    found = list(session.execute(query, {"ids": list(ids), "names": off}).scalars()) if off else []
    _hold(session, actor, found, HoldCode.RAIL_OFF)
    return set(found)


def _paid_before(session: Session, actor: Actor, ids: Sequence[UUID]) -> set[UUID]:
    """Those that may pay what was paid before, now on hold until people have said what happened."""
    found = contradictions.same_money(session, ids)
    move(
        session, actor, sorted(found), PayoutStatus.ON_HOLD, note=HOLD_TEXT[HoldCode.REVIEW],
        hold_code=HoldCode.REVIEW, hold_note=contradictions.MAYBE_PAID,
    )  # fmt: skip
    return found


def _hold(session: Session, actor: Actor, ids: Sequence[UUID], code: HoldCode) -> None:
    move(session, actor, ids, PayoutStatus.ON_HOLD, note=HOLD_TEXT[code], hold_code=code)


def _write_attempts(session: Session, actor: Actor, orders: Sequence[SendOrder]) -> None:
    if not orders:
        return
    ids = [order.payout_id for order in orders]
    _note_opened(session, actor, "sending", ids)
    session.execute(
        _ATTEMPTS,
        {
            "ids": ids,
            "keys": [order.key for order in orders],
            "calls": [order.call for order in orders],
            "hashes": [request_sha256(order) for order in orders],
            "names": [order.payee_name for order in orders],
            "references": [order.reference for order in orders],
            "now": utc_now(),
        },
    )
    session.execute(_COUNT_ATTEMPT, {"ids": ids})
    rails = session.execute(text("SELECT DISTINCT rail FROM payouts WHERE id = ANY(:ids)"), {"ids": ids}).scalars()
    for name in rails.all():
        rail = registry.rail(name)
        of_rail = session.execute(
            text("SELECT id FROM payouts WHERE id = ANY(:ids) AND rail = :rail"), {"ids": ids, "rail": name}
        ).scalars()
        move(
            session,
            actor,
            list(of_rail),
            PayoutStatus.PROCESSING,
            note=f"Handed to {rail.label}; usually {rail.settles_in}.",
            expected_on=arrival(utc_now().date(), rail.settles_days),
        )


def _note_opened(session: Session, actor: Actor, purpose: str, payout_ids: Sequence[UUID]) -> None:
    """Every opening of sealed destinations is on the audit trail (decision 20): one line for all of them."""
    audit.record(
        session, actor, "methods.opened", "payout", None, purpose=purpose, count=len(payout_ids),
        payouts=[str(payout_id) for payout_id in payout_ids],
    )  # fmt: skip


_UNANSWERED = """SELECT a.key, a.call, a.request_sha256, a.payout_id, a.rail, a.rail_reference, a.created_at,
    a.payee_name, a.reference FROM payout_attempts a
    WHERE a.status IN ('submitted', 'unknown') AND a.export_id IS NULL AND {which}
    ORDER BY a.payout_id FOR UPDATE OF a SKIP LOCKED"""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An attempt whose outcome we do not know: look it up by `key`, or by what the rail called it.

    `order`: what to send again under the same keys where the rail never saw it; None where that is not safe, because
    the request is not what it was or the rail has forgotten its keys by now.
    """

    key: str
    rail: str
    order: SendOrder | None
    reference: str = ""


_OPEN_CALLS = text(
    """SELECT o.call, count(*) AS orders, array_agg(o.payout_id) AS ids FROM payout_attempts o
    WHERE o.status IN ('submitted', 'unknown') AND o.export_id IS NULL AND o.call IN (SELECT a.call
        FROM payout_attempts a WHERE a.payout_id = ANY(:ids) AND a.status IN ('submitted', 'unknown'))
    GROUP BY o.call"""
)


def unanswered(session: Session, ids: Sequence[UUID]) -> list[Unanswered]:
    """Attempts of these payouts that an earlier run left without an answer, and all that went out in their calls.

    A rail that dedupes whole calls would take a part of one for the whole: a call some of whose attempts another
    worker has at this moment is left to that one.
    """
    calls = {row.call: row for row in session.execute(_OPEN_CALLS, {"ids": list(ids)})}
    wanted = set(ids).union(*(row.ids for row in calls.values()))
    query = text(_UNANSWERED.format(which="a.payout_id = ANY(:ids)"))
    rows = session.execute(query, {"ids": list(wanted)}).all()
    held = Counter(row.call for row in rows)
    split = {call for call, row in calls.items() if held[call] < row.orders}
    return _rebuild(session, [row for row in rows if row.call is None or row.call not in split])


def _rebuild(session: Session, attempts: Sequence[Any]) -> list[Unanswered]:
    rows = session.execute(text(f"{_ORDERS} ORDER BY p.id"), {"ids": [one.payout_id for one in attempts]}).all()
    if rows:
        _note_opened(session, SYSTEM, "look-up", [row.id for row in rows])
    payouts = {row.id: row for row in rows}
    return [
        Unanswered(one.key, one.rail, _as_it_went_out(payouts[one.payout_id], one), one.rail_reference or "")
        for one in attempts
    ]


def _as_it_went_out(row: Any, attempt: Any) -> SendOrder | None:
    """The same request once more. None where it is not the same, or too old for the rail to know its key."""
    kept = registry.rail(attempt.rail).keys_kept
    if kept is not None and utc_now() - attempt.created_at >= kept:
        return None
    try:
        order = _order(row, attempt.key, attempt.call or attempt.key)
    except CannotOpen:
        return None
    # Names may change between two calls; what was written down counts.
    order = replace(
        order, again=True, payee_name=attempt.payee_name or order.payee_name,
        reference=attempt.reference or order.reference,
    )  # fmt: skip
    return order if request_sha256(order) == attempt.request_sha256 else None


def mark_unknown(session: Session, keys: Sequence[str], message: str) -> None:
    """The call ended without an answer: unknown is a state of its own, shown as such."""
    session.execute(
        text(
            """UPDATE payout_attempts SET status = 'unknown', error_message = :message
            WHERE key = ANY(:keys) AND status = 'submitted'"""
        ),
        {"keys": list(keys), "message": message},
    )


def on_export_rails(session: Session, ids: Sequence[UUID]) -> list[UUID]:
    """Those of `ids` that are paid by a file or on paper."""
    names = [name for name, rail in registry.RAILS.items() if rail.exports]
    query = text("SELECT id FROM payouts WHERE id = ANY(:ids) AND rail = ANY(:names)")
    return list(session.execute(query, {"ids": list(ids), "names": names}).scalars())


def rails_of(session: Session, orders: Sequence[SendOrder]) -> dict[str, list[SendOrder]]:
    """Orders by the name of their rail."""
    query = text("SELECT id, rail FROM payouts WHERE id = ANY(:ids)")
    rails = {row.id: row.rail for row in session.execute(query, {"ids": [order.payout_id for order in orders]})}
    result: dict[str, list[SendOrder]] = {}
    for order in orders:
        result.setdefault(rails[order.payout_id], []).append(order)
    return result


def known_keys(session: Session, keys: Sequence[str]) -> set[str]:
    """Those of `keys` that are attempts of ours."""
    query = text("SELECT key FROM payout_attempts WHERE key = ANY(:keys)")
    return set(session.execute(query, {"keys": list(keys)}).scalars())
