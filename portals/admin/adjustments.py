"""Corrections to what payees earned: made by one admin, above the limit decided by another one."""

from __future__ import annotations

from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.errors import NotFound
from app.core.money import CURRENCIES, Money
from app.earnings import adjustments as service
from app.earnings.rate_models import AdjustmentKind, AdjustmentStatus
from app.organizations import queries as organizations
from app.payees import queries as payees
from portals.admin import bp
from portals.web import paging
from portals.web.db import db
from portals.web.forms import MoneyField, OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page

STATES = {
    "submitted": (_l("To decide"), AdjustmentStatus.SUBMITTED),
    "applied": (_l("Applied"), AdjustmentStatus.APPLIED),
    "declined": (_l("Declined"), AdjustmentStatus.DECLINED),
    "all": (_l("All"), None),
}
KIND_NAMES = {
    AdjustmentKind.MANUAL: _l("Correction"),
    AdjustmentKind.BONUS: _l("Bonus"),
    AdjustmentKind.REFUND: _l("Refund"),
    AdjustmentKind.CHARGEBACK: _l("Chargeback"),
}


class AdjustmentForm(OnceForm):
    organization = SelectField(_l("Organization"))
    kind = SelectField(_l("Kind"), choices=[(kind.value, name) for kind, name in KIND_NAMES.items()])
    amount = MoneyField(
        _l("Amount"),
        [InputRequired(_l("Write an amount."))],
        currency_field="currency",
        signed=True,
        description=_l("Below zero takes: -20.00. Refunds and chargebacks always do."),
    )
    currency = SelectField(_l("Currency"), choices=[(code, code) for code in sorted(CURRENCIES)])
    reason = TextAreaField(
        _l("Reason"),
        [InputRequired(_l("Say why: the payee reads it.")), Length(max=service.LONGEST)],
        description=_l("The payee reads this beside the earning."),
    )
    note = TextAreaField(
        _l("Note"), [Length(max=service.LONGEST)], description=_l("Only admins read this: what it rests on.")
    )


class NoteForm(OnceForm):
    note = TextAreaField(_l("Note"), [InputRequired(_l("Write a note.")), Length(max=service.LONGEST)])


@bp.get("/adjustments")
def adjustments() -> ResponseReturnValue:
    want, state = paging.wanted(), request.args.get("state", "submitted")
    state = state if state in STATES else "submitted"
    found = service.adjustments(db(), status=STATES[state][1], cursor=want.cursor, limit=want.limit)
    return page(
        "admin/adjustments/index.html",
        fragment="admin/adjustments/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        state=state,
        states=STATES,
        kind_names=KIND_NAMES,
    )


@bp.get("/adjustments/<uuid:adjustment_id>")
def adjustment(adjustment_id: UUID) -> ResponseReturnValue:
    row = service.adjustment(db(), adjustment_id)
    return page(
        "admin/adjustments/show.html",
        row=row,
        notes=service.notes(db(), row.id),
        kind_names=KIND_NAMES,
        open=row.status is AdjustmentStatus.SUBMITTED,
        own=row.made_by_account_id == g.actor.account_id,
    )


@bp.route("/adjustments/<uuid:adjustment_id>/notes/new", methods=["GET", "POST"])
def adjustment_note(adjustment_id: UUID) -> ResponseReturnValue:
    form = NoteForm()
    if form.accepts():
        with form.refusals():
            service.add_note(db(), g.actor, adjustment_id, form.note.data or "")
            back = url_for(".adjustment", adjustment_id=adjustment_id)
            return done(back=back, toast=(_("Note kept"), _("Only admins read it.")))
    row = service.adjustment(db(), adjustment_id)
    return page("admin/adjustments/note.html", fragment="admin/adjustments/_note.html", form=form, row=row)


@bp.route("/payees/<uuid:payee_id>/adjustments/new", methods=["GET", "POST"])
def new_adjustment(payee_id: UUID) -> ResponseReturnValue:
    payee, payers = payees.card(db(), payee_id), organizations.payers(db(), payee_id)
    if not payers:
        raise NotFound(_("Nobody engages this payee."))
    form = AdjustmentForm(data={"currency": payers[0].currency})
    form.organization.choices = [(str(payer.organization_id), payer.name) for payer in payers]
    if form.accepts() and isinstance(form.amount.data, Money):
        with form.refusals():
            made = service.make(
                db(), g.actor, organization_id=UUID(form.organization.data), payee_id=payee_id,
                kind=AdjustmentKind(form.kind.data), amount=form.amount.data, reason=form.reason.data or "",
                note=form.note.data or "",
            )  # fmt: skip
            applied = made.status is AdjustmentStatus.APPLIED
            toast = (_("Adjustment applied"), _("It is in the payee’s earnings."))
            if not applied:
                toast = (_("Adjustment submitted"), _("Somebody else decides on it: it is above the limit."))
            return done(back=url_for(".adjustment", adjustment_id=made.id), toast=toast)
    return page("admin/adjustments/new.html", fragment="admin/adjustments/_new.html", form=form, payee=payee)


@bp.post("/adjustments/<uuid:adjustment_id>/approval")
@step_up_required
def adjustment_approval(adjustment_id: UUID) -> ResponseReturnValue:
    service.apply(db(), g.actor, adjustment_id)
    toast = (_("Adjustment applied"), _("It is in the payee’s earnings."))
    return done(back=url_for(".adjustment", adjustment_id=adjustment_id), toast=toast)


@bp.route("/adjustments/<uuid:adjustment_id>/refusal", methods=["GET", "POST"])
def adjustment_refusal(adjustment_id: UUID) -> ResponseReturnValue:
    form = NoteForm()
    if form.accepts():
        with form.refusals():
            service.decline(db(), g.actor, adjustment_id, form.note.data or "")
            toast = (_("Adjustment declined"), _("The payee never hears of it."))
            return done(back=url_for(".adjustment", adjustment_id=adjustment_id), toast=toast)
    row = service.adjustment(db(), adjustment_id)
    return page("admin/adjustments/refusal.html", fragment="admin/adjustments/_refusal.html", form=form, row=row)
