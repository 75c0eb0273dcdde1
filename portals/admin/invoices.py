"""The invoices of vendors to every organization: the queue, one of them, and a decision through the same service."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, TextAreaField
from wtforms.validators import Length, Optional

from app.audit.models import Audience
from app.core.errors import NotFound
from app.core.money import Money
from app.files import queries as files
from app.files import service as stored
from app.payables import queries, review
from app.payables.states import RequestStatus
from app.payees.states import PayeeKind
from app.reporting import across
from app.reporting.money_map import places_of_requests
from portals.admin import asking, bp
from portals.admin.across import narrowed
from portals.shared.payee.files import download
from portals.shared.timeline import steps
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.forms import MoneyField, OnceForm
from portals.web.htmx import done, page

LONGEST_REASON = 1_000
VIEWS = {
    "submitted": (RequestStatus.SUBMITTED, _l("To approve")),
    "disputed": (RequestStatus.DISPUTED, _l("Disputed")),
    "approved": (RequestStatus.APPROVED, _l("Approved")),
    "rejected": (RequestStatus.REJECTED, _l("Rejected")),
    "all": (None, _l("All")),
}


class DecisionForm(OnceForm):
    """An empty amount means what was asked for; a rejection has none."""

    amount = MoneyField(_l("Amount to approve"), [Optional()], signed=True)
    reason = TextAreaField(
        _l("Reason"), [Optional(), Length(max=LONGEST_REASON)], description=_l("The payee reads it.")
    )
    version = HiddenField()


@bp.get("/vendors/invoices")
def invoices() -> ResponseReturnValue:
    want, chosen = paging.wanted(), narrowed()
    view = request.args.get("status", "submitted")
    view = view if view in VIEWS else "submitted"
    found = across.bills(
        db(), chosen, kind=PayeeKind.VENDOR, status=VIEWS[view][0], cursor=want.cursor, limit=want.limit
    )
    return page(
        "admin/invoices/index.html",
        fragment="admin/invoices/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        places=places_of_requests(db(), [row.id for row in found.items]),
        chosen=chosen,
        view=view,
        views={name: label for name, (_status, label) in VIEWS.items()},
        waiting=0 if htmx.wants_fragment() else across.waiting(db(), PayeeKind.VENDOR),
        organizations=asking.organization_choices(),
        url_with=paging.url_with,
    )


@bp.get("/vendors/invoices/<uuid:request_id>")
def invoice(request_id: UUID) -> ResponseReturnValue:
    row = across.bill(db(), request_id)
    return page(
        "admin/invoices/invoice.html",
        row=row,
        place=places_of_requests(db(), [row.id]).get(row.id),
        asked=Money(row.amount_minor, row.currency),
        agreed=None if row.approved_minor is None else Money(row.approved_minor, row.currency),
        files=files.of_subject(db(), row.id),
        steps=steps(queries.life(db(), row.id, Audience.PLATFORM)),
        open=row.status in (RequestStatus.SUBMITTED, RequestStatus.DISPUTED),
    )


@bp.get("/vendors/invoices/<uuid:request_id>/files/<uuid:file_id>")
def invoice_file(request_id: UUID, file_id: UUID) -> ResponseReturnValue:
    across.bill(db(), request_id)
    found = stored.find(db(), file_id)
    if found.subject_id != request_id:
        raise NotFound(_("There is no such file."))
    return download(found.name, found.content_type, found.storage_key)


@bp.route("/vendors/invoices/<uuid:request_id>/<any(approval, rejection):noun>", methods=["GET", "POST"])
def invoice_decision(request_id: UUID, noun: str) -> ResponseReturnValue:
    """In the organization's place: the same rules, and its people read who decided."""
    row = across.bill(db(), request_id)
    approving = noun == "approval"
    form = DecisionForm(amount=Money(row.amount_minor, row.currency), version=row.version)
    form.amount.currency = row.currency
    if not approving:
        del form.amount
    if form.accepts():
        with form.refusals():
            _decide(row, form, approving)
            said = _("Approved") if approving else _("Rejected")
            return done(back=url_for(".invoice", request_id=request_id), toast=(said, row.payee_name))
    return page(
        "admin/invoices/decision.html",
        fragment="admin/invoices/_decision.html",
        form=form,
        row=row,
        noun=noun,
        asked=Money(row.amount_minor, row.currency),
    )


def _decide(row: Any, form: DecisionForm, approving: bool) -> None:
    text = str(form.version.data or "")
    version = int(text) if text.isdecimal() else None
    reason = form.reason.data or ""
    if approving:
        review.approve(
            db(), g.actor, row.organization_id, row.id, amount=form.amount.data, reason=reason, version=version
        )
    else:
        review.reject(db(), g.actor, row.organization_id, row.id, reason=reason, version=version)
