"""Decisions on one bill: approve, approve another amount, reject, pay before the terms have passed."""

from __future__ import annotations

from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from app.core.errors import Conflict
from app.core.money import Money
from app.core.scope import Permission
from app.earnings import service as earnings
from app.payables import queries, review
from app.payables.models import PaymentRequest
from portals.org import bill_filters, bill_lines, bp
from portals.org.asking import house_money
from portals.web.db import db
from portals.web.forms import MoneyField, OnceForm
from portals.web.guards import require
from portals.web.htmx import done, fragment, is_htmx, page

LONGEST_REASON = 1_000


class ApprovalForm(OnceForm):
    """The bare button sends no amount and means what was asked for; the form was opened to say another one."""

    amount = MoneyField(_l("Amount to approve"), signed=True)
    reason = TextAreaField(
        _l("Reason"),
        [Optional(), Length(max=LONGEST_REASON)],
        description=_l("Needed when you change the amount. The payee reads it and has at least 3 days to dispute it."),
    )
    version = HiddenField()

    def validate_amount(self, field: MoneyField) -> None:
        if field.raw_data and field.data is None:
            raise ValidationError(_("Enter an amount."))


class ReasonForm(OnceForm):
    reason = TextAreaField(
        _l("Reason"),
        [InputRequired(_l("Give a reason.")), Length(max=LONGEST_REASON)],
        description=_l("The payee reads it."),
    )
    version = HiddenField()


@bp.route("/bills/<uuid:request_id>/approval", methods=["GET", "POST"])
@require(Permission.REQUEST_REVIEW)
def approval(request_id: UUID) -> ResponseReturnValue:
    """A POST without an amount approves all of it; the form asks for another amount with its reason."""
    line = bill_lines.one(request_id)
    form = ApprovalForm(amount=line.asked, version=line.row.version)
    form.amount.currency = line.row.currency
    if form.accepts():
        with form.refusals():
            made = review.approve(
                db(),
                g.actor,
                g.organization.id,
                request_id,
                amount=form.amount.data,
                reason=form.reason.data or "",
                version=_version(form),
            )
            return _decided(made, _("Approved"))
    form.amount.flags.required = form.reason.flags.required = True  # whoever opens the form changes the amount
    return page("org/bills/approval.html", fragment="org/bills/_approval.html", form=form, line=line, whole=_whole())


@bp.route("/bills/<uuid:request_id>/rejection", methods=["GET", "POST"])
@require(Permission.REQUEST_REVIEW)
def rejection(request_id: UUID) -> ResponseReturnValue:
    line = bill_lines.one(request_id)
    form = ReasonForm(version=line.row.version)
    if form.accepts():
        with form.refusals():
            made = review.reject(
                db(), g.actor, g.organization.id, request_id, reason=form.reason.data, version=_version(form)
            )
            return _decided(made, _("Rejected"))
    return page("org/bills/rejection.html", fragment="org/bills/_rejection.html", form=form, line=line, whole=_whole())


@bp.route("/bills/<uuid:request_id>/release", methods=["GET", "POST"])
@require(Permission.EARNING_RELEASE)
def release(request_id: UUID) -> ResponseReturnValue:
    """Make an approved bill payable before its terms have passed."""
    line = bill_lines.one(request_id)
    form = ReasonForm()
    earning_id = queries.earning_id(db(), request_id)
    if earning_id is None:
        raise Conflict(_("This bill is not approved."))
    if form.accepts():
        with form.refusals():
            earnings.release_early(db(), g.actor, g.organization.id, earning_id, form.reason.data)
            toast = (_("Ready to be paid"), _("%(number)s does not wait any more.", number=line.number))
            return done(back=url_for(".bill", request_id=request_id), toast=toast)
    return page("org/bills/release.html", fragment="org/bills/_release.html", form=form, line=line)


def _version(form: ApprovalForm | ReasonForm) -> int | None:
    """What the reader had on screen; a changed bill is refused."""
    text = str(form.version.data or "")
    return int(text) if text.isdecimal() else None


def _whole() -> bool:
    """Whether the decision is made on the bill's own page, which is shown again afterwards."""
    return request.values.get("whole", "") == "1"


def _decided(made: PaymentRequest, word: str) -> ResponseReturnValue:
    agreed = made.approved or Money(made.amount_minor, made.currency)
    back = url_for(".bill", request_id=made.id)
    line = bill_lines.one(made.id)
    toast = (word, _("%(amount)s of %(payee)s", amount=house_money(agreed), payee=line.row.payee_name))
    if _whole() or not is_htmx():
        return done(back=back, toast=toast)
    queue = bill_filters.of_current_page()
    return done(
        "org/bills/_row.html",
        fragment("org/bills/_drawer.html", target=f"#d-{made.id} > td", swap="innerHTML"),
        "org/bills/_views.html",
        back=back,
        toast=toast,
        **row_context(queue),
        **bill_lines.details(line),
    )


def row_context(queue: bill_filters.Queue) -> dict[str, object]:
    """What a row and the tabs need besides the bill itself."""
    return {
        "queue": queue,
        "labels": bill_filters.LABELS,
        "counts": bill_lines.tab_counts(),
        "deciding": queue.decides and g.actor.can(Permission.REQUEST_REVIEW),
        "expanded": request.values.get("drawer", "") == "1",
    }
