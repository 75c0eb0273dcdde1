"""`/api/v1/admin/payouts`: calculate a month, send one payout; for a signed-in admin."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import g, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Conflict
from app.core.scope import Permission
from app.organizations import queries as organizations
from app.payouts import calculating, runs, service
from portals.api import platform_v1, proved
from portals.web.db import db
from portals.web.jsonio import Body

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


@platform_v1.post("/payouts/generate")
def generate() -> ResponseReturnValue:
    """`{month?: "2026-10", organization?: slug}` → 202 with the runs that were opened; a job works them off.

    Without a month: the one before this one; without an organization: every one that has something to calculate.
    """
    g.actor.require(Permission.BATCH_MANAGE)
    body = Body()
    month, slug = body.text("month", longest=7), body.text("organization", longest=100)
    found = _MONTH.fullmatch(month) if month else None
    if month and not found:
        body.fault("month", _("A month like 2026-10."))
    body.check()
    start = end = None
    if found:
        start = date(int(found[1]), int(found[2]), 1)
        _first, end = calculating.month_before((start + timedelta(days=31)).replace(day=1))
    owners: list[Any] = [organizations.by_slug(db(), slug)] if slug else list(runs.payers(db()))
    opened = []
    for owner in owners:
        run = runs.start(db(), g.actor, owner.id, runs.span_of(owner, start, end))
        opened.append(
            {
                "id": str(run.id),
                "organization": owner.slug,
                "period_start": run.period_start.isoformat(),
                "period_end": run.period_end.isoformat(),
                "status": run.status.value,
            }
        )
    return jsonify(runs=opened), 202


@platform_v1.post("/payouts/<uuid:payout_id>/process")
def process(payout_id: UUID) -> ResponseReturnValue:
    """Hand an approved payout to its rail: 202, a job does it. 409 says why it cannot go now."""
    g.actor.require(Permission.PAYOUT_APPROVE)
    proved()
    outcome = service.send(db(), g.actor, [service.get(db(), payout_id).id])[0]
    if outcome.refused:
        raise Conflict(outcome.refused)
    return jsonify(id=str(payout_id), status=service.get(db(), payout_id).status.value), 202
