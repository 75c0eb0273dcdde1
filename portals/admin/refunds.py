"""Refunds and disputes of every organization: what waits for a provider, for a bank, or for a person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.charges import client_queries
from app.charges.client_queries import ReturnView
from app.charges.states import ReturnKind
from app.consultations import by_hand, late
from app.consultations import platform_queries as queries
from app.core.errors import NotFound
from portals.admin import asking, bp
from portals.web import paging
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.htmx import done, page

# What a view is called, and what to do about what stands in it.
VIEWS = {
    ReturnView.REFUSED: (
        _l("Refused"),
        _l("The provider did not give the money back, or the client’s bank sent it back to us. Try again, or settle it "
           "with the client and say how."),
    ),
    ReturnView.WAITING: (
        _l("Waiting"),
        _l("Asked for. The provider’s answer comes by itself; one without an answer is looked up, never asked twice."),
    ),
    ReturnView.DISPUTES: (
        _l("Disputes"),
        _l("The client’s bank decides. Evidence is handed in at the provider; say here what was decided only when its "
           "news does not come."),
    ),
    ReturnView.DONE: (_l("Gone back"), _l("What clients have again.")),
}  # fmt: skip


class SettlementForm(OnceForm):
    note = TextAreaField(
        _l("How it was settled"), [InputRequired(_l("Say how it was settled.")), Length(max=late.LONGEST_NOTE)],
        description=_l("Only admins read this."), render_kw={"rows": 3},
    )  # fmt: skip


class OutcomeForm(OnceForm):
    outcome = RadioField(
        _l("What the bank decided"), [InputRequired(_l("Choose one."))],
        choices=[("lost", _l("Lost: the client keeps the money")), ("won", _l("Won: the money stays"))],
    )  # fmt: skip


@bp.get("/refunds")
def refunds() -> ResponseReturnValue:
    view = asking.one_of(ReturnView, request.args, "view") or ReturnView.REFUSED
    want = paging.wanted()
    found = client_queries.returns_across(db(), view, want.cursor, want.limit)
    return page(
        "admin/refunds/index.html", fragment="admin/refunds/_list.html", found=found,
        neighbours=paging.neighbours(found), view=view, views=VIEWS,
    )  # fmt: skip


@bp.post("/refunds/<uuid:return_id>/retry")
def refund_retry(return_id: UUID) -> ResponseReturnValue:
    by_hand.try_again(db(), g.actor, return_id)
    toast = (_("Asked for again"), _("It counts once it went through."))
    return done(back=_back(client_queries.one_return(db(), return_id)), toast=toast)


def _back(row: Any) -> str:
    """The consultation's page; what was paid for something else has its line in the list."""
    if row.subject_kind != queries.SUBJECT:
        return url_for(".refunds")
    return url_for(".consultation", consultation_id=row.subject_id)


@bp.route("/refunds/<uuid:return_id>/settlement", methods=["GET", "POST"])
def refund_settlement(return_id: UUID) -> ResponseReturnValue:
    """The client is not owed it any more, e.g. was paid in another way: what was earned goes on."""
    row, form = client_queries.one_return(db(), return_id), SettlementForm()
    if form.accepts():
        with form.refusals():
            late.stays(db(), g.actor, return_id, form.note.data or "")
            return done(back=_back(row), toast=(_("Settled"), _("What was earned goes on.")))
    return page("admin/refunds/settlement.html", fragment="admin/refunds/_settlement.html", form=form, row=row)


@bp.route("/refunds/<uuid:return_id>/decision", methods=["GET", "POST"])
def dispute_decision(return_id: UUID) -> ResponseReturnValue:
    row, form = client_queries.one_return(db(), return_id), OutcomeForm()
    if row.kind is not ReturnKind.DISPUTE:
        raise NotFound(_("There is no such dispute."))
    if form.accepts():
        lost = form.outcome.data == "lost"
        with form.refusals():
            by_hand.dispute_decided(db(), g.actor, return_id, lost=lost)
            said = _("Everybody gives back their part.") if lost else _("What was earned goes on.")
            return done(back=_back(row), toast=(_("Decision noted"), said))
    return page(
        "admin/refunds/decision.html", fragment="admin/refunds/_decision.html", form=form, row=row, back=_back(row)
    )
