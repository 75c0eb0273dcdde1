"""What moves on a batch page: one part, polled while the batch runs and sent back by every change."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import g
from flask_babel import gettext as _

from app.audit import queries as history
from app.audit.models import Audience
from app.core.money import Money
from app.db.paging import AnyRow
from app.payouts import queries, review
from app.payouts.queries import PayoutFilter, Progress
from app.payouts.states import BatchStatus, PayoutStatus
from app.rails import registry
from portals.shared.timeline import steps
from portals.web.db import db
from portals.web.htmx import Fragment, fragment

SHOWN = 20
_COUNTS = ("paid", "sent", "failed", "waiting", "queued", "over")


def live(batch_id: UUID) -> dict[str, Any]:
    """The context of `admin/batches/_live.html`. Raises NotFound."""
    batch, rails = review.batch(db(), batch_id), queries.batch_rails(db(), batch_id)
    progress = Progress(**{name: sum(getattr(row, name) for row in rails) for name in _COUNTS})
    failed = PayoutFilter(statuses=(PayoutStatus.FAILED, PayoutStatus.RETURNED), batch_id=batch_id)
    found = queries.payouts(db(), failed, limit=SHOWN).items if progress.failed else []
    return {
        "batch": batch,
        "progress": progress,
        "rails": rails,
        "rail_of": registry.rail,
        "sums": _by_currency(rails, "amount_minor"),
        "short": _by_currency(rails, "short_minor"),
        "short_count": sum(row.short for row in rails),
        "lost": _by_currency(rails, "failed_minor"),
        "failed": review.lines(db(), found, g.actor.account_id),
        "safe": [row.id for row in found if (row.failure_code or "").startswith("retry:")],
        "steps": steps(history.timeline(db(), batch_id, Audience.PLATFORM), "batch"),
        "by_file": any(registry.rail(row.rail).exports for row in rails),
        "exports": queries.exports(db(), batch_id=batch_id).items,
        "why_not_approve": why_not_approve(batch),
        "polls": polls(batch.status, rails),
        "seen": version(batch.status, rails),
    }


def parts_of(batch_id: UUID) -> list[Fragment]:
    """For `done()`, after a change to the batch or to one of its payouts."""
    return [fragment("admin/batches/_live.html", **live(batch_id))]


def why_not_approve(batch: AnyRow) -> str:
    """Why this admin may not approve the batch, "" when they may; the service decides again."""
    mine = g.actor.account_id in (batch.created_by_account_id, batch.submitted_by_account_id)
    return _("You made or submitted this batch; somebody else has to approve it.") if mine else ""


def polls(status: BatchStatus, rails: Sequence[Any]) -> bool:
    """Whether something moves by itself: planning, a run, or a rail that answers in its own time by a call.

    Bank files and checks take days: they are not waited for.
    """
    called = sum(row.sent for row in rails if not registry.rail(row.rail).exports)
    return status in (BatchStatus.PLANNING, BatchStatus.RUNNING) or (status is BatchStatus.DONE and called > 0)


def version(status: BatchStatus, rails: Sequence[Any]) -> str:
    """Changes when something the part shows changed; the same in two polls means nothing to send."""
    said = [status.value, *[(row.rail, row.currency, *[getattr(row, name) for name in _COUNTS]) for row in rails]]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _by_currency(rails: Sequence[Any], name: str) -> list[Money]:
    """Sums over the rails, one for each currency, without zeros."""
    sums: dict[str, int] = {}
    for row in rails:
        sums[row.currency] = sums.get(row.currency, 0) + getattr(row, name)
    return [Money(minor, currency) for currency, minor in sorted(sums.items()) if minor]
