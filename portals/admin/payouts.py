"""The payout queue, one payout, and both as files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.audit import queries as history
from app.audit import service as audit
from app.audit.models import Audience
from app.core.clock import today
from app.core.errors import NotFound
from app.core.money import Money
from app.payouts import contradictions, documents, queries, recalls, review, rules, verdicts
from app.payouts.review import ReviewLine
from app.payouts.states import PayoutStatus
from app.pdf import render
from app.rails import registry
from portals.admin import asking, bp, payout_filters
from portals.admin.onward import to_bank
from portals.admin.payout_changes import BULK
from portals.shared.documents import pdf
from portals.shared.downloads import csv_file
from portals.shared.timeline import steps
from portals.web import paging
from portals.web.db import db
from portals.web.formats import masked
from portals.web.forms import OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page

EARNING_KINDS = {
    "bill": _l("Bill"),
    "credit": _l("Credit"),
    "commission": _l("Commission"),
    "booking": _l("Booking"),
    "adjustment": _l("Adjustment"),
    "reversal": _l("Reversal"),
}
COLUMNS = ("id", "doctorId", "doctor_name", "doctor_email", "amount", "currency", "bankDetails", "status")


@bp.get("/payouts")
def payouts() -> ResponseReturnValue:
    queue, want = payout_filters.asked(), paging.wanted()
    chosen = queries.looked_up(db(), queue.chosen)
    found = queries.payouts(db(), chosen, want.cursor, want.limit)
    return page(
        "admin/payouts/index.html",
        fragment="admin/payouts/_queue_part.html",
        found=found,
        lines=review.lines(db(), found.items, g.actor.account_id),
        neighbours=paging.neighbours(found),
        **queue_context(queue, chosen),
    )


def queue_context(queue: payout_filters.Queue, looked_up: queries.PayoutFilter | None = None) -> dict[str, Any]:
    """What tabs, chips and rows need."""
    return {
        "queue": queue,
        **payout_filters.views_context(queue, looked_up),
        "bulk": BULK.get(queue.view, ()),
        "rails": registry.RAILS.values(),
        "organizations": asking.organization_choices,
    }


@bp.get("/payouts.csv")
def payouts_file() -> ResponseReturnValue:
    """The same filter as a file, as long as it is. Destinations stay masked; the download is audited."""
    queue, session = payout_filters.asked(), db()
    audit.record(session, g.actor, "payouts.downloaded", "payout", **{f"filter_{k}": v for k, v in queue.query.items()})

    def rows() -> Iterator[tuple[object, ...]]:
        for row in review.all_payouts(session, queue.chosen):
            yield (
                row.id, row.payee_id, row.payee_name, row.payee_email or "",
                Money(row.amount_minor, row.currency).plain(), row.currency,
                f"{registry.rail(row.rail).label} {masked(row.last4)}", row.status.value.upper(),
            )  # fmt: skip

    return csv_file(COLUMNS, rows(), f"payouts-{queue.view}-{today()}.csv")


def one(payout_id: UUID) -> ReviewLine:
    """One payout as this admin reads it. Raises NotFound."""
    row = queries.payout(db(), payout_id)
    if row is None:
        raise NotFound(_("There is no such payout."))
    return review.lines(db(), [row], g.actor.account_id)[0]


@bp.get("/payouts/<uuid:payout_id>")
def payout(payout_id: UUID) -> ResponseReturnValue:
    line = one(payout_id)
    return page("admin/payouts/payout.html", fragment="admin/payouts/_drawer.html", **details(line))


def details(line: ReviewLine) -> dict[str, Any]:
    """Everything the drawer and the page of one payout show."""
    told = history.timeline(db(), line.id, Audience.PLATFORM)
    return {
        "line": line,
        "items": queries.items(db(), line.id),
        "earning_kinds": EARNING_KINDS,
        "attempts": queries.attempts(db(), line.id),
        "steps": [*steps(told, "payout"), *to_bank(line.row, told)],
        "rail": registry.rail(line.row.rail),
        **_said(line),
        "sent": line.row.status in (PayoutStatus.PROCESSING, PayoutStatus.PAID),
        "rail_label": lambda name: registry.rail(name).label,
        "batch_id": request.args.get("batch", ""),
        "mixed": bool(request.args.get("mixed")),
    }


def _said(line: ReviewLine) -> dict[str, Any]:
    """What a person said became of it, and why this reader may not confirm that ("" when they may)."""
    contradicted = contradictions.open_of(db(), line.id) is not None
    said = verdicts.waiting(db(), line.id) if contradicted or line.row.status is PayoutStatus.PROCESSING else None
    if said is None:
        return {"verdict": None, "contradicted": contradicted}
    against = rules.may_confirm(said.proposed_by_account_id, said.proposed_by, g.actor.account_id, g.actor.label)
    return {"verdict": said, "may_not_confirm": against or "", "contradicted": contradicted}


@bp.get("/payouts/<uuid:payout_id>/remittance.pdf")
def remittance(payout_id: UUID) -> ResponseReturnValue:
    document = documents.remittance(db(), payout_id, g.locale)
    return pdf(document, render.render_remittance, f"remittance-{document.number}")


class RecallForm(OnceForm):
    note = TextAreaField(
        _l("Why"),
        [InputRequired(_l("Say why.")), Length(max=500)],
        description=_l("The payee and the organization read it."),
    )


@bp.route("/payouts/<uuid:payout_id>/recall", methods=["GET", "POST"])
@step_up_required
def recall(payout_id: UUID) -> ResponseReturnValue:
    """Call back a payout its payee has not claimed; the rail is asked by a job."""
    line, form = one(payout_id), RecallForm()
    if form.accepts():
        with form.refusals():
            recalls.ask(db(), g.actor, payout_id, form.note.data)
            return done(
                back=url_for(".payout", payout_id=payout_id),
                toast=(_("Called back"), _("%(rail)s is asked for it now.", rail=line.rail_label)),
            )
    return page("admin/payouts/recall.html", fragment="admin/payouts/_recall.html", form=form, line=line)
