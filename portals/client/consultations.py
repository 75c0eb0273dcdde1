"""A client's consultations: what comes and what was, cancelling, moving, reviewing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.consultations import client_queries, credits, letters, on_account, reviews
from app.consultations.cancellation import FREE_BEFORE, is_early
from app.consultations.cards import View
from app.consultations.reviews import Verdict
from app.consultations.states import CancelledBy, ConsultationStatus, PaidBy
from app.core.clock import utc_now
from app.core.errors import Conflict
from app.core.money import Money
from portals.client import bp, cards
from portals.shared import asking, consultations
from portals.web import paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import done, page

SIDE = CancelledBy.CLIENT
STARS = [(str(n), "★" * n) for n in range(5, 0, -1)]
MARKS = [("", _l("No answer")), *STARS]


class ReviewForm(BaseForm):
    rating = RadioField(_l("How was it?"), [InputRequired(_l("Give 1 to 5 stars."))], choices=STARS)
    text = TextAreaField(
        _l("In your words"), [Optional(), Length(max=reviews.LONGEST_TEXT)], render_kw={"rows": 5},
        description=_l("Everybody can read it. Only your first name stands beside it."),
    )  # fmt: skip
    expertise = SelectField(_l("Expertise"), choices=MARKS, default="")
    communication = SelectField(_l("Communication"), choices=MARKS, default="")
    helpfulness = SelectField(_l("Helpfulness"), choices=MARKS, default="")

    def verdict(self) -> Verdict:
        marks = {name: int(self[name].data) if self[name].data else None for name in
                 ("expertise", "communication", "helpfulness")}  # fmt: skip
        return Verdict(int(self.rating.data), self.text.data or "", **marks)


@bp.get("/consultations", endpoint="consultations")
def index() -> ResponseReturnValue:
    view = asking.one_of(View, request.args, "view") or View.UPCOMING
    want = paging.wanted(25)
    found = client_queries.consultations(db(), g.actor.account_id, view, want.cursor, want.limit)
    return page(
        "client/consultations.html", fragment="client/_consultations.html", found=found, view=view, views=View,
        neighbours=paging.neighbours(found), url_with=paging.url_with, price_of=price_of,
    )  # fmt: skip


def price_of(row: Any) -> Money:
    return Money(row.price_minor, row.currency)


@bp.get("/consultations/<uuid:consultation_id>")
def consultation(consultation_id: UUID) -> ResponseReturnValue:
    row = client_queries.consultation(db(), g.actor.account_id, consultation_id)
    charge = client_queries.charge_of(db(), row.id)
    held = row.status is ConsultationStatus.COMPLETED
    review = reviews.of_consultation(db(), row.id) if held else None
    return page(
        "client/consultation.html", fragment="client/_consultation.html", row=row, price=price_of(row), charge=charge,
        papers=on_account.papers(db(), charge) if charge else None,
        returns=client_queries.returns_of(db(), charge.id) if charge else [], minor=Money, review=review,
        may_review=held and review is None, free_until=row.clock_at - FREE_BEFORE,
        buyer=None if row.paid_by is PaidBy.CARD else credits.payer_of(db(), row.id),
        free=is_early(utc_now(), row.clock_at), policy=letters.POLICY, came_back=cards.returned(charge),
        project=client_queries.project_of(db(), row.project_id) if row.project_id else None,
        **consultations.times(row),
    )  # fmt: skip


@bp.route("/consultations/<uuid:consultation_id>/cancellation", methods=["GET", "POST"])
def consultation_cancellation(consultation_id: UUID) -> ResponseReturnValue:
    return consultations.cancellation(consultation_id, SIDE)


@bp.route("/consultations/<uuid:consultation_id>/move", methods=["GET", "POST"])
def consultation_move(consultation_id: UUID) -> ResponseReturnValue:
    return consultations.move(consultation_id, SIDE)


@bp.get("/consultations/<uuid:consultation_id>/calendar.ics")
def consultation_calendar(consultation_id: UUID) -> Response:
    return consultations.calendar(consultation_id, SIDE)


@bp.route("/consultations/<uuid:consultation_id>/review", methods=["GET", "POST"])
def consultation_review(consultation_id: UUID) -> ResponseReturnValue:
    row, form = client_queries.consultation(db(), g.actor.account_id, consultation_id), ReviewForm()
    if form.accepts():
        with form.refusals():
            reviews.write(db(), g.actor, row.id, form.verdict())
            return done(back=url_for(".consultation", consultation_id=row.id), toast=_("Thank you for your review."))
    if row.status is not ConsultationStatus.COMPLETED or reviews.of_consultation(db(), row.id):
        raise Conflict(_("A consultation is reviewed once, after it was held."))
    return page("client/review.html", form=form, row=row)
