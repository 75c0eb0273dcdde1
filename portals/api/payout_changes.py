"""What an admin's program does to payouts: one with PATCH, many at once. Rules are those of the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import g, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Conflict, Forbidden, Invalid, InvalidTransition
from app.core.scope import Permission
from app.db.paging import MAX_LIMIT
from app.methods import queries as methods
from app.payouts import service
from app.payouts.service import Outcome
from app.payouts.states import PayoutStatus
from app.rails import registry
from portals.api import payout_json as shown
from portals.api import platform, proved
from portals.api.payouts import one
from portals.web.db import db
from portals.web.jsonio import Body

MOVES_MONEY = ("approve", "trigger")
ACTIONS = (*MOVES_MONEY, "hold", "release", "cancel", "reject", "retry")


@platform.patch("/payouts/<uuid:payout_id>")
def change_payout(payout_id: UUID) -> ResponseReturnValue:
    """`{action, reason?, provider?}` → 200 with the payout as it is now; 202 for `trigger`, which a job carries out."""
    g.actor.require(Permission.PAYOUT_APPROVE)
    body = Body()
    action, reason, provider = _action(body), body.text("reason", longest=500), body.text("provider", longest=40)
    if provider and provider.upper() not in shown.PROVIDERS:
        body.fault("provider", _("One of %(known)s.", known=", ".join(shown.PROVIDERS)))
    body.check()
    row = one(payout_id)
    if action == "trigger" and provider:
        _check_provider(row, shown.PROVIDERS[provider.upper()])
    _single(action, payout_id, reason)
    return jsonify(shown.one(one(payout_id))), 202 if action == "trigger" else 200


def _action(body: Body) -> str:
    action = body.text("action", required=True, longest=40).lower()
    if action and action not in ACTIONS:
        body.fault("action", _("One of %(known)s.", known=", ".join(ACTIONS)))
    if action in MOVES_MONEY:
        proved()
    return action


def _single(action: str, payout_id: UUID, reason: str) -> None:
    """Raises Conflict for the wrong state, Forbidden for who may not, Invalid for what is missing."""
    if action in MOVES_MONEY:
        do: Callable[..., list[Outcome]] = service.approve if action == "approve" else service.send
        (outcome,) = do(db(), g.actor, [payout_id])
        if outcome.refused:
            raise (Forbidden if outcome.forbidden else Conflict)(outcome.refused)
    elif action in ("release", "retry"):
        (service.release if action == "release" else service.retry)(db(), g.actor, payout_id)
    else:
        said = {"hold": service.hold, "cancel": service.cancel, "reject": service.reject}[action]
        said(db(), g.actor, payout_id, reason)


def _check_provider(row: Any, rail: str) -> None:
    """A payout goes where it was approved to go. Raises InvalidTransition, Conflict, Invalid with what to do."""
    if row.status is not PayoutStatus.APPROVED:
        raise InvalidTransition("payout", row.status, PayoutStatus.PROCESSING)
    if row.rail == rail:
        return
    wanted, present = registry.rail(rail).label, registry.rail(row.rail).label
    has = any(
        method.rail == rail and method.currency in (None, row.currency)
        for method in methods.methods(db(), row.payee_id)
    )
    if has:
        raise Conflict(
            _(
                "It was approved to go out by %(present)s, and an approval holds for one destination. Cancel it, have "
                "%(wanted)s made the payee’s default, and ask for the payout again.",
                present=present,
                wanted=wanted,
            )
        )
    said = _(
        "%(name)s has no %(wanted)s method for %(currency)s. Ask them to add one, or trigger it by %(present)s.",
        name=row.payee_name,
        wanted=wanted,
        currency=row.currency,
        present=present,
    )
    raise Invalid(said, fields={"provider": said})


@platform.post("/payouts/bulk")
def change_payouts() -> ResponseReturnValue:
    """`{payoutIds, action, reason?}` → 200 with one result for each id, in the order given: done, or why not."""
    g.actor.require(Permission.PAYOUT_APPROVE)
    body = Body()
    action, reason, ids = _action(body), body.text("reason", longest=500), _ids(body)
    if action in ("hold", "cancel", "reject") and not reason:
        body.fault("reason", _("Give a reason; the payee reads it."))
    body.check()
    done = service.bulk(db(), g.actor, ids, "send" if action == "trigger" else action, reason)
    outcomes = {outcome.payout_id: outcome for outcome in done}
    return jsonify(results=[_result(payout_id, outcomes.get(payout_id)) for payout_id in ids])


def _ids(body: Body) -> list[UUID]:
    given = list(dict.fromkeys(body.names("payout_ids")))
    try:
        ids = [UUID(one) for one in given]
    except ValueError:
        ids = []
    if not 0 < len(ids) <= MAX_LIMIT:
        body.fault("payout_ids", _("A list of 1 to %(n)s ids.", n=MAX_LIMIT))
    return ids


def _result(payout_id: UUID, outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {"id": str(payout_id), "done": False, "refused": _("There is no such payout."), "note": None}
    return {
        "id": str(payout_id),
        "done": outcome.refused is None,
        "refused": outcome.refused,
        "note": outcome.note or None,
    }
