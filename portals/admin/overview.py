"""What needs a person now."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.payouts import queries, review
from app.payouts.queries import PayoutFilter
from app.reporting.overview import attention
from portals.admin import asking, bp
from portals.web.db import db
from portals.web.htmx import page


@bp.get("/")
def overview() -> ResponseReturnValue:
    latest = queries.batches(db(), limit=6).items
    return page(
        "admin/overview/index.html",
        waiting=attention(db()),
        capped=asking.capped,
        to_approve=review.totals(db(), review.in_view("open", PayoutFilter(single=True))),
        to_send=review.totals(db(), review.in_view("approved", PayoutFilter(single=True))),
        batches=latest,
        totals=queries.batch_totals(db(), [row.id for row in latest]),
    )
