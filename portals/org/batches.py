"""Batches of the organization, to read: what is paid together and how far it is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.audit import queries as history
from app.audit.models import Audience
from app.core.errors import NotFound
from app.core.scope import Permission
from app.payouts import queries, review
from app.payouts.queries import PayoutFilter, Progress
from app.payouts.rules import payout_number
from app.payouts.states import BatchStatus
from app.rails import registry
from app.reporting.money_map import payout_facts
from app.reporting.rules import place_of_payout
from portals.org import asking, bp
from portals.shared.timeline import steps
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.guards import require
from portals.web.htmx import page

MOVING = (BatchStatus.PLANNING, BatchStatus.RUNNING)


@bp.get("/batches")
@require(Permission.PAYOUT_READ)
def batches() -> ResponseReturnValue:
    want = paging.wanted(25)
    found = queries.batches(db(), g.organization.id, want.cursor, want.limit, own=asking.batches_to_show())
    return page(
        "org/batches/index.html",
        fragment="org/batches/_list.html",
        found=found,
        totals=queries.batch_totals(db(), [row.id for row in found.items]),
        neighbours=paging.neighbours(found),
    )


def _one(batch_id: UUID) -> Any:
    found = review.batch(db(), batch_id)
    if found.organization_id != g.organization.id:
        raise NotFound(_("There is no such batch."))
    if found.own:
        g.actor.require(Permission.ORGANIZATION_EARNINGS)
    return found


def segments(now: Progress) -> list[tuple[int, str, str]]:
    """How a batch's payouts are drawn as one bar."""
    return [
        (now.paid, "green", _("paid")),
        (now.sent, "blue", _("on the way")),
        (now.failed, "red", _("failed")),
        (now.waiting, "violet", _("on hold")),
        (now.queued, "none", _("to send")),
        (now.over, "grey", _("canceled")),
    ]


@bp.get("/batches/<uuid:batch_id>")
@require(Permission.PAYOUT_READ)
def batch(batch_id: UUID) -> ResponseReturnValue:
    found, want = _one(batch_id), paging.wanted()
    chosen = PayoutFilter(organization_id=g.organization.id, batch_id=batch_id)
    payouts = queries.payouts(db(), chosen, want.cursor, want.limit)
    progress = queries.batch_progress(db(), batch_id)
    return page(
        "org/batches/batch.html",
        fragment="org/batches/_payouts.html",
        batch=found,
        progress=progress,
        segments=segments(progress),
        moving=found.status in MOVING,
        rails=queries.batch_rails(db(), batch_id),
        rail_label=lambda name: registry.rail(name).label,
        steps=steps(history.timeline(db(), batch_id, Audience.STAFF), "batch"),
        payouts=payouts,
        neighbours=paging.neighbours(payouts),
        payout_number=payout_number,
        place_of=lambda row: place_of_payout(payout_facts(row)),
    )


@bp.get("/batches/<uuid:batch_id>/progress")
@require(Permission.PAYOUT_READ)
def batch_progress(batch_id: UUID) -> ResponseReturnValue:
    """The bar alone, asked for again while the batch moves; then the page once more."""
    found = _one(batch_id)
    if htmx.wants_fragment() and found.status not in MOVING:
        return htmx.go(url_for(".batch", batch_id=batch_id))
    progress = queries.batch_progress(db(), batch_id)
    return page(
        "org/batches/progress.html",
        fragment="org/batches/_progress.html",
        batch=found,
        progress=progress,
        segments=segments(progress),
        moving=found.status in MOVING,
    )
