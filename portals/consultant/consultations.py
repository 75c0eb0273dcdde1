"""A consultant's consultations. Everything a page shows of them is a `ConsultationCard`: no surname, no address."""

from __future__ import annotations

from uuid import UUID

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.audit import queries as trail
from app.consultations import cards, pricing, rooms
from app.consultations.cards import View
from app.consultations.states import CancelledBy
from portals.consultant import bp
from portals.shared import asking, consultations
from portals.shared.timeline import steps
from portals.web import paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import done, page

SIDE = CancelledBy.CONSULTANT


class VideoForm(BaseForm):
    video_url = StringField(_l("Video link"), [InputRequired(_l("Write an address.")), Length(max=500)])


@bp.get("/consultations", endpoint="consultations")
def index() -> ResponseReturnValue:
    view = asking.one_of(View, request.args, "view") or View.UPCOMING
    want = paging.wanted(25)
    found = cards.of_payee(db(), g.actor.payee_id, view, want.cursor, want.limit)
    return page(
        "consultant/consultations.html", fragment="consultant/_consultations.html", found=found, view=view, views=View,
        neighbours=paging.neighbours(found), url_with=paging.url_with,
    )  # fmt: skip


@bp.get("/consultations/<uuid:consultation_id>")
def consultation(consultation_id: UUID) -> ResponseReturnValue:
    return _shown(consultation_id, VideoForm(formdata=None))


def _shown(consultation_id: UUID, form: VideoForm) -> ResponseReturnValue:
    card = cards.one(db(), g.actor.payee_id, consultation_id)
    if not form.is_submitted():
        form.video_url.data = card.video_url
    lines = pricing.explain(card.pricing, g.actor.payee_id) if card.pricing else []
    parts = consultations.parts(card.platform, card.organization, card.earning)
    events = trail.timeline(db(), card.id)
    return page(
        "consultant/consultation.html", card=card, form=form, lines=lines, parts=parts, rule=_rule(card.pricing),
        history=steps(events, "consultation"), **consultations.times(card),
    )  # fmt: skip


def _rule(snapshot: dict[str, object]) -> str:
    return pricing.rule_of(snapshot) if snapshot else ""


@bp.post("/consultations/<uuid:consultation_id>/video")
def consultation_video(consultation_id: UUID) -> ResponseReturnValue:
    card, form = cards.one(db(), g.actor.payee_id, consultation_id), VideoForm()
    if form.accepts():
        with form.refusals():
            rooms.set_video(db(), g.actor, card.id, form.video_url.data or "")
            return done(back=url_for(".consultation", consultation_id=card.id), toast=_("The video link is changed."))
    return _shown(consultation_id, form)


@bp.route("/consultations/<uuid:consultation_id>/cancellation", methods=["GET", "POST"])
def consultation_cancellation(consultation_id: UUID) -> ResponseReturnValue:
    return consultations.cancellation(cards.one(db(), g.actor.payee_id, consultation_id).id, SIDE)


@bp.route("/consultations/<uuid:consultation_id>/move", methods=["GET", "POST"])
def consultation_move(consultation_id: UUID) -> ResponseReturnValue:
    return consultations.move(cards.one(db(), g.actor.payee_id, consultation_id).id, SIDE)


@bp.get("/consultations/<uuid:consultation_id>/calendar.ics")
def consultation_calendar(consultation_id: UUID) -> Response:
    return consultations.calendar(cards.one(db(), g.actor.payee_id, consultation_id).id, SIDE)
