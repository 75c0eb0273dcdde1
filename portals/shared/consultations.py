"""What the client's and the consultant's pages of consultations share: cancelling, moving, the calendar file."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import Length, Optional

from app.consultations import booking, calendar_files, letters
from app.consultations.cancellation import on_cancel
from app.consultations.ending import Ended
from app.consultations.models import Consultation
from app.consultations.privacy import LONGEST_REASON
from app.consultations.states import CancelledBy, ConsultationStatus
from app.core.clock import utc_now
from app.core.errors import Conflict, NotFound
from app.core.money import Money
from portals.shared import asking, slots
from portals.web import paging
from portals.web.db import db
from portals.web.formats import format_when
from portals.web.forms import BaseForm, OnceForm
from portals.web.htmx import done, page
from portals.web.i18n import reader_locale, reader_zone


class CancelForm(OnceForm):
    reason = TextAreaField(
        _l("Reason"), [Optional(), Length(max=LONGEST_REASON)], description=_l("The other side reads it."),
        render_kw={"rows": 3},
    )  # fmt: skip


class MoveForm(BaseForm):
    starts_at = StringField(_l("Time"))


def clock_of(moment: datetime) -> str:
    """The time of day on the reader's clock."""
    return format_when(moment, now=utc_now(), locale=reader_locale(), zone=reader_zone(), style="time")


def found(consultation_id: UUID, side: CancelledBy) -> Consultation:
    """Of the signed-in client or consultant. Raises NotFound."""
    row = db().get(Consultation, consultation_id)
    mine = row is not None and (
        row.client_account_id == g.actor.account_id if side is CancelledBy.CLIENT else row.payee_id == g.actor.payee_id
    )
    if row is None or not mine:
        raise NotFound(_("There is no such consultation."))
    return row


def cancellation(consultation_id: UUID, side: CancelledBy) -> ResponseReturnValue:
    """What it would mean, before it is done."""
    row, form = found(consultation_id, side), CancelForm()
    if form.accepts():
        with form.refusals():
            ended = booking.cancel(db(), g.actor, row.id, side, form.reason.data or "")
            return done(
                back=url_for(".consultation", consultation_id=row.id), toast=(_("Cancelled"), told(ended, side))
            )
    decision = on_cancel(side, utc_now(), row.clock_at)
    return page(
        "shared/consultations/cancellation.html", fragment="shared/consultations/_cancellation.html", form=form,
        row=row, sentence=decision.why.foretold, unpaid=row.status.value == "pending",
    )  # fmt: skip


def told(ended: Ended, side: CancelledBy) -> str:
    why = ended.decision.why
    return why.sentence if side is CancelledBy.CLIENT else why.told


def move(consultation_id: UUID, side: CancelledBy) -> ResponseReturnValue:
    """Another free time of the same length."""
    row, form = found(consultation_id, side), MoveForm()
    booking.check_movable_here(db(), row.payee_id)
    if form.accepts():
        try:
            with form.refusals():
                booking.reschedule(db(), g.actor, row.id, slots.chosen(request.form))
                return done(back=url_for(".consultation", consultation_id=row.id), toast=(_("Moved"), row.title))
        except Conflict as refusal:
            if not refusal.fields:
                raise
            form.blame(refusal)
    minutes = int((row.ends_at - row.starts_at).total_seconds() // 60)
    wanted = asking.day(request.args, "week")
    return page(
        "shared/consultations/move.html", form=form, row=row, clock_of=clock_of, zone=reader_zone(),
        week=slots.week(db(), row.payee_id, minutes, reader_zone(), wanted, but=row.id), url_with=paging.url_with,
        status=409 if form.faulty else None,
    )  # fmt: skip


def calendar(consultation_id: UUID, side: CancelledBy) -> Response:
    """The same file as in the mail."""
    row = found(consultation_id, side)
    event = letters.event(db(), row, for_client=side is CancelledBy.CLIENT)
    answer = Response(calendar_files.write(event), content_type="text/calendar; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename="consultation.ics")
    answer.headers["Cache-Control"] = "no-store"
    return answer


_TONES = {"platform": "grey", "organization": "violet", "consultant": "accent"}


def parts(platform: Money, organization: Money, consultant: Money) -> list[tuple[Money, str, str, str]]:
    """Who gets what of the list price, for the split bar."""
    named = (
        ("consultant", _("Consultant"), consultant), ("organization", _("Organization"), organization),
        ("platform", _("Platform"), platform),
    )  # fmt: skip
    return [(amount, _TONES[name], word, "") for name, word, amount in named if amount]


def times(row: Any) -> dict[str, Any]:
    """Whether it is ahead, can still be moved, and can be joined: until its end, as people come late."""
    now, booked = utc_now(), row.status is ConsultationStatus.BOOKED
    ahead = row.starts_at > now
    return {
        "ahead": ahead, "movable": ahead and booked and not row.kind.is_group,
        "joinable": booked and bool(row.video_url) and row.ends_at > now,
    }  # fmt: skip
