"""Balances, the list of everything earned and paid, and withdrawals."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.payouts import queries, service
from app.payouts.rules import payout_number
from app.reporting import balances, money_map
from app.reporting.balances import Balance
from app.reporting.money_map import Line, Tab
from app.reporting.rules import Place
from portals.shared.payee import payers
from portals.shared.payee.payments import year_start
from portals.web.asked import word
from portals.web.db import db
from portals.web.jsonio import Body, amount, cursor, limit, listed


def payments() -> ResponseReturnValue:
    """`balances` by organization and currency, `data` newest first; `tab` and `organization` (a slug) narrow it."""
    payer = payers.chosen()
    organization_id = payer.organization_id if payer else None
    found = money_map.lines(
        db(), g.actor.payee_id, tab=word(Tab, "tab") or Tab.ALL, organization_id=organization_id,
        cursor=cursor(), limit=limit(),
    )  # fmt: skip
    owed = balances.balances(db(), g.actor.payee_id, year_start())
    shown = [_balance(one) for one in owed if organization_id in (None, one.organization_id)]
    return listed(found, [line_json(line) for line in found.items], balances=shown)


def _balance(one: Balance) -> dict[str, Any]:
    return {
        "organization": one.organization_slug,
        "organizationName": one.organization_name,
        "available": amount(one.available),
        "pending": amount(one.pending),
        "nextReadyAt": one.next_ready_at.isoformat() if one.next_ready_at else None,
        "inReview": amount(one.in_review),
        "inTransit": amount(one.in_transit),
        "arrivesOn": one.arrives_on.isoformat() if one.arrives_on else None,
        "paidThisYear": amount(one.paid),
    }


def line_json(line: Line) -> dict[str, Any]:
    """`amount` is signed as the balance sees it; `place` says where the money is."""
    return {
        "kind": line.kind,
        "id": str(line.id),
        "organizationName": line.organization_name,
        "at": line.at.isoformat(),
        "on": line.on.isoformat(),
        "title": line.title,
        "reference": line.reference,
        "amount": amount(line.amount),
        "asked": amount(line.asked),
        "place": place_json(line.place),
    }


def place_json(place: Place) -> dict[str, Any]:
    return {
        "bucket": place.bucket.value,
        "state": place.state,
        "reason": place.reason,
        "cure": place.cure,
        "nextOn": place.next_on.isoformat() if place.next_on else None,
        "payoutId": str(place.payout_id) if place.payout_id else None,
    }


def withdrawals() -> ResponseReturnValue:
    """`{organization, amount}` → 201; without an amount all that is available in `currency`."""
    body = Body()
    slug = body.text("organization")
    mine = payers.mine()
    payer = payers.by_slug(slug) if slug or len(mine) != 1 else mine[0]
    wanted = body.money(currency=payer.currency) if body.has("amount") or body.has("amount_minor") else None
    code = wanted.currency if wanted else body.text("currency", longest=3, default=payer.currency)
    body.check()
    payout = service.withdraw(db(), g.actor, organization_id=payer.organization_id, currency=code, amount=wanted)
    return jsonify(_payout(payout)), 201


def payouts() -> ResponseReturnValue:
    """Every payout to the payee, newest first; `organization` (a slug) narrows it."""
    payer = payers.chosen()
    chosen = queries.PayoutFilter(payee_id=g.actor.payee_id, organization_id=payer.organization_id if payer else None)
    found = queries.payouts(db(), chosen, cursor(), limit())
    return listed(found, [_in_list(row) for row in found.items])


def _in_list(row: Any) -> dict[str, Any]:
    return _payout(row) | {
        "organizationName": row.organization_name,
        "method": row.method_label,
        "methodLast4": row.last4,
        "paidAt": row.paid_at.isoformat() if row.paid_at else None,
    }


def withdrawal(payout_id: Any) -> ResponseReturnValue:
    found = queries.payout(db(), payout_id)
    if found is None or found.payee_id != g.actor.payee_id:
        raise NotFound("There is no such payout.")
    place = money_map.place_of_payout(money_map.payout_facts(found))
    return jsonify(_payout(found) | {"place": place_json(place)})


def _payout(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "number": payout_number(row.id),
        "status": str(row.status).upper(),
        "amount": {"amountMinor": row.amount_minor, "currency": row.currency},
        "createdAt": row.created_at.isoformat(),
    }


def mount(bp: Blueprint) -> None:
    bp.get("/payments")(payments)
    bp.post("/payments/withdrawals")(withdrawals)
    bp.get("/payments/withdrawals/<uuid:payout_id>")(withdrawal)
    mount_payouts(bp)


def mount_payouts(bp: Blueprint) -> None:
    bp.get("/payouts")(payouts)
