"""What an admin does about one consultation: who was there, what goes back, what a bank decided."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.charges import client_queries
from app.charges.states import ReturnStatus
from app.consultations import by_hand
from app.consultations import platform_queries as queries
from app.consultations.cancellation import on_cancel, on_no_show
from app.consultations.privacy import LONGEST_REASON
from app.consultations.states import CancelledBy
from app.core.clock import utc_now
from app.core.errors import Conflict
from portals.admin import bp
from portals.admin.consultations import possible
from portals.web.db import db
from portals.web.forms import MoneyField, OnceForm
from portals.web.htmx import done, page

_READ = _l("The consultant reads this: leave the client’s surname and address out.")


class WhyForm(OnceForm):
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Say why.")), Length(max=LONGEST_REASON)], description=_READ,
        render_kw={"rows": 3},
    )  # fmt: skip


class RefundForm(WhyForm):
    amount = MoneyField(_l("Amount"), [Optional()], description=_l("Empty: all that is left."))
    note = TextAreaField(
        _l("Note"), [Length(max=LONGEST_REASON)], description=_l("Only admins read this: what it rests on."),
        render_kw={"rows": 2},
    )  # fmt: skip


class DisputeForm(RefundForm):
    reference = StringField(
        _l("Number of the dispute"), [InputRequired(_l("The provider’s number of the dispute.")), Length(max=100)],
        description=_l("As the provider writes it, for example dp_1N…: late news of it are then known."),
    )  # fmt: skip


# By the noun of the address: what the dialog is called, what its button says.
_TITLES = {
    "completion": (_l("Count it as held?"), _l("It was held")),
    "cancellation": (_l("Cancel for the platform?"), _l("Cancel the consultation")),
    "client-absence": (_l("The client did not appear?"), _l("The client was absent")),
    "consultant-absence": (_l("The consultant did not appear?"), _l("The consultant was absent")),
}


def _told(noun: str, row: Any) -> str:
    """What follows for the money, in the words of the rules."""
    if noun == "completion":
        return _("What was earned becomes available, and the client is asked for a review.")
    if noun == "cancellation":
        unpaid = row.status.value == "pending"
        return (
            _("Nothing was paid yet.") if unpaid else on_cancel(CancelledBy.PLATFORM, utc_now(), row.clock_at).why.told
        )
    return on_no_show(CancelledBy.CLIENT if noun == "client-absence" else CancelledBy.CONSULTANT).why.told


def _back(consultation_id: UUID) -> str:
    return url_for(".consultation", consultation_id=consultation_id)


@bp.route(
    "/consultations/<uuid:consultation_id>/<any('client-absence','consultant-absence',cancellation,completion):noun>",
    methods=["GET", "POST"],
)
def consultation_ending(consultation_id: UUID, noun: str) -> ResponseReturnValue:
    row, form = queries.consultation(db(), consultation_id), WhyForm()
    if form.accepts():
        why = form.reason.data or ""
        with form.refusals():
            if noun == "completion":
                by_hand.complete(db(), g.actor, row.id, why)
            elif noun == "cancellation":
                by_hand.cancel(db(), g.actor, row.id, why)
            else:
                who = CancelledBy.CLIENT if noun == "client-absence" else CancelledBy.CONSULTANT
                by_hand.no_show(db(), g.actor, row.id, who, why)
            return done(back=_back(row.id), toast=(_("Noted"), _told(noun, row)))
    title, submit = _TITLES[noun]
    return page(
        "admin/consultations/ending.html", fragment="admin/consultations/_ending.html", form=form, row=row, noun=noun,
        heading=title, submit=submit, told=_told(noun, row), can=noun in possible(row),
    )  # fmt: skip


@bp.route("/consultations/<uuid:consultation_id>/refunds/new", methods=["GET", "POST"])
def new_refund(consultation_id: UUID) -> ResponseReturnValue:
    return _money_form(consultation_id, RefundForm())


@bp.route("/consultations/<uuid:consultation_id>/disputes/new", methods=["GET", "POST"])
def new_dispute(consultation_id: UUID) -> ResponseReturnValue:
    return _money_form(consultation_id, DisputeForm())


def _money_form(consultation_id: UUID, form: RefundForm) -> ResponseReturnValue:
    row = queries.consultation(db(), consultation_id)
    left = None
    if row.charge_id:
        charge = client_queries.one_charge(db(), row.charge_id)
        left = client_queries.left_of(charge, client_queries.returns(db(), charge.id))
    if left is None:
        raise Conflict(_("Nothing was paid for this consultation."))
    form.amount.currency = row.currency
    if form.accepts():
        amount, why = form.amount.data, form.reason.data or ""
        with form.refusals():
            if isinstance(form, DisputeForm):
                by_hand.disputed(db(), g.actor, row.id, amount, form.reference.data or "", why, form.note.data or "")
                toast = (_("Dispute noted"), _("What was earned and is on hold waits for the bank."))
            else:
                back = by_hand.refund(db(), g.actor, row.id, amount, why, form.note.data or "")
                gone = back.status is ReturnStatus.SUCCEEDED
                toast = (
                    (_("Refunded"), row.client)
                    if gone
                    else (_("Refund asked for"), _("It counts once it went through."))
                )
            return done(back=_back(row.id), toast=toast)
    dispute = isinstance(form, DisputeForm)
    return page(
        "admin/consultations/refund.html", fragment="admin/consultations/_refund.html", form=form, row=row, left=left,
        dispute=dispute,
    )  # fmt: skip
